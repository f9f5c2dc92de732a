"""HDR to SDR: PQ and HLG as a screen of ordinary range shows them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["TRANSFERS", "map_to_sdr"]

#: FFmpeg's numbers of the transfer functions (those of ITU-T H.273).
TRANSFERS = {16: "PQ", 18: "HLG"}
#: Light of diffuse white in HDR, in candela per square meter (ITU-R BT.2408).
WHITE_NITS = 203.0
#: Above this share of white, light is compressed so that highlights keep their drawing.
KNEE = 0.9
#: How an SDR screen turns signal into light (ITU-R BT.1886).
GAMMA = 2.4
#: Linear RGB of BT.2020 to that of BT.709 (ITU-R BT.2407).
TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
LUMA_BT2020 = np.array([[0.2627, 0.6780, 0.0593]], np.float32)


def map_to_sdr(rgb: np.ndarray, transfer: str) -> np.ndarray:
    """A picture in BT.2020 with PQ or HLG as BT.709 video.

    Diffuse white (203 nits) becomes white nearly; what is brighter is compressed into the rest,
    by the largest of the three channels, so that hues stay.

    Args:
        rgb: uint16 (H, W, 3), full range.
        transfer: ``PQ`` or ``HLG``.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    import cv2

    light = np.take(_light_table(transfer), rgb)
    if transfer == "HLG":
        luma = cv2.transform(light, LUMA_BT2020)
        # The system gamma of a screen of 1000 nits (ITU-R BT.2100).
        light *= (cv2.pow(luma, 0.2) * (1000.0 / WHITE_NITS))[..., None]
    light = np.maximum(cv2.transform(light, TO_BT709), 0.0)
    most = light.max(axis=2)
    bright = most > KNEE
    light[bright] *= _compress(most[bright])[:, None]
    return cv2.convertScaleAbs(cv2.pow(light, 1 / GAMMA), alpha=255.0)


def _compress(light: np.ndarray) -> np.ndarray:
    """By how much to scale light above the knee so that it ends below white."""
    room = np.float32(1.0 - KNEE)
    return (1.0 - room * np.exp((KNEE - light) / room)) / light


@lru_cache(maxsize=2)
def _light_table(transfer: str) -> np.ndarray:
    """The light of each 16-bit sample, float32 (65536,): of white for PQ, of the scene for HLG."""
    signal = np.arange(65_536) / 65_535.0
    if transfer == "PQ":  # SMPTE ST 2084
        root = signal ** (1 / 78.84375)
        base = np.maximum(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)
        return (base ** (1 / 0.1593017578125) * 10_000.0 / WHITE_NITS).astype(np.float32)
    # ARIB STD-B67
    low = signal**2 / 3.0
    high = (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12.0
    return np.where(signal <= 0.5, low, high).astype(np.float32)
