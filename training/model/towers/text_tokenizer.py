"""A sentence encoder's own tokenizer: strings to token ids, padded to one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from runtime.errors import UserError
from training.model.towers.text_files import TowerFiles, open_tower_files

#: Tokens a text may have, the special ones included: captions and prompts are short.
CONTEXT_LENGTH = 64
LEAST_CONTEXT = 8

__all__ = [
    "CONTEXT_LENGTH", "SentenceTokenizer", "check_tokenizer", "context_length_of",
    "read_tokenizer", "sentence_tokenizer",
]  # fmt: skip


def sentence_tokenizer(source: str) -> Callable[[list[str]], Tensor]:
    """The tokenizer of a sentence encoder, as ``tokenizers`` runs it.

    Args:
        source: as for :func:`~training.model.towers.text_files.open_tower_files`.

    Returns:
        A callable from n texts to token ids, int64 (n, context length): with the tower's special
        tokens, cut where they are longer, and padded with its padding token.

    Raises:
        UserError: the files are not there, or the tokenizer is not that of the tower.
    """
    return read_tokenizer(open_tower_files(source))


def read_tokenizer(files: TowerFiles) -> SentenceTokenizer:
    """The same of opened files."""
    tokenizer = _parse(files)
    pad_id = check_tokenizer(tokenizer, files)
    return SentenceTokenizer(tokenizer, context_length_of(files), pad_id)


class SentenceTokenizer:
    """Texts to token ids, int64 (n, context length).

    Attributes:
        kind: of the model in the file, in small letters: ``wordpiece``, ``bpe``, ``unigram``.
    """

    def __init__(self, tokenizer: Any, context_length: int, pad_id: int) -> None:
        self.kind = type(tokenizer.model).__name__.lower()
        self._tokenizer, self._length = tokenizer, context_length
        token = tokenizer.id_to_token(pad_id)
        tokenizer.enable_truncation(context_length)
        tokenizer.enable_padding(pad_id=pad_id, pad_token=token, length=context_length)

    def __call__(self, texts: list[str]) -> Tensor:
        """Tokenize n texts; longer ones are cut."""
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        return torch.tensor(rows, dtype=torch.int64).reshape(len(texts), self._length)


def context_length_of(files: TowerFiles) -> int:
    """Tokens that a text may have: at most :data:`CONTEXT_LENGTH`, and what the positions allow.

    Raises:
        UserError: they allow next to none.
    """
    config = files.config
    positions, pad_id = config.get("max_position_embeddings"), config.get("pad_token_id")
    if isinstance(positions, int) and config["model_type"] in ("roberta", "xlm-roberta"):
        # These count positions from behind the padding's id.
        positions -= 1 + (pad_id if isinstance(pad_id, int) else 1)
    if not isinstance(positions, int) or positions < LEAST_CONTEXT:
        raise UserError(
            f"text tower '{files.source}': config.json allows {positions} tokens a text; expected "
            f"max_position_embeddings for {LEAST_CONTEXT} or more"
        )
    return min(CONTEXT_LENGTH, positions)


def check_tokenizer(tokenizer: Any, files: TowerFiles) -> int:
    """See that a tokenizer is the tower's; gives the id it pads with.

    Raises:
        UserError: the sizes of the vocabularies differ, a text gets no special tokens around it,
            or padding has another id than the tower masks.
    """
    size, expected = tokenizer.get_vocab_size(), files.config.get("vocab_size")
    where = f"text tower '{files.source}': tokenizer.json"
    remedy = "expected the tokenizer that belongs to the weights"
    largest = max(tokenizer.get_vocab().values(), default=-1)
    if size != expected or largest >= size:
        raise UserError(f"{where} has {size} tokens, the tower {expected}; {remedy}")
    own = tokenizer.padding
    tokenizer.no_padding()
    if len(tokenizer.encode("").ids) < 2:
        raise UserError(f"{where} puts no special tokens around a text; {remedy}")
    pad_id = files.config.get("pad_token_id")
    token = tokenizer.id_to_token(pad_id) if pad_id in range(size) else None
    if token not in ("[PAD]", "<pad>") or (own and own["pad_id"] != pad_id):
        raise UserError(f"{where} does not pad with token {pad_id}, the tower's; {remedy}")
    return tokenizer.token_to_id(token)  # type: ignore[no-any-return]


def _parse(files: TowerFiles) -> Any:
    import tokenizers

    try:
        return tokenizers.Tokenizer.from_str(files.tokenizer_json().decode("utf-8"))
    except UserError:
        raise
    except Exception as error:  # the library raises a bare Exception for any fault in the file
        raise UserError(
            f"text tower '{files.source}': tokenizer.json is no tokenizer file ({error}); expected "
            "one of the tokenizers library"
        ) from None
