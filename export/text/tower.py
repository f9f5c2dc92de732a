"""A text tower as the export sees it: CLIP's own, or a sentence encoder with its head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from open_clip import CLIP
from torch import Tensor, nn

from export.text.encoder import TextEncoder, TokenTable, sees_padding, text_part
from export.text.own_tokenizer import OwnTokenizer
from export.text.sentence_encoder import SentenceEncoder
from export.text.tokenizer import build_tokenizer_json
from runtime.errors import UserError
from training.model.clip import tokenizer_for
from training.model.towers.text import SentenceTower

__all__ = ["TextTower", "clip_text_tower", "sentence_text_tower"]


@dataclass(frozen=True)
class TextTower:
    """What the text side of a bundle is made from.

    Attributes:
        write: the tower written for export, its token table stored as asked: ``tokens`` int64
            (n, length) -> embeddings float32 (n, D).
        original: the same embeddings by the tower that was trained.
        tokenizer: texts to token ids, int64 (n, context length).
        tokenizer_json: the file from which the runtime tokenizes likewise.
        tokenizer_kind: what the manifest says of it; None: CLIP's.
        context_length: tokens that a text may have.
        cut: drops the columns of token ids that are padding in each row.
        example: token ids int64 (3, length) of different lengths, to trace with.
        weights: the parameters that the written tower reads, its table of tokens first.
        is_sentence: it is a sentence encoder: masked, not causal.
        fixed_length: texts come padded to the whole context, and are read so.
    """

    write: Callable[[TokenTable], nn.Module]
    original: Callable[[Tensor], Tensor]
    tokenizer: Callable[[list[str]], Tensor]
    tokenizer_json: Callable[[], bytes]
    tokenizer_kind: str | None
    context_length: int
    cut: Callable[[Tensor], Tensor]
    example: Tensor
    weights: tuple[nn.Parameter, ...]
    is_sentence: bool
    fixed_length: bool = False


def clip_text_tower(clip: CLIP, tokenizer: OwnTokenizer | None = None) -> TextTower:
    """CLIP's own text tower.

    Args:
        clip: of open_clip's.
        tokenizer: the tower's own, of SigLIP; None: CLIP's.
    """
    text, whole = text_part(clip), sees_padding(clip)
    table, context = text.token_embedding.weight, int(clip.context_length)
    length = context if whole else min(8, context)
    # Three different texts, their ends (the largest id) inside the shortest length.
    example = torch.arange(3 * length).reshape(3, -1) % (table.shape[0] - 1)
    example[:, 1] = table.shape[0] - 1
    seeing = set(clip.visual.parameters())
    others = [weight for weight in clip.parameters() if weight not in seeing]
    return TextTower(
        write=lambda storage: TextEncoder(clip, storage).eval(),
        original=clip.encode_text,
        tokenizer=tokenizer_for(clip) if tokenizer is None else tokenizer.as_tensor(context),
        tokenizer_json=build_tokenizer_json if tokenizer is None else lambda: tokenizer.content,
        tokenizer_kind=None if tokenizer is None else tokenizer.kind,
        context_length=context,
        cut=(lambda tokens: tokens) if whole else _cut_behind_end,
        example=example,
        weights=(table, *(weight for weight in others if weight is not table)),
        is_sentence=False,
        fixed_length=whole,
    )


def sentence_text_tower(
    tower: SentenceTower, head: nn.Module | None, embedding_width: int
) -> TextTower:
    """A sentence encoder, with what stands behind it: ``normalise(head(tower(tokens)))``.

    Args:
        tower: the sentence encoder.
        head: (n, tower.width) -> (n, D); None: nothing.
        embedding_width: D, that of the image side.

    Raises:
        UserError: the widths cannot meet.
    """
    width = SentenceEncoder(tower, head).embedding_width
    if width != embedding_width:
        raise UserError(
            f"the text side gives embeddings of width {width}, the image side of width "
            f"{embedding_width}; expected a text head from {tower.width} to {embedding_width}"
        )

    def original(tokens: Tensor) -> Tensor:
        rows = tower(tokens)
        rows = rows if head is None else head(rows)
        return torch.nn.functional.normalize(rows, dim=-1)

    length = min(8, tower.context_length)
    others = [token for token in range(3 * length + 1) if token != tower.pad_id]
    example = torch.tensor(others[: 3 * length]).reshape(3, length)
    example[1, -2:] = tower.pad_id
    table = tower.encoder.transformer.embeddings.word_embeddings.weight
    parts = [*tower.parameters(), *(() if head is None else head.parameters())]
    return TextTower(
        write=lambda storage: SentenceEncoder(tower, head, storage).eval(),
        original=original,
        tokenizer=tower.tokenizer,
        tokenizer_json=lambda: tower.tokenizer_json,
        tokenizer_kind=tower.tokenizer.kind,
        context_length=tower.context_length,
        cut=lambda tokens: _cut_padding(tokens, tower.pad_id),
        example=example,
        weights=(table, *(weight for weight in parts if weight is not table)),
        is_sentence=True,
    )


def _cut_behind_end(tokens: Tensor) -> Tensor:
    """Drop the columns after the last end-of-text token, which is the largest id of its row."""
    longest = int(tokens.argmax(dim=1).max()) + 1
    return tokens[:, : max(longest, 2)]


def _cut_padding(tokens: Tensor, pad_id: int) -> Tensor:
    """Drop the columns that are padding in each row."""
    used = (tokens != pad_id).any(dim=0).nonzero()
    longest = int(used.max()) + 1 if len(used) else 0
    return tokens[:, : max(longest, 2)]
