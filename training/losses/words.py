"""What a batch says: its captions and nouns as the frozen text tower has them, and which of them
the grains align.

Shape legend: b images of the whole batch, j its captions, k texts that are aligned, u nouns, l
context length, d width of what the frozen tower says.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.batches import Batch
from training.losses.portions import Peers, Portions


@dataclass(frozen=True, kw_only=True)
class Words:
    """All captions and nouns of the batch.

    Attributes:
        frozen_jd: the captions.
        owner_j: int64 (j,), the image of each, counted through the whole batch.
        nouns_ud: the nouns, None where none are named or asked for.
        named_bu: bool (b, u), the nouns that each image's captions name; None likewise.
    """

    frozen_jd: Tensor
    owner_j: Tensor
    nouns_ud: Tensor | None = None
    named_bu: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What is aligned.

    Attributes:
        frozen_kd: the texts.
        owner_k: int64 (k,), the image of each, counted through the whole batch.
        noun_k: int64 (k,), which noun each is, -1 for a whole caption; None: all are captions.
        named_bk: bool (b, k), texts that each image names; None likewise.
    """

    frozen_kd: Tensor
    owner_k: Tensor
    noun_k: Tensor | None = None
    named_bk: Tensor | None = None


class RememberedTexts:
    """What a frozen tower says of texts, each computed once.

    Args:
        read: tokens (n, l) -> what the tower says (n, d).
        most: texts that are remembered, those longest not asked for are forgotten; 0: none.
    """

    def __init__(self, read: Callable[[Tensor], Tensor], most: int) -> None:
        self.read = read
        self.most = most
        self.known: OrderedDict[bytes, Tensor] = OrderedDict()

    def __call__(self, tokens: Tensor) -> Tensor:
        """(n, l) -> (n, d)."""
        if not self.most:
            return self.read(tokens)
        keys = [row.tobytes() for row in tokens.cpu().numpy()]
        new = {key: row for row, key in enumerate(keys) if key not in self.known}
        if new:
            rows = torch.tensor(list(new.values()), device=tokens.device)
            said = self.read(tokens.index_select(0, rows)).detach()
            self.known.update(zip(new, said.clone().unbind(), strict=True))
        found = torch.stack([self.known[key] for key in keys])
        for key in keys:
            self.known.move_to_end(key)
        while len(self.known) > self.most:
            self.known.popitem(last=False)
        return found


def read_words(
    parts: Sequence[Batch], portions: Portions, peers: Peers, read: Callable[[Tensor], Tensor]
) -> Words:
    """Read one's own portions, and bring together what all processes have read.

    Args:
        parts: this process's portions; their nouns are those of the whole batch already.
        portions: how the batch is shared out.
        peers: the other processes.
        read: tokens (n, l) -> what the frozen tower says (n, d).
    """
    owner_j = torch.cat([part.owner_j + portions.span(n)[0] for n, part in enumerate(parts)])
    frozen_jd = read(torch.cat([part.tokens_jl for part in parts]))
    words = {
        "frozen_jd": torch.cat(peers.gather_rows(frozen_jd)),
        "owner_j": torch.cat(peers.gather_rows(owner_j)),
    }
    tokens_ul, named = parts[0].noun_tokens_ul, [part.named_bu for part in parts]
    if tokens_ul is None or any(one is None for one in named):
        return Words(**words)
    named_bu = torch.cat([one for one in named if one is not None])
    named_bu = torch.cat(peers.gather_rows(named_bu))
    return Words(**words, nouns_ud=read(tokens_ul), named_bu=named_bu)


def choose_texts(words: Words, kind: str, generator: torch.Generator) -> Texts:
    """What the grains align: whole captions (also where a batch names nothing), as many of the
    nouns that each image's captions name, or both.

    Args:
        words: the batch.
        kind: ``captions``, ``nouns`` or ``both``.
        generator: draws nouns; in the same state in every process.
    """
    captions = Texts(frozen_kd=words.frozen_jd, owner_k=words.owner_j)
    if kind == "captions" or words.nouns_ud is None or words.named_bu is None:
        return captions
    named_bu = words.named_bu.cpu()
    images = named_bu.shape[0]
    count = min(max(1, len(words.owner_j) // images), named_bu.shape[1])
    lot_bu = torch.rand(named_bu.shape, generator=generator).masked_fill(~named_bu, -1.0)
    drawn_bk = lot_bu.topk(count, dim=1)
    image_m, column_m = (drawn_bk.values >= 0).nonzero(as_tuple=True)
    device = words.nouns_ud.device
    noun_k = drawn_bk.indices[image_m, column_m].to(device)
    owner_k, frozen_kd = image_m.to(device), words.nouns_ud[noun_k]
    if kind == "both":
        noun_k = torch.cat([torch.full_like(words.owner_j, -1), noun_k])
        owner_k = torch.cat([words.owner_j, owner_k])
        frozen_kd = torch.cat([words.frozen_jd, frozen_kd])
    named_bk = words.named_bu[:, noun_k.clamp_min(0)] & (noun_k >= 0)
    return Texts(frozen_kd=frozen_kd, owner_k=owner_k, noun_k=noun_k, named_bk=named_bk)
