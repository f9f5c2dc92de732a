"""Names to embeddings at export: exact, in fp32 PyTorch, by the runtime's own arithmetic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from open_clip import CLIP
from torch import Tensor

from export.progress import Progress
from export.text.encoder import TextEncoder
from runtime.bundle import Vocabulary, templates_sha256
from runtime.text.prompting import embed_names
from training.model.clip import tokenizer_for

_NAMES_PER_STEP = 16


def embed_vocabulary(
    names: Sequence[str],
    prompts: Sequence[str],
    encoder: TextEncoder,
    tokenizer: Callable[[list[str]], Tensor],
    text_center: Tensor,
    progress: Progress,
) -> Vocabulary:
    """Encode names with their prompts.

    Args:
        names: distinct class names.
        prompts: templates with one ``{}`` each.
        encoder: the text tower with its token table in fp32.
        tokenizer: texts to token ids, int64 (n, context length).
        text_center: float32 (D,).
        progress: wraps the loop over batches of names.

    Returns:
        The names with their embeddings, float32 (n, D), of unit length.
    """
    center = text_center.numpy().astype(np.float32)

    def encode(texts: list[str]) -> np.ndarray:
        tokens = cut_padding(tokenizer(texts))
        with torch.inference_mode():
            return encoder(tokens).numpy()

    starts = range(0, len(names), _NAMES_PER_STEP)
    batches = [names[start : start + _NAMES_PER_STEP] for start in starts]
    rows = [
        embed_names(batch, prompts, encode, center) for batch in progress(batches, "vocabulary")
    ]
    return Vocabulary(
        names=tuple(names),
        embeddings=np.concatenate(rows),
        text_center=center,
        templates_sha256=templates_sha256(prompts),
        text_encoder_sha256=hash_weights(encoder),
    )


def cut_padding(tokens: Tensor) -> Tensor:
    """Drop the columns of int64 (n, length) after the last end-of-text token.

    That token is the largest id of its row.
    """
    longest = int(tokens.argmax(dim=1).max()) + 1
    return tokens[:, : max(longest, 2)]


def hash_weights(module: torch.nn.Module) -> str:
    """Return the hex sha256 of a module's weights, names and shapes included."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()


def check_against_open_clip(encoder: TextEncoder, clip: CLIP, texts: Sequence[str]) -> float:
    """Return the lowest cosine between our text tower and open_clip's own on some texts."""
    tokens = tokenizer_for(clip)(list(texts))
    with torch.inference_mode():
        ours, theirs = encoder(cut_padding(tokens)), clip.encode_text(tokens)
        return float(torch.cosine_similarity(ours.double(), theirs.double(), dim=1).min())
