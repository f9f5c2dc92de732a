"""Paints a display list as an RGB image. It knows shapes and colors, no classes."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.streetworld.drawing import (
    BLEND,
    FILL,
    FILLS,
    GRADIENT,
    IMAGE,
    LINES,
    SOFTEN,
    STIPPLE,
    DisplayList,
    Shape,
    Texture,
)
from training.data.streetworld.textures import TILE, ranked_tile, tile_of

_BITS = 4  # sub-pixel bits of cv2's fixed-point coordinates
Canvas = NDArray[np.uint8]  # (H, W, 4): R, G, B and the texture's code


def image_matrix(scene: DisplayList, size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """Image coordinates to pixel coordinates, camera roll included, as a (3, 3) matrix."""
    width, height = size_wh
    cos, sin = math.cos(scene.roll) * height, math.sin(scene.roll) * height
    return np.array(
        [
            (cos, -sin, width / 2 + sin / 2 - 0.5),
            (sin, cos, height / 2 - cos / 2 - 0.5),
            (0.0, 0.0, 1.0),
        ]
    )


def place(scene: DisplayList, size_wh: tuple[int, int]) -> NDArray[np.int32]:
    """Every point of the list in cv2's fixed-point pixel coordinates (n, 2)."""
    matrix = image_matrix(scene, size_wh)
    matrix *= 1 << _BITS
    # Written out, not as a matrix product: BLAS rounds differently from machine to machine.
    source = scene.points()
    x, y = source[:, 0], source[:, 1]
    points = np.empty(source.shape)
    points[:, 0] = x * matrix[0, 0] + y * matrix[0, 1] + (matrix[0, 2] + 0.5)
    points[:, 1] = x * matrix[1, 0] + y * matrix[1, 1] + (matrix[1, 2] + 0.5)
    reach = float(4 * max(size_wh) << _BITS)
    np.maximum(points, -reach, out=points)
    np.minimum(points, reach, out=points)
    return np.floor(points, out=points).astype(np.int32)


def _gradient(canvas: Canvas, shape: Shape) -> None:
    assert isinstance(shape.extra, tuple)
    height = len(canvas)
    y = np.clip((np.arange(height) + 0.5) / height / max(shape.extra[3], 0.05), 0, 1)[:, None]
    upper, lower = np.array(shape.color[:3]), np.array(shape.extra[:3])
    canvas[:, :, :3] = (upper * (1 - y) + lower * y).astype(np.uint8)[:, None]
    canvas[:, :, 3] = 0


def _bounds(points: NDArray[np.int32], canvas: Canvas) -> tuple[int, int, int, int] | None:
    left, upper, wide, tall = cv2.boundingRect(points)
    x0, y0 = max(left >> _BITS, 0), max(upper >> _BITS, 0)
    x1 = min((left + wide - 1 >> _BITS) + 2, canvas.shape[1])
    y1 = min((upper + tall - 1 >> _BITS) + 2, canvas.shape[0])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _mask(points: NDArray[np.int32], bounds: tuple[int, int, int, int]) -> Canvas:
    x0, y0, x1, y1 = bounds
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    shifted = points - np.array([x0 << _BITS, y0 << _BITS], np.int32)
    cv2.fillPoly(mask, [shifted], 255, cv2.LINE_8, _BITS)
    return mask


def _blend(canvas: Canvas, shape: Shape, points: NDArray[np.int32]) -> None:
    assert isinstance(shape.extra, float)
    bounds = _bounds(points, canvas)
    if bounds is None:
        return
    x0, y0, x1, y1 = bounds
    part = canvas[y0:y1, x0:x1]
    alpha = shape.extra
    tint = [channel * alpha for channel in shape.color[:3]]
    mixed = cv2.add(cv2.convertScaleAbs(part, alpha=1 - alpha), (*tint, 0))
    mixed[:, :, 3] = part[:, :, 3]
    cv2.copyTo(mixed, _mask(points, bounds), part)


def _stipple(canvas: Canvas, shape: Shape, points: NDArray[np.int32]) -> None:
    assert isinstance(shape.extra, tuple)
    bounds = _bounds(points, canvas)
    if bounds is None:
        return
    texels, cover, shift_x, shift_y, *anchor = shape.extra
    x0, y0, x1, y1 = bounds
    mask = _mask(points, bounds)
    texture = Texture("", texels, offset=(shift_x, shift_y), anchor=(anchor[0], anchor[1]))
    grain = _flat_patch(ranked_tile(), texture, bounds, canvas.shape[0])
    # Not cv2.compare: it takes no number beside an array of one pixel (a corner of a shape).
    holes = np.where(grain < cover * 255, np.uint8(255), np.uint8(0))
    part = canvas[y0:y1, x0:x1]
    solid = np.empty_like(part)
    solid[:] = np.array([*shape.color[:3], 0]).astype(np.uint8)
    cv2.copyTo(solid, cv2.bitwise_and(mask, holes), part)


def _flat_patch(
    tile: Canvas, texture: Texture, bounds: tuple[int, int, int, int], height: int
) -> Canvas:
    x0, y0, x1, y1 = bounds
    step = min(texture.texels / height, (TILE - 4) / max(x1 - x0, (y1 - y0) * texture.stretch))
    # ``anchor`` is zero but in moving scenes, where a surface carries its texture along
    u = int(((x0 - texture.anchor[0] * height) * step + texture.offset[0] * TILE) % TILE)
    v = (y0 - texture.anchor[1] * height) * step * texture.stretch + texture.offset[1] * TILE
    v = int(v % TILE)
    wide = max(int((x1 - x0) * step), 1)
    tall = max(int((y1 - y0) * step * texture.stretch), 1)
    crop = tile[v : v + tall, u : u + wide]
    return cv2.resize(crop, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)


def _ground_patch(
    scene: DisplayList,
    texture: Texture,
    bounds: tuple[int, int, int, int],
    to_image: NDArray[np.floating],
) -> Canvas:
    camera = scene.camera
    k = texture.texels * camera.height
    shift_u = texture.offset[0] * TILE
    shift_v = texture.offset[1] * TILE + camera.travel * texture.texels
    to_tile = np.array(
        [
            (k, shift_u, -k * camera.centre - shift_u * camera.horizon),
            (0.0, shift_v, k * camera.focal * texture.stretch - shift_v * camera.horizon),
            (0.0, 1.0, -camera.horizon),
        ]
    )
    x0, y0, x1, y1 = bounds
    to_part = np.array([(1.0, 0.0, x0), (0.0, 1.0, y0), (0.0, 0.0, 1.0)])
    matrix = to_tile @ to_image @ to_part
    return cv2.warpPerspective(
        tile_of(texture.tile),
        matrix,
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_WRAP,
    )


def _relief(scene: DisplayList, codes: Canvas, size_wh: tuple[int, int]) -> Canvas:
    """The brightness map of all textures (H, W), 128 where nothing changes."""
    relief = np.full((size_wh[1], size_wh[0]), 128, np.uint8)
    to_image = np.linalg.inv(image_matrix(scene, size_wh))
    for number, texture in enumerate(scene.textures, start=1):
        mask = cv2.compare(codes, number * 7.0, cv2.CMP_EQ)
        x, y, w, h = cv2.boundingRect(mask)
        if w * h == 0:
            continue
        bounds = (x, y, x + w, y + h)
        if texture.ground:
            patch = _ground_patch(scene, texture, bounds, to_image)
        else:
            patch = _flat_patch(tile_of(texture.tile), texture, bounds, size_wh[1])
        if texture.strength != 1.0:
            patch = cv2.convertScaleAbs(
                patch, alpha=texture.strength, beta=128 * (1 - texture.strength)
            )
        cv2.copyTo(patch, mask[y : y + h, x : x + w], relief[y : y + h, x : x + w])
    return relief


def _draw(canvas: Canvas, shape: Shape, points: NDArray[np.int32]) -> None:
    """One shape of any kind but SOFTEN, whose points (n, 2) are placed already."""
    kind = shape.kind
    if kind == FILL:
        cv2.fillPoly(canvas, [points], shape.color, cv2.LINE_AA, _BITS)
    elif kind == FILLS:
        corners = int(shape.extra)  # type: ignore[arg-type]
        polygons = list(points.reshape(-1, corners, 2))
        cv2.fillPoly(canvas, polygons, shape.color, cv2.LINE_AA, _BITS)
    elif kind == LINES:
        _lines(canvas, shape, points)
    elif kind == BLEND:
        _blend(canvas, shape, points)
    elif kind == STIPPLE:
        _stipple(canvas, shape, points)
    elif kind == GRADIENT:
        _gradient(canvas, shape)


def paint(
    scene: DisplayList, size_wh: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Paints the list.

    Returns:
        The flat colors (H, W, 3), the textures' brightness (H, W; 128 = unchanged) and a mask
        of what shines by itself (H, W; 255 there), all uint8.
    """
    width, height = size_wh
    canvas = np.zeros((height, width, 4), np.uint8)
    placed = place(scene, size_wh)
    for shape in scene.shapes:
        if not shape.flags & IMAGE:
            continue
        points = placed[shape.first : shape.first + shape.points]
        if shape.kind == SOFTEN:
            sigma = max(float(shape.extra) * height, 0.3)  # type: ignore[arg-type]
            canvas = cv2.GaussianBlur(canvas, (0, 0), sigma)
        else:
            _draw(canvas, shape, points)
    codes = np.ascontiguousarray(canvas[:, :, 3])
    relief = _relief(scene, codes, size_wh)
    return cv2.cvtColor(canvas, cv2.COLOR_RGBA2RGB), relief, cv2.compare(codes, 255.0, cv2.CMP_EQ)


def _lines(canvas: Canvas, shape: Shape, points: NDArray[np.int32]) -> None:
    assert isinstance(shape.extra, tuple)
    lines, start = [], 0
    for length in shape.extra[1:]:
        lines.append(points[start : start + int(length)])
        start += int(length)
    thickness = max(1, round(shape.extra[0] * canvas.shape[0]))
    cv2.polylines(canvas, lines, False, shape.color, thickness, cv2.LINE_AA, _BITS)
