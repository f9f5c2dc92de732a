"""CLIP's text tower written for export: token ids in, embeddings out.

Attention is written out (``nn.MultiheadAttention`` costs about a hundred nodes more), and the table
of 49,408 token embeddings, most of the tower's bytes in a small CLIP, can be stored as int8 rows
with a scale each or as fp16.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from runtime.errors import UserError

TokenTable = Literal["fp32", "fp16", "int8"]


class TokenEmbedding(nn.Module):
    """A look-up of token embeddings, stored in fewer bits than it answers in.

    Input int64 (n, length), output float32 (n, length, width).
    """

    def __init__(self, weight: torch.Tensor, storage: TokenTable) -> None:
        super().__init__()
        self.storage = storage
        if storage == "int8":
            scale = weight.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127.0
            self.register_buffer("table", (weight / scale).round().to(torch.int8))
            self.register_buffer("scale", scale.float())
        else:
            dtype = torch.float16 if storage == "fp16" else torch.float32
            self.register_buffer("table", weight.to(dtype))
            self.register_buffer("scale", None)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the rows of ``tokens`` as float32."""
        table, flat = self.table, tokens.reshape(-1)
        rows = torch.index_select(table, 0, flat).float()
        if self.scale is not None:
            rows = rows * torch.index_select(self.scale, 0, flat)
        return rows.reshape(tokens.shape[0], tokens.shape[1], table.shape[1])


def attend(block: nn.Module, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Attention written out: (n, length, width) -> the same shape.

    Args:
        block: has ``heads``, ``in_proj`` to three times the width, and ``out_proj``.
        x: the tokens.
        mask: added to the logits (n, heads, length, length); None: every token sees all.
    """
    count, length, width = x.shape
    head_width = width // block.heads
    qkv = block.in_proj(x).reshape(count, length, 3, block.heads, head_width)
    query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    logits = (query * head_width**-0.5) @ key.transpose(-1, -2)
    if mask is not None:
        logits = logits + mask
    mixed = logits.softmax(dim=-1) @ value
    return block.out_proj(mixed.transpose(1, 2).reshape(count, length, width))


class TextBlock(nn.Module):
    """One pre-norm transformer block with explicit attention, on open_clip's weights."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.ln_1, self.ln_2, self.mlp = block.ln_1, block.ln_2, block.mlp
        self.ls_1, self.ls_2 = block.ls_1, block.ls_2
        attention = block.attn
        self.heads = attention.num_heads
        width = attention.embed_dim
        self.in_proj = nn.Linear(width, 3 * width)
        self.in_proj.weight, self.in_proj.bias = attention.in_proj_weight, attention.in_proj_bias
        self.out_proj = attention.out_proj

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Map (n, length, width) to the same shape; ``mask`` (length, length) is added."""
        x = x + self.ls_1(attend(self, self.ln_1(x), mask))
        return x + self.ls_2(self.mlp(self.ln_2(x)))


class TextEncoder(nn.Module):
    """``tokens`` int64 (n, length <= context) -> ``embedding`` float32 (n, D), not normalised.

    A shorter length than the context gives the same embedding as long as every end-of-text token is
    still inside: with a causal mask it never sees what follows. So the runtime may cut the padding.
    In SigLIP's tower every token sees all, padding too, and the last one holds the embedding: its
    length is the context.
    """

    def __init__(self, clip: nn.Module, storage: TokenTable = "fp32") -> None:
        super().__init__()
        check_text_tower(clip)
        text = text_part(clip)
        self.embed = TokenEmbedding(text.token_embedding.weight.detach().float(), storage)
        self.register_buffer("positions", text.positional_embedding.detach().float())
        mask = text.attn_mask
        self.register_buffer(
            "mask", None if mask is None else mask.detach().float().clamp_min(-1e4)
        )
        self.sees_padding = sees_padding(clip)
        self.blocks = nn.ModuleList(TextBlock(block) for block in text.transformer.resblocks)
        self.ln_final = text.ln_final
        projection = text.text_projection
        weight = projection.weight.t() if isinstance(projection, nn.Linear) else projection
        bias = projection.bias if isinstance(projection, nn.Linear) else None
        self.register_buffer("projection", weight.detach().float())
        self.register_buffer("projection_bias", None if bias is None else bias.detach().float())

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Encode token ids; the end-of-text token is the largest id of its row."""
        length = tokens.shape[1]
        x = self.embed(tokens) + self.positions[:length]
        mask = None if self.mask is None else self.mask[:length, :length]
        for block in self.blocks:
            x = block(x, mask)
        if self.sees_padding:
            pooled = x[:, -1]
        else:
            # Pick the end-of-text row by a one-hot product: a Gather over two axes costs more.
            ends = tokens.argmax(dim=1, keepdim=True) == torch.arange(length)
            pooled = (ends.float().unsqueeze(1) @ x).squeeze(1)
        embedding = self.ln_final(pooled) @ self.projection
        return embedding if self.projection_bias is None else embedding + self.projection_bias


def text_part(clip: nn.Module) -> nn.Module:
    """Where a CLIP keeps its text tower: in itself, or (EVA, SigLIP) in a module of its own."""
    return getattr(clip, "text", clip)  # type: ignore[no-any-return]


def _pooling(clip: nn.Module) -> str | None:
    text = text_part(clip)
    return getattr(text, "text_pool_type", getattr(text, "pool_type", None))


def sees_padding(clip: nn.Module) -> bool:
    """Whether the last token of the whole context holds the embedding (SigLIP)."""
    return _pooling(clip) == "last"


def check_text_tower(clip: nn.Module) -> None:
    """Raise a UserError unless the text tower is of a kind that is written here: causal and read at
    its end token (OpenAI's), or without mask and read at its last (SigLIP's).
    """
    text, pool = text_part(clip), _pooling(clip)
    mask = getattr(text, "attn_mask", None)
    known = (pool, mask is None) in (("argmax", False), ("last", True))
    plain = getattr(text, "cls_emb", None) is None and not getattr(text, "use_pad_mask", False)
    if not known or not plain or text.text_projection is None:
        raise UserError(
            f"this CLIP's text tower (pooling '{pool}', {'no ' if mask is None else ''}causal "
            "mask) cannot be exported; expected OpenAI's kind, as in ViT-B-16 or mgca-tiny, or "
            "SigLIP's"
        )
