"""EVA-02 and SigLIP towers in NumPy and float64, from timm's weights by name.

Written from the papers' words, independent of training.model: the methods of plain_methods run on
them as on PlainTower.

Shape legend: n tokens (the class token first, where there is one), p patches, c width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.training.model.dense.plain_tower import Array, PlainTower, products, softmax


@dataclass(frozen=True)
class PlainEva(PlainTower):
    """EVA-02: rotary positions, a norm inside the attention, gated MLPs with a norm inside.

    Attributes:
        reference: patches of a side in pre-training, which rotary positions are stretched to.
    """

    reference: int = 0

    @property
    def depth(self) -> int:
        return len({name.split(".")[1] for name in self.weights if name.startswith("blocks.")})

    def norm(self, x: Array, name: str) -> Array:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + 1e-6) * self.weights[f"{name}.weight"] + (
            self.weights[f"{name}.bias"]
        )

    def of_block(self, index: int, name: str) -> Array:
        return self.weights[f"blocks.{index % self.depth}.{name}"]

    def linear(self, index: int, name: str, x: Array) -> Array:
        y = x @ self.of_block(index, f"{name}.weight").T
        bias = f"blocks.{index % self.depth}.{name}.bias"
        return y + self.weights[bias] if bias in self.weights else y

    def split(self, index: int, x: Array) -> tuple[Array, Array, Array]:
        normed = self.norm(x, f"blocks.{index % self.depth}.norm1")
        query, key, value = (
            self.linear(index, f"attn.{part}_proj", normed)
            .reshape(len(x), self.heads, -1)
            .swapaxes(0, 1)
            for part in "qkv"
        )
        return self.turn(query), self.turn(key), value

    def turn(self, x: Array) -> Array:
        """Neighboring channels of (heads, n, d) turned by angles: the first half of the channels by
        the row, the second by the column.
        """
        rows, columns = self.grid_hw
        bands = x.shape[2] // 4
        speed = 10000.0 ** -(np.arange(bands) / bands)
        turned = x.copy()
        first = x.shape[1] - rows * columns
        for place in range(rows * columns):
            at = (place // columns / rows, place % columns / columns)
            angle = np.concatenate([share * self.reference * speed for share in at])
            even, odd = x[:, first + place, ::2], x[:, first + place, 1::2]
            turned[:, first + place, ::2] = even * np.cos(angle) - odd * np.sin(angle)
            turned[:, first + place, 1::2] = odd * np.cos(angle) + even * np.sin(angle)
        return turned

    def out(self, index: int, mixed: Array) -> Array:
        joined = mixed.swapaxes(0, 1).reshape(mixed.shape[1], -1)
        normed = self.norm(joined, f"blocks.{index % self.depth}.attn.norm")
        return self.linear(index, "attn.proj", normed)

    def mlp(self, index: int, x: Array) -> Array:
        block = f"blocks.{index % self.depth}"
        normed = self.norm(x, f"{block}.norm2")
        gate = self.linear(index, "mlp.fc1_g", normed)
        inner = gate / (1 + np.exp(-gate)) * self.linear(index, "mlp.fc1_x", normed)
        return self.linear(index, "mlp.fc2", self.norm(inner, f"{block}.mlp.norm"))

    def patches(self, image: Array) -> Array:
        """Pixels to patches, (p, c)."""
        kernel, (rows, columns), side = self.weights["patch_embed.proj.weight"], *self._sizes
        tiles = image.reshape(3, rows, side, columns, side).transpose(1, 3, 0, 2, 4)
        flat = tiles.reshape(rows * columns, -1) @ kernel.reshape(len(kernel), -1).T
        return flat + self.weights["patch_embed.proj.bias"]

    @property
    def _sizes(self) -> tuple[tuple[int, int], int]:
        return self.grid_hw, self.patch

    def run(self, image: Array, position: Array) -> tuple[list[Array], Array]:
        x = np.concatenate([self.weights["cls_token"][0], self.patches(image)]) + position
        return self.run_blocks(x, self.depth - 1)

    def run_blocks(self, x: Array, count: int) -> tuple[list[Array], Array]:
        """What the first blocks give, and how the last of them attends."""
        outputs, attention = [], np.zeros(())
        for index in range(count):
            query, key, value = self.split(index, x)
            attention = softmax(products(query, key))
            x = x + self.out(index, attention @ value)
            x = x + self.mlp(index, x)
            outputs.append(x)
        return outputs, attention

    def embed(self, tokens: Array) -> Array:
        return self.norm(tokens, "norm") @ self.weights["head.weight"].T + self.weights["head.bias"]


@dataclass(frozen=True)
class PlainSiglip(PlainEva):
    """SigLIP: no class token, plain GELU, a pooling head of one query."""

    def split(self, index: int, x: Array) -> tuple[Array, Array, Array]:
        normed = self.norm(x, f"blocks.{index % self.depth}.norm1")
        parts = np.split(self.linear(index, "attn.qkv", normed), 3, axis=1)
        return tuple(part.reshape(len(x), self.heads, -1).swapaxes(0, 1) for part in parts)

    def out(self, index: int, mixed: Array) -> Array:
        joined = mixed.swapaxes(0, 1).reshape(mixed.shape[1], -1)
        return self.linear(index, "attn.proj", joined)

    def mlp(self, index: int, x: Array) -> Array:
        normed = self.norm(x, f"blocks.{index % self.depth}.norm2")
        return self.linear(index, "mlp.fc2", gelu(self.linear(index, "mlp.fc1", normed)))

    def run(self, image: Array, position: Array) -> tuple[list[Array], Array]:
        return self.run_blocks(self.patches(image) + position, self.depth)

    def embed(self, tokens: Array) -> Array:
        """The head's values of each token, projected, and the head's MLP of that."""
        weights, width = self.weights, tokens.shape[1]
        value = self.norm(tokens, "norm") @ weights["attn_pool.kv.weight"][width:].T
        value = value + weights["attn_pool.kv.bias"][width:]
        x = value @ weights["attn_pool.proj.weight"].T + weights["attn_pool.proj.bias"]
        inner = self.norm(x, "attn_pool.norm") @ weights["attn_pool.mlp.fc1.weight"].T
        inner = gelu(inner + weights["attn_pool.mlp.fc1.bias"])
        return x + inner @ weights["attn_pool.mlp.fc2.weight"].T + weights["attn_pool.mlp.fc2.bias"]


def gelu(x: Array) -> Array:
    """By the error function, which NumPy has not."""
    from math import erf

    return 0.5 * x * (1 + np.vectorize(erf)(x / np.sqrt(2)))
