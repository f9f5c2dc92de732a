"""Names to embeddings at export: exact, in fp32 PyTorch, by the runtime's own arithmetic."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from export.progress import Progress
from export.text.tower import TextTower
from runtime.bundle import Vocabulary, templates_sha256
from runtime.text.prompting import embed_names

_NAMES_PER_STEP = 16


def embed_vocabulary(
    names: Sequence[str],
    prompts: Sequence[str],
    tower: TextTower,
    encoder: nn.Module,
    text_center: Tensor,
    progress: Progress,
    *,
    mean_first: bool = False,
) -> Vocabulary:
    """Encode names with their prompts.

    Args:
        names: distinct class names.
        prompts: templates with one ``{}`` each.
        tower: the text tower.
        encoder: the same written for export, with its token table in fp32.
        text_center: float32 (D,).
        progress: wraps the loop over batches of names.
        mean_first: whether prompts are averaged before they are normalised.

    Returns:
        The names with their embeddings, float32 (n, D), of unit length.
    """
    center = text_center.numpy().astype(np.float32)

    def encode(texts: list[str]) -> np.ndarray:
        return encode_texts(texts, tower, encoder)

    starts = range(0, len(names), _NAMES_PER_STEP)
    batches = [names[start : start + _NAMES_PER_STEP] for start in starts]
    rows = [
        embed_names(batch, prompts, encode, center, mean_first)
        for batch in progress(batches, "vocabulary")
    ]
    return Vocabulary(
        names=tuple(names),
        embeddings=np.concatenate(rows),
        text_center=center,
        templates_sha256=templates_sha256(prompts, mean_first),
        text_encoder_sha256=hash_weights(encoder),
    )


def encode_texts(texts: Sequence[str], tower: TextTower, encoder: nn.Module) -> np.ndarray:
    """Embeddings float32 (n, D) of n texts by a written tower, in one batch."""
    tokens = tower.cut(tower.tokenizer(list(texts)))
    with torch.inference_mode():
        return encoder(tokens).numpy()


def hash_weights(module: torch.nn.Module) -> str:
    """Return the hex sha256 of a module's weights, names and shapes included."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()


def check_against_original(encoder: nn.Module, tower: TextTower, texts: Sequence[str]) -> float:
    """Return the lowest cosine between a written tower and the original on some texts."""
    tokens = tower.tokenizer(list(texts))
    with torch.inference_mode():
        ours, theirs = encoder(tower.cut(tokens)), tower.original(tokens)
        return float(torch.cosine_similarity(ours.double(), theirs.double(), dim=1).min())
