"""A sentence encoder written for export: token ids in, embeddings out, with its head.

BERT and its kin (DistilBERT, RoBERTa, XLM-RoBERTa) are one architecture under different names:
post-norm blocks behind a table of tokens and one of positions. Masking, pooling and normalisation
stand in the graph, so that its only input is ``tokens``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from export.text.encoder import TokenEmbedding, TokenTable, attend
from runtime.errors import UserError
from training.model.towers.text import SentenceTower

_MASKED = -1e4  # what is added to the logits of padding: half precision holds it


class SentenceBlock(nn.Module):
    """One post-norm transformer block with explicit attention.

    Args:
        qkv: the three projections of the attention.
        out: the projection of what it gives.
        norms: the norms behind the attention and behind the MLP.
        mlp: its two layers; GELU stands between them.
        heads: of the attention.
    """

    def __init__(
        self,
        qkv: Sequence[nn.Linear],
        out: nn.Linear,
        norms: Sequence[nn.LayerNorm],
        mlp: Sequence[nn.Linear],
        heads: int,
    ) -> None:
        super().__init__()
        self.heads = heads
        width = out.in_features
        self.in_proj = nn.Linear(width, 3 * width)
        self.in_proj.weight = _frozen(torch.cat([part.weight for part in qkv]))
        self.in_proj.bias = _frozen(torch.cat([part.bias for part in qkv]))
        self.out_proj, self.norm_1, self.norm_2 = out, *norms
        self.mlp_in, self.mlp_out = mlp

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map (n, length, width) to the same shape; ``mask`` (n, 1, 1, length) is added."""
        x = self.norm_1(x + attend(self, x, mask))
        return self.norm_2(x + self.mlp_out(F.gelu(self.mlp_in(x))))


class SentenceEncoder(nn.Module):
    """``tokens`` int64 (n, length <= context) -> ``embedding`` float32 (n, D), of unit length.

    Padding is masked wherever it stands, so that the runtime may cut it.

    Args:
        tower: the sentence encoder.
        head: what stands behind it, (n, tower.width) -> (n, D); None: nothing.
        storage: how the table of tokens is stored.

    Raises:
        UserError: the head does not take what the tower gives.
    """

    def __init__(
        self, tower: SentenceTower, head: nn.Module | None = None, storage: TokenTable = "fp32"
    ) -> None:
        super().__init__()
        self.pad_id, self.pooling = tower.pad_id, tower.pooling
        embeddings = tower.encoder.transformer.embeddings
        words = embeddings.word_embeddings.weight.detach().float()
        self.embed = TokenEmbedding(words, storage)
        self.register_buffer("positions", _positions(tower))
        self.norm = embeddings.LayerNorm
        self.blocks = nn.ModuleList(_blocks(tower))
        self.head = nn.Identity() if head is None else head
        self.embedding_width = _width_behind(self.head, tower.width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Encode token ids."""
        seen = (tokens != self.pad_id).float()
        mask = ((1.0 - seen) * _MASKED)[:, None, None, :]
        x = self.norm(self.embed(tokens) + self.positions[: tokens.shape[1]])
        for block in self.blocks:
            x = block(x, mask)
        if self.pooling == "cls":
            pooled = x[:, 0]
        else:
            total = (seen.unsqueeze(1) @ x).squeeze(1)
            pooled = total / seen.sum(dim=1, keepdim=True).clamp_min(1.0)
        return _normalised(self.head(_normalised(pooled)))


def _normalised(rows: torch.Tensor) -> torch.Tensor:
    return rows / rows.square().sum(dim=-1, keepdim=True).sqrt().clamp_min(1e-6)


def _width_behind(head: nn.Module, width: int) -> int:
    """The width D that a head gives; UserError if it does not take rows of ``width``."""
    try:
        with torch.inference_mode():
            given = head(F.normalize(torch.ones(2, width), dim=-1))
        if given.ndim != 2 or given.shape[0] != 2:
            raise ValueError(f"it gives {tuple(given.shape)} for two rows")
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"the text head does not fit a tower of width {width} ({str(error)[:200]}); expected "
            f"a module from (n, {width}) to (n, D)"
        ) from error
    return int(given.shape[1])


def _positions(tower: SentenceTower) -> torch.Tensor:
    """What is added to the tokens at each place, (context, width): position, and type 0."""
    transformer = tower.encoder.transformer
    embeddings, kind = transformer.embeddings, transformer.config.model_type
    first = tower.pad_id + 1 if kind in ("roberta", "xlm-roberta") else 0
    rows = embeddings.position_embeddings.weight[first : first + tower.context_length]
    if kind != "distilbert":
        rows = rows + embeddings.token_type_embeddings.weight[0]
    return rows.detach().float()


def _blocks(tower: SentenceTower) -> list[SentenceBlock]:
    transformer = tower.encoder.transformer
    if transformer.config.model_type == "distilbert":
        return [_distilled(layer) for layer in transformer.transformer.layer]
    heads = transformer.config.num_attention_heads
    return [_plain(layer, heads) for layer in transformer.encoder.layer]


def _plain(layer: nn.Module, heads: int) -> SentenceBlock:
    """A block of BERT, RoBERTa or XLM-RoBERTa."""
    own, after = layer.attention.self, layer.attention.output
    return SentenceBlock(
        (own.query, own.key, own.value),
        after.dense,
        (after.LayerNorm, layer.output.LayerNorm),
        (layer.intermediate.dense, layer.output.dense),
        heads,
    )


def _distilled(layer: nn.Module) -> SentenceBlock:
    """A block of DistilBERT."""
    attention, ffn = layer.attention, layer.ffn
    return SentenceBlock(
        (attention.q_lin, attention.k_lin, attention.v_lin),
        attention.out_lin,
        (layer.sa_layer_norm, layer.output_layer_norm),
        (ffn.lin1, ffn.lin2),
        attention.n_heads,
    )


def _frozen(weight: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(weight.detach().clone(), requires_grad=False)
