"""From flat paint to a photograph: textures, light, exposure, blur, noise, compression."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from .scenes.weather import Weather
from .textures import sensor_noise

Image = NDArray[np.uint8]


def _response(weather: Weather) -> Image:
    """The camera's tone curve per channel, uint8 (1, 256, 3)."""
    levels = (np.arange(256) / 255.0)[:, None]
    lit = np.clip(levels * np.array(weather.tint) * weather.gain, 0, 1) ** weather.gamma
    curve = np.clip((lit - 0.45) * weather.contrast + 0.45, 0, 1)
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


def expose(paint: Image, relief: Image, shining: Image, weather: Weather) -> Image:
    """Turns painted colours (H, W, 3), relief (H, W) and a mask of lights into a photograph.

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
    if weather.blur * height > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), weather.blur * height)
    if weather.motion[0]:
        image = _smear(image, *weather.motion)
    tile = sensor_noise()
    u = int(weather.noise_at[0] * (tile.shape[1] - width)) if width < tile.shape[1] else 0
    v = int(weather.noise_at[1] * (tile.shape[0] - height)) if height < tile.shape[0] else 0
    grain = tile[v : v + height, u : u + width]
    if grain.shape[:2] != (height, width):
        grain = cv2.resize(tile, (width, height), interpolation=cv2.INTER_NEAREST)
    image = cv2.addWeighted(image, 1.0, grain, weather.noise, 0.0, dtype=cv2.CV_8U)
    if weather.jpeg:
        code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, weather.jpeg])[1]
        image = cv2.imdecode(code, cv2.IMREAD_COLOR)
    return image
