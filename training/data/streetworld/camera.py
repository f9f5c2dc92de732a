"""From flat paint to a camera's picture: textures, light, exposure, blur, noise, compression."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.streetworld.scenes.weather import PIVOT, Weather
from training.data.streetworld.textures import sensor_noise

Image = NDArray[np.uint8]


def _response(weather: Weather) -> Image:
    """The camera's tone curve per channel, uint8 (1, 256, 3)."""
    levels = (np.arange(256) / 255.0)[:, None]
    lit = np.clip(levels * np.array(weather.tint) * weather.gain, 0, 1) ** weather.gamma
    curve = np.clip((lit - PIVOT) * weather.contrast + PIVOT, 0, 1)
    return np.round(curve * 255).astype(np.uint8)[None]


def _desaturate(image: Image, saturation: float) -> Image:
    keep, grey = saturation, 1 - saturation
    weights = np.array([0.299, 0.587, 0.114]) * grey
    matrix = np.eye(3) * keep + weights[None, :]
    return cv2.transform(image, matrix)


def _smear(image: Image, length: float, turn: float) -> Image:
    reach = int(length * image.shape[0] / 2)
    if reach < 1:
        return image
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    dx, dy = round(math.cos(turn) * reach), round(math.sin(turn) * reach)
    cv2.line(kernel, (reach - dx, reach - dy), (reach + dx, reach + dy), 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def _crop(tile: Image, at: tuple[float, float], width: int, height: int) -> Image:
    """A piece of a noise tile, from a place given as shares of the tile, repeated if need be."""
    side = len(tile)
    u, v = int(at[0] * side), int(at[1] * side)
    if u + width <= side and v + height <= side:
        return tile[v : v + height, u : u + width]
    if width > side or height > side:
        rows = np.arange(v, v + height) % side
        columns = np.arange(u, u + width) % side
        return np.ascontiguousarray(tile[rows[:, None], columns])
    piece = np.empty((height, width, 3), np.uint8)
    down, along = min(side - v, height), min(side - u, width)
    piece[:down, :along] = tile[v : v + down, u : u + along]
    piece[down:, :along] = tile[: height - down, u : u + along]
    piece[:down, along:] = tile[v : v + down, : width - along]
    piece[down:, along:] = tile[: height - down, : width - along]
    return piece


def _take_through_lens(image: Image, weather: Weather) -> Image:
    """Blur, noise and compression, on RGB uint8 (H, W, 3)."""
    height, width = image.shape[:2]
    if weather.blur * height > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), weather.blur * height)
    if weather.motion[0]:
        image = _smear(image, *weather.motion)
    if weather.noise:
        more, less = (
            _crop(tile, weather.noise_at, width, height) for tile in sensor_noise(weather.noise)
        )
        image = cv2.subtract(cv2.add(image, more), less)
    if weather.jpeg:
        code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, weather.jpeg])[1]
        image = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    return image


def expose(paint: Image, relief: Image, shining: Image, weather: Weather) -> Image:
    """Turns paint into a camera's picture.

    Args:
        paint: colors, RGB uint8 (H, W, 3).
        relief: brightness of the surfaces, uint8 (H, W), 128 = as painted.
        shining: where lights are, uint8 (H, W), above 0.
        weather: light, tone curve and faults of the camera.

    Returns:
        The image, RGB uint8 (H, W, 3).
    """
    height, width = relief.shape
    patches = np.array(weather.patches, np.float32).reshape(3, 4) * 128
    light = cv2.resize(patches.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    relief = cv2.multiply(relief, light, scale=1 / 128)
    if weather.dark:
        np.copyto(relief, 255, where=shining > 0)
    image = cv2.multiply(paint, cv2.merge([relief, relief, relief]), scale=1 / 128)
    if abs(weather.saturation - 1) > 0.03:
        image = _desaturate(image, weather.saturation)
    image = cv2.LUT(image, _response(weather))
    return _take_through_lens(image, weather)
