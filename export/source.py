"""What is exported: a trained checkpoint, or CLIP alone, brought to one form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from open_clip import CLIP
from torch import Tensor, nn

from export.settings import ExportSettings
from runtime.bundle import ClipInfo, TemplateSet
from runtime.errors import UserError
from training.model.clip import load_clip
from training.model.dense import DenseEncoder, DenseFeatures
from training.model.prompts import templates_for
from training.model.unit_space import UnitSpace
from training.model.units import UnitSettings

RUNS = Path("runs")
# What a scene is made of besides things: these words compete where the user's do not fit.
OPEN_BACKGROUND = tuple(
    word.strip()
    for word in (
        "sky, cloud, wall, floor, ceiling, road, pavement, building, house, window, door, roof, "
        "fence, grass, tree, plant, flower, water, sea, river, sand, snow, rock, mountain, soil, "
        "table, chair, curtain, carpet, cabinet, shelf, lamp, sign, pole, person, car, animal, "
        "food, clothes, shadow"
    ).split(",")
)


@dataclass(frozen=True)
class Subject:
    """One model to export, with all that a manifest says about it.

    Attributes:
        model_id: a short name of letters, digits and dashes.
        model: has ``encoder`` and ``decoder``, as TraceableSegmenter wants them.
        clip: the CLIP with both towers.
        clip_info: name, weights tag, dense mode.
        decoder_weights: the decoder's parameters by name; None when there is no decoder.
        units: unit settings.
        unit_space: where pixels gather into units; None: among the embeddings as they are.
        text_center: float32 (D,), zeros where no centre is taken off.
        templates: prompt templates.
        logit_scale: what cosines are multiplied with before a softmax.
        size_wh: the input size to use unless the user names one.
        trained_words: the closed word list, or None for an open vocabulary.
        vocabulary: names to store ready encoded unless the user names some.
        background_words: words that compete with the user's.
        untrained: the weights are known to be random, so labels are near-ties.
        origin: facts for the manifest's ``created_by``.
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
    unit_space: UnitSpace | None = None
    untrained: bool = False
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def encoder(self) -> DenseEncoder:
        """The image tower, read patch by patch."""
        return self.model.encoder  # type: ignore[return-value]


class EnlargingDecoder(nn.Module):
    """Stands where no decoder was trained: CLIP's own features, bilinear, four times finer."""

    upscale = 4

    def forward(self, features: DenseFeatures, images_b3hw: Tensor) -> Tensor:
        """(b, D, hp, wp) patch embeddings -> (b, D, 4 hp, 4 wp); the images are not looked at."""
        height, width = features.embeddings_bdhw.shape[2:]
        size = (int(height) * self.upscale, int(width) * self.upscale)
        return F.interpolate(
            features.embeddings_bdhw, size=size, mode="bilinear", align_corners=False
        )


class ClipAlone(nn.Module):
    """CLIP's dense features without a trained decoder."""

    def __init__(self, clip: CLIP, dense: str | None) -> None:
        super().__init__()
        self.encoder = DenseEncoder(clip, dense)
        self.decoder = EnlargingDecoder()


def choose_checkpoint(settings: ExportSettings) -> Path:
    """Return the checkpoint: the one named, else the newest run's, else the shipped demo's."""
    if settings.checkpoint is not None:
        if not settings.checkpoint.is_file():
            raise UserError(
                f"--checkpoint {settings.checkpoint}: no such file; expected a last.pt written by "
                "python -m training.run"
            )
        return settings.checkpoint
    found = sorted(RUNS.glob("*/last.pt"), key=lambda path: path.stat().st_mtime)
    if found:
        return found[-1]
    import training

    shipped = Path(training.__file__).parent / "assets" / "demo.pt"
    if shipped.is_file():
        return shipped
    raise UserError(
        "no checkpoint: none under runs/ and none shipped; train one with python -m training.run, "
        "or name one with --checkpoint, or use --training-free"
    )


def load_subject(settings: ExportSettings) -> Subject:
    """Load what the settings name; raises UserError for anything that is not there or not ours."""
    if settings.training_free:
        return _from_clip(settings)
    return _from_checkpoint(choose_checkpoint(settings), settings)


def _from_clip(settings: ExportSettings) -> Subject:
    clip = load_clip(settings.clip, settings.pretrained)
    model = ClipAlone(clip, settings.dense).eval()
    tag = _tag(settings.pretrained)
    native = clip.visual.image_size
    height, width = native if isinstance(native, (tuple, list)) else (native, native)
    from export.text.vocabulary_file import everyday_names

    return Subject(
        model_id=_slug(f"{settings.clip}-{Path(settings.pretrained).stem}"),
        model=model,
        clip=clip,
        clip_info=ClipInfo(settings.clip, tag, model.encoder.mode),
        decoder_weights=None,
        units=UnitSettings(),
        text_center=torch.zeros(model.encoder.embedding_width),
        templates=TemplateSet(*templates_for(settings.clip)),
        logit_scale=float(clip.logit_scale.exp()),
        # Dense prediction wants more patches than a label for the whole image does.
        size_wh=(2 * width, 2 * height),
        trained_words=None,
        vocabulary=tuple(everyday_names()),
        background_words=OPEN_BACKGROUND,
        origin={"training_free": True},
    )


def _from_checkpoint(path: Path, settings: ExportSettings) -> Subject:
    from training.engine.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(path)
    config, model = checkpoint.config, checkpoint.model.eval()
    if settings.dense is not None:
        model.encoder.mode = settings.dense
    on_streetworld = config.data.shards is None and config.model.pretrained is None
    words = _streetworld_words() if on_streetworld else None
    if words is None:
        from export.text.vocabulary_file import everyday_names

        names, background = tuple(everyday_names()), OPEN_BACKGROUND
    else:
        names, background = words, tuple(streetworld_classes())
    return Subject(
        model_id=_slug(f"{config.model.clip_name}-{config.name}"),
        model=model,
        clip=model.clip,
        clip_info=ClipInfo(
            config.model.clip_name, _tag(config.model.pretrained), model.encoder.mode
        ),
        decoder_weights={name: value.detach() for name, value in model.decoder.named_parameters()},
        units=config.units,
        text_center=model.text_center.detach().float(),
        templates=TemplateSet(*templates_for(config.model.clip_name, config.model.prompts)),
        logit_scale=float(config.losses.logit_scale),
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
        },
    )


def unit_settings(subject: Subject) -> dict[str, Any]:
    """Return the unit settings as plain values, for the manifest and the reference."""
    return asdict(subject.units)


def _streetworld_words() -> tuple[str, ...]:
    from training.data.streetworld import vocabulary_words

    return tuple(vocabulary_words())


def streetworld_classes() -> list[str]:
    """Return the generated world's classes, in the order of its truth."""
    from training.data.streetworld import CLASS_NAMES

    return list(CLASS_NAMES)


def _tag(pretrained: str | None) -> str:
    """The weights by a name that means something elsewhere: no path of this machine."""
    if pretrained is None:
        return "scratch"
    return f"file:{Path(pretrained).name}" if Path(pretrained).exists() else pretrained


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
