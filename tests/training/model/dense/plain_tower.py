"""A ViT in NumPy and float64, from its weights by name: what each block gives, how it attends.

Written from the papers' words and independent of training.model.dense: no PyTorch in it.

Shape legend: n tokens (the class token first), p patches, c width, d embedding width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class PlainTower:
    """Weights of open_clip's image tower (QuickGELU), and how they are laid out."""

    weights: Mapping[str, Array]
    heads: int
    patch: int
    grid_hw: tuple[int, int]

    @property
    def depth(self) -> int:
        """How many blocks there are."""
        return len({name.split(".")[2] for name in self.weights if "resblocks" in name})

    def norm(self, x: Array, name: str) -> Array:
        """LayerNorm over the last axis."""
        mean = x.mean(-1, keepdims=True)
        deviation = np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5)
        return (x - mean) / deviation * self.weights[f"{name}.weight"] + self.weights[
            f"{name}.bias"
        ]

    def of_block(self, index: int, name: str) -> Array:
        """A weight of one block, counted from the end where negative."""
        index %= self.depth
        return self.weights[f"transformer.resblocks.{index}.{name}"]

    def split(self, index: int, x: Array) -> tuple[Array, Array, Array]:
        """Query, key, value of a block: (heads, n, c / heads) each."""
        name = f"transformer.resblocks.{index % self.depth}.ln_1"
        rows = self.norm(x, name) @ self.of_block(index, "attn.in_proj_weight").T
        rows = rows + self.of_block(index, "attn.in_proj_bias")
        n = len(x)
        query, key, value = np.split(rows, 3, axis=1)
        shape = (n, self.heads, -1)
        return tuple(part.reshape(shape).swapaxes(0, 1) for part in (query, key, value))

    def out(self, index: int, mixed: Array) -> Array:
        """The attention's output projection of (heads, n, c / heads)."""
        joined = mixed.swapaxes(0, 1).reshape(mixed.shape[1], -1)
        weight = self.of_block(index, "attn.out_proj.weight")
        return joined @ weight.T + self.of_block(index, "attn.out_proj.bias")

    def mlp(self, index: int, x: Array) -> Array:
        """The block's second half, without the residual."""
        inner = self.norm(x, f"transformer.resblocks.{index % self.depth}.ln_2")
        inner = inner @ self.of_block(index, "mlp.c_fc.weight").T
        inner = inner + self.of_block(index, "mlp.c_fc.bias")
        inner = inner / (1 + np.exp(-1.702 * inner))
        weight = self.of_block(index, "mlp.c_proj.weight")
        return inner @ weight.T + self.of_block(index, "mlp.c_proj.bias")

    def run(self, image: Array, position: Array) -> tuple[list[Array], Array]:
        """What blocks 0 to the last but one give, (n, c) each, of an image (3, h, w) and a position
        embedding (n, c); and the attention of the last of these (heads, n, n).
        """
        kernel, (rows, columns), side = self.weights["conv1.weight"], self.grid_hw, self.patch
        tiles = image.reshape(3, rows, side, columns, side).transpose(1, 3, 0, 2, 4)
        patches = tiles.reshape(rows * columns, -1) @ kernel.reshape(len(kernel), -1).T
        x = np.concatenate([self.weights["class_embedding"][None], patches]) + position
        x = self.norm(x, "ln_pre")
        outputs, attention = [], np.zeros(())
        for index in range(self.depth - 1):
            query, key, value = self.split(index, x)
            attention = softmax(products(query, key))
            x = x + self.out(index, attention @ value)
            x = x + self.mlp(index, x)
            outputs.append(x)
        return outputs, attention

    def embed(self, tokens: Array) -> Array:
        """The last norm and the projection: (n, c) -> (n, d)."""
        return self.norm(tokens, "ln_post") @ self.weights["proj"]


def products(one: Array, other: Array) -> Array:
    """Scaled products of (heads, n, c / heads): (heads, n, n)."""
    return one @ other.swapaxes(1, 2) / np.sqrt(one.shape[2])


def softmax(logits: Array) -> Array:
    """Over the last axis; minus infinity has no part."""
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def cubic(distance: Array, a: float) -> Array:
    """Keys' cubic convolution kernel."""
    x = np.abs(distance)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def stretch_matrix(before: int, after: int, how: str) -> Array:
    """(after, before): how each place of one side is made of those before."""
    scale = (after + 0.1) / before if how == "scale-factor" else after / before
    places = (np.arange(after) + 0.5) / scale - 0.5
    if how == "antialias":
        # As wide as what a new place covers, and what lies outside has no part.
        wide = max(1.0, 1 / scale)
        weights = cubic((np.arange(before) - places[:, None]) / wide, -0.5)
        return weights / weights.sum(1, keepdims=True)
    matrix = np.zeros((after, before))
    for row, place in enumerate(places):
        first = int(np.floor(place)) - 1
        for source in range(first, first + 4):
            # What lies outside is what lies at the edge.
            matrix[row, min(max(source, 0), before - 1)] += cubic(np.array(place - source), -0.75)
    return matrix


def stretch(
    position: Array, before_hw: tuple[int, int], after_hw: tuple[int, int], how: str
) -> Array:
    """A position embedding (1 + p, c) at another grid."""
    grid = position[1:].reshape(*before_hw, -1)
    rows, columns = (
        stretch_matrix(before, after, how)
        for before, after in zip(before_hw, after_hw, strict=True)
    )
    grid = np.einsum("yr,xs,rsc->yxc", rows, columns, grid)
    return np.concatenate([position[:1], grid.reshape(-1, position.shape[1])])
