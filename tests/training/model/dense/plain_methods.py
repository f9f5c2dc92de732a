"""The methods of dense features in NumPy, step by step as they were published: (p, c) each, before
the last norm. Blocks are counted from 0 in a tower of twelve.
"""

from __future__ import annotations

import numpy as np

from tests.training.model.dense.plain_tower import Array, PlainTower, products, softmax


def maskclip(tower: PlainTower, outputs: list[Array], attention: Array) -> Array:
    x = outputs[-1]
    _, _, value = tower.split(-1, x)
    x = x + tower.out(-1, value)
    return (x + tower.mlp(-1, x))[1:]


def clearclip(tower: PlainTower, outputs: list[Array], attention: Array) -> Array:
    query, _, value = tower.split(-1, outputs[-1])
    return tower.out(-1, softmax(products(query, query)) @ value)[1:]


def sclip(tower: PlainTower, outputs: list[Array], attention: Array) -> Array:
    x = outputs[-1]
    query, key, value = tower.split(-1, x)
    weights = softmax(products(query, query)) + softmax(products(key, key))
    x = x + tower.out(-1, weights @ value)
    return (x + tower.mlp(-1, x))[1:]


def naclip(tower: PlainTower, outputs: list[Array], attention: Array) -> Array:
    _, key, value = tower.split(-1, outputs[-1])
    logits = products(key, key)
    place = _places(tower.grid_hw)
    square = ((place[:, None] - place[None]) ** 2).sum(-1)
    logits[:, 1:, 1:] += np.exp(-square / (2 * 5**2))
    return tower.out(-1, softmax(logits) @ value)[1:]


def sc_clip(tower: PlainTower, outputs: list[Array], attention: Array) -> Array:
    late, patches = outputs[10], outputs[10][1:]
    odd = local_outliers(patches)
    alike = _cosines(mend(outputs[8][1:], odd, tower.grid_hw, zero=False))
    x = _shares(_cut(alike)) @ mend(patches, odd, tower.grid_hw, zero=False)
    bias = _above_mean(alike)

    def last(x: Array, cls: Array) -> Array:
        _, key, value = tower.split(11, x)
        return tower.out(11, (softmax(products(key, key)) + bias) / 2 @ value) + 0.3 * cls

    shallow = _shares(_cut(_cosines(outputs[3][1:])))
    recalled = sum(outputs[3:10])
    return shallow @ last(x, late[0]) + shallow @ last(recalled[1:], recalled[0])


def sfp(tower: PlainTower, outputs: list[Array], attention: Array) -> Array:
    late, patches = outputs[10], outputs[10][1:]
    odd = loud_patches(attention.mean(0))
    alike = _cut(_cosines(mend(outputs[8][1:], odd, tower.grid_hw, zero=True)))
    x = _shares(alike) @ mend(patches, odd, tower.grid_hw, zero=True)
    bias = _above_mean(alike)
    query, key, value = tower.split(11, x)
    weights = (softmax(products(key, key)) + softmax(products(query, query)) + bias) / 3
    x = tower.out(11, weights @ value) + 0.3 * late[0]
    shallow = _shares(_cut(_cosines(outputs[3][1:])))
    recalled = sum(outputs[3:10])
    _, _, value = tower.split(11, recalled[1:])
    y = tower.out(11, bias @ value) + 0.3 * recalled[0]
    return shallow @ x + shallow @ y


METHODS = {
    "maskclip": maskclip,
    "clearclip": clearclip,
    "sclip": sclip,
    "naclip": naclip,
    "sc-clip": sc_clip,
    "sfp": sfp,
}


def local_outliers(patches: Array) -> Array:
    """Bool (p,): local outlier factors beyond their 0.95 quantile."""
    square = ((patches[:, None] - patches[None]) ** 2).sum(-1)
    np.fill_diagonal(square, np.inf)
    nearest = np.argsort(square, axis=1)[:, :30]
    reach = np.take_along_axis(square, nearest, 1).max(1)
    density = 1 / reach
    factor = density[nearest].mean(1) / density
    return factor > np.quantile(factor, 0.95)


def loud_patches(attention: Array) -> Array:
    """Bool (p,): the ten that the class token attends to most, of those louder than themselves."""
    loud, own = 1.5 * attention[0, 1:], np.diag(attention)[1:]
    odd = np.zeros(len(loud), bool)
    candidates = np.flatnonzero(loud > own)
    odd[candidates[np.argsort(-loud[candidates])][:10]] = True
    return odd


def mend(patches: Array, odd: Array, grid_hw: tuple[int, int], *, zero: bool) -> Array:
    """Outliers become the mean of those of their eight neighbors that are none."""
    place, mended = _places(grid_hw), patches.copy()
    for index in np.flatnonzero(odd):
        near = (np.abs(place - place[index]).max(1) <= 1) & ~odd
        if near.any():
            mended[index] = patches[near].mean(0)
        elif zero:
            mended[index] = 0
    return mended


def _places(grid_hw: tuple[int, int]) -> Array:
    return np.stack(np.meshgrid(*map(np.arange, grid_hw), indexing="ij"), -1).reshape(-1, 2)


def _cosines(patches: Array) -> Array:
    units = patches / np.maximum(np.linalg.norm(patches, axis=1, keepdims=True), 1e-12)
    return units @ units.T


def _cut(cosines: Array) -> Array:
    return np.where(cosines < 0.4, 0, cosines)


def _shares(weights: Array) -> Array:
    return weights / (weights.sum(1, keepdims=True) + 1e-6)


def _above_mean(cosines: Array) -> Array:
    above = 3 * (cosines - cosines.mean())
    return softmax(np.where(above < 0, -np.inf, above))
