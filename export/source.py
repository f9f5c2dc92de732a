"""What is exported: a trained checkpoint, or CLIP alone, brought to one form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from open_clip import CLIP
from torch import Tensor, nn

import training
from export.progress import say
from export.settings import ExportSettings
from export.text.own_tokenizer import OwnTokenizer, find_tokenizer
from export.text.tower import TextTower, clip_text_tower, sentence_text_tower
from export.text.vocabulary_file import everyday_names, open_background_names
from export.training_free import TRAINING_FREE_UNITS, ClipAlone, native_size_wh
from runtime.bundle import ClipInfo, TemplateSet
from runtime.errors import UserError
from training.data.streetworld import CLASS_NAMES, vocabulary_words
from training.engine.checkpoint import load_checkpoint
from training.model.clip import activation_of, is_file, load_clip
from training.model.dense import DenseEncoder
from training.model.mgca import without_edge_stages
from training.model.pamr import TCL_DILATIONS, PamrSettings
from training.model.pixel_norm import OPENAI_PIXELS, PixelNorm, pixel_norm_of
from training.model.prompts import templates_for
from training.model.towers.pair import TowerPair
from training.model.towers.text import SentenceTower
from training.model.unit_space import UnitSpace
from training.model.units import UnitSettings

RUNS = Path("runs")
SHIPPED_CHECKPOINT = Path(training.__file__).parent / "assets" / "demo.pt"


@dataclass(frozen=True)
class ExportSource:
    """One model to export, with all that a manifest says about it.

    Attributes:
        model_id: a short name of letters, digits and dashes.
        model: has ``encoder`` and ``decoder``, as TraceableSegmenter wants them.
        clip: the CLIP with both towers.
        clip_info: name, weights tag, dense mode.
        decoder_weights: the decoder's parameters by name; None when there is no decoder.
        units: unit settings.
        unit_space: where pixels gather into units; None: among the embeddings as they are.
        pamr: in the place of units: how scores are refined by colors.
        text_center: float32 (D,), zeros where no centre is taken off.
        templates: prompt templates.
        logit_scale: what cosines are multiplied with before a softmax.
        presence: how far words that nothing in the picture shows step back.
        size_wh: the input size to use unless the user names one.
        trained_words: the closed word list, or None for an open vocabulary.
        vocabulary: names to store ready encoded unless the user names some.
        background_words: words that compete with the user's.
        untrained: the weights are known to be random, so labels are near-ties.
        sentence: the sentence encoder and the head behind it (None: no head) that are the text
            side; None: CLIP's own text tower is.
        origin: facts for the manifest's ``created_by``.
        pixels: what they are normalised with.
        tokenizer: the text tower's own; None: CLIP's.
    """

    model_id: str
    model: nn.Module
    clip: CLIP
    clip_info: ClipInfo
    decoder_weights: Mapping[str, Tensor] | None
    units: UnitSettings
    text_center: Tensor
    templates: TemplateSet
    logit_scale: float
    size_wh: tuple[int, int]
    trained_words: tuple[str, ...] | None
    vocabulary: tuple[str, ...]
    background_words: tuple[str, ...]
    presence: float = 0.0
    unit_space: UnitSpace | None = None
    pamr: PamrSettings | None = None
    untrained: bool = False
    sentence: tuple[SentenceTower, nn.Module | None] | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    pixels: PixelNorm = OPENAI_PIXELS
    tokenizer: OwnTokenizer | None = None

    @property
    def encoder(self) -> DenseEncoder:
        """The image tower, read patch by patch."""
        return self.model.encoder  # type: ignore[return-value]

    @cached_property
    def text_tower(self) -> TextTower:
        """The text side's tower; UserError where its width is not that of the image side."""
        if self.sentence is None:
            return clip_text_tower(self.clip, self.tokenizer)
        return sentence_text_tower(*self.sentence, self.encoder.embedding_width)

    @property
    def unit_values(self) -> dict[str, Any]:
        """The unit settings as plain values, for the manifest and the reference; without units,
        what stands in their place.
        """
        if self.pamr is None:
            return asdict(self.units)
        if self.pamr.rounds == 0:
            return {"refine": "none"}
        values = asdict(self.pamr)
        return {"refine": "pamr", **values, "dilations": list(self.pamr.dilations)}


def choose_checkpoint(settings: ExportSettings) -> Path:
    """Return the checkpoint: the one named, else the newest run's, else the shipped demo's."""
    if settings.checkpoint is not None:
        if not settings.checkpoint.exists():
            raise UserError(
                f"--checkpoint {settings.checkpoint}: no such file; expected a last.pt written by "
                "python -m training.run"
            )
        return settings.checkpoint
    found = sorted(RUNS.glob("*/last.pt"), key=lambda path: path.stat().st_mtime)
    if found:
        return found[-1]
    if SHIPPED_CHECKPOINT.is_file():
        return SHIPPED_CHECKPOINT
    raise UserError(
        "no checkpoint: none under runs/ and none shipped; train one with python -m training.run, "
        "or name one with --checkpoint, or use --training-free"
    )


def load_source(settings: ExportSettings) -> ExportSource:
    """Load what the settings name; raises UserError for anything that is not there or not ours."""
    if settings.training_free:
        source = _from_clip(settings)
    else:
        source = _from_checkpoint(choose_checkpoint(settings), settings)
    if settings.templates is not None:
        source = replace(source, templates=settings.templates)
    if settings.refine == "units":
        return source
    pamr = PamrSettings(dilations=settings.pamr_dilations or TCL_DILATIONS)
    return replace(source, pamr=pamr if settings.refine == "pamr" else replace(pamr, rounds=0))


def _from_clip(settings: ExportSettings) -> ExportSource:
    tag = _tag(settings.clip, settings.pretrained)
    fetches = tag == settings.pretrained
    tokenizer = find_tokenizer(settings.clip, settings.tokenizer, fetches=fetches)
    clip = load_clip(settings.clip, settings.pretrained, settings.activation, any_tower=True)
    try:
        model = ClipAlone(clip, settings.dense, settings.position_resize).eval()
    except ValueError as error:
        raise UserError(f"--dense {settings.dense}: {error}") from error
    pixels, known = pixel_norm_of(settings.clip, settings.pretrained)
    say(
        f"{settings.clip} with weights {tag}: activation {activation_of(clip)}, pixels normalised "
        f"by mean {', '.join(f'{value:.3f}' for value in pixels.mean)}"
        f"{'' if known else ' (as OpenAI did: the file does not say)'}"
    )
    width, height = native_size_wh(clip)
    return ExportSource(
        model_id=_slug(f"{settings.clip}-{Path(settings.pretrained).stem}"),
        model=model,
        clip=clip,
        clip_info=ClipInfo(
            settings.clip,
            tag,
            model.encoder.mode,
            activation_of(clip),
            model.encoder.position_resize,
        ),
        decoder_weights=None,
        units=TRAINING_FREE_UNITS,
        text_center=torch.zeros(model.encoder.embedding_width),
        templates=TemplateSet(*templates_for(settings.clip)),
        logit_scale=float(clip.logit_scale.exp()),
        # Dense prediction wants more patches than a label for the whole image does.
        size_wh=(2 * width, 2 * height),
        trained_words=None,
        vocabulary=tuple(everyday_names()),
        background_words=tuple(open_background_names()),
        origin={"training_free": True},
        pixels=pixels,
        tokenizer=tokenizer,
    )


def _from_checkpoint(path: Path, settings: ExportSettings) -> ExportSource:
    checkpoint = load_checkpoint(path)
    config, model = checkpoint.config, checkpoint.model.eval()
    if settings.dense is not None:
        _read_as(model.encoder, settings.dense)
    if not settings.edge_stages:
        model = without_edge_stages(model)
    name = config.model.clip_name
    if name.endswith(".json"):  # a file of a pair: its place is nobody's business
        name = Path(name).stem
    pair = model.clip if isinstance(model.clip, TowerPair) else None
    on_streetworld = config.data.is_generated and config.model.pretrained is None and not pair
    words = tuple(vocabulary_words()) if on_streetworld else None
    if words is None:
        names, background = tuple(everyday_names()), tuple(open_background_names())
    else:
        names, background = words, tuple(streetworld_classes())
    return ExportSource(
        model_id=_slug(f"{name}-{config.name}"),
        model=model,
        clip=model.clip,
        clip_info=ClipInfo(
            name,
            _tag(config.model.clip_name, config.model.pretrained) if pair is None else "towers",
            model.encoder.mode,
            activation_of(model.clip) if pair is None else None,
            model.encoder.position_resize if pair is None else None,
        ),
        sentence=None if pair is None else (pair.text, model.text_head),
        decoder_weights={name: value.detach() for name, value in model.decoder.named_parameters()},
        units=config.units,
        text_center=model.text_center.detach().float(),
        templates=TemplateSet(*templates_for(config.model.clip_name, config.model.prompts)),
        logit_scale=float(config.losses.logit_scale),
        presence=config.model.presence,
        size_wh=config.export_size_wh,
        trained_words=words,
        vocabulary=names,
        background_words=background,
        unit_space=checkpoint.unit_space,
        untrained=checkpoint.phase == "pretrain" and checkpoint.step == 0,
        origin={
            "run": config.name,
            "seed": config.seed,
            "step": checkpoint.step,
            "phase": checkpoint.phase,
            **({} if pair is None else {"trunk_weights_sha256": pair.visual.weights_sha256}),
        },
    )


def _read_as(encoder: nn.Module, dense: str) -> None:
    """Have a checkpoint's tower read by another method; raises UserError where it cannot be."""
    if not isinstance(encoder, DenseEncoder):
        raise UserError(f"--dense {dense}: this checkpoint's towers are no CLIP; leave it out")
    try:
        encoder.read_as(dense)
    except ValueError as error:
        raise UserError(f"--dense {dense}: {error}") from error


def streetworld_classes() -> list[str]:
    """Return the generated world's classes, in the order of its truth."""
    return list(CLASS_NAMES)


def _tag(name: str, pretrained: str | None) -> str:
    """The weights by a name that means something elsewhere: no path of this machine."""
    if pretrained is None:
        return "scratch"
    return f"file:{Path(pretrained).name}" if is_file(name, pretrained) else pretrained


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
