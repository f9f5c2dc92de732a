"""HDR video as a screen of ordinary range shows it."""

from __future__ import annotations

import logging
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from runtime.pictures import ValueRange, decode_picture, frame_to_bgr
from runtime.pictures.tone import map_to_sdr
from runtime.sources import VideoFile


def encode_pq(nits: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084 as its text writes it, the other way round than the code."""
    light = (np.asarray(nits) / 10_000.0) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * light) / (1 + 2392 / 128 * light)) ** (2523 / 32)


def encode_hlg(light: np.ndarray) -> np.ndarray:
    """ITU-R BT.2100, table 5."""
    high = 0.17883277 * np.log(np.maximum(12 * light - 0.28466892, 1e-9)) + 0.55991073
    return np.where(light <= 1 / 12, np.sqrt(3 * light), high)


def grey(signal: float) -> np.ndarray:
    return np.full((2, 2, 3), round(signal * 65_535), np.uint16)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.18, 0.5, 0.85])
def test_pq_below_white_is_what_a_screen_would_show(share: float) -> None:
    """A share of 203 nits (BT.2408) is that share of an SDR screen's light (BT.1886: 2.4)."""
    shown = map_to_sdr(grey(float(encode_pq(np.float64(203 * share)))), "PQ")
    assert shown.tolist() == pytest.approx(np.full((2, 2, 3), 255 * share ** (1 / 2.4)), abs=1)


def test_hlg_at_three_quarters_is_white() -> None:
    """BT.2408: 75 % of HLG is diffuse white, and 38 % an 18 % grey card (26 nits)."""
    assert map_to_sdr(grey(0.75), "HLG").min() > 245
    expected = 255 * (26 / 203) ** (1 / 2.4)
    assert map_to_sdr(grey(0.38), "HLG")[0, 0] == pytest.approx([expected] * 3, abs=4)


def test_highlights_stay_apart_and_below_white() -> None:
    shown = [
        map_to_sdr(grey(float(encode_pq(np.float64(n)))), "PQ")[0, 0, 0] for n in (203, 240, 300)
    ]
    assert shown[0] < shown[1] < shown[2] <= 255


@pytest.mark.parametrize(("transfer", "number"), [("PQ", 16), ("HLG", 18)])
def test_hdr_video_is_mapped_and_told(transfer: str, number: int, tmp_path: Path, caplog) -> None:
    """Truth: the curve's own encoding; FFmpeg 8.1 hands the signal through unmapped."""
    light = 0.18 if transfer == "PQ" else 0.05
    signal = float(
        encode_pq(np.float64(203 * light)) if transfer == "PQ" else encode_hlg(np.float64(light))
    )
    path = tmp_path / "hdr.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = number, 9, 9
        context.color_range = 1
        for index in range(3):
            frame = av.VideoFrame(32, 32, "yuv420p10le")
            for plane, value in zip(frame.planes, (64 + signal * 876, 512, 512), strict=True):
                samples = np.full(plane.buffer_size // 2, round(value), np.uint16)
                plane.update(samples.tobytes())
            frame.color_trc, frame.color_primaries, frame.colorspace = number, 9, 9
            frame.color_range = 1
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    source = VideoFile(str(path))
    with caplog.at_level(logging.WARNING, logger="mgca"):
        source.open()
        frames = list(source.frames(threading.Event()))
    source.close()
    mapped = map_to_sdr(grey(signal), transfer)[0, 0]
    assert frames[0].image_bgr[16, 16] == pytest.approx(mapped, abs=2)
    assert source.values == {f"HDR ({transfer}), mapped to SDR": 3}
    assert caplog.text.count(f"HDR ({transfer})") == 1


def test_a_png_that_says_it_is_pq_is_mapped() -> None:
    """PNG's cICP chunk (third edition); OpenCV 5.0 ignores it."""
    import zlib

    import cv2

    plain = cv2.imencode(".png", grey(float(encode_pq(np.float64(203 * 0.18)))))[1].tobytes()
    chunk = b"cICP" + bytes((9, 16, 0, 1))
    chunk = (4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    picture = decode_picture(plain[:33] + chunk + plain[33:])
    assert picture is not None and picture.kind == "HDR (PQ), mapped to SDR"
    assert picture.image_bgr[0, 0] == pytest.approx([255 * 0.18 ** (1 / 2.4)] * 3, abs=2)


def test_twelve_bits_in_a_video_of_sixteen() -> None:
    frame = av.VideoFrame.from_ndarray(np.full((8, 8), 2048, np.uint16), "gray16le")
    frame_white = av.VideoFrame.from_ndarray(np.full((8, 8), 4095, np.uint16), "gray16le")
    values = ValueRange(steady=True)
    assert frame_to_bgr(frame_white, values).min() == 255
    assert frame_to_bgr(frame, values)[0, 0].tolist() == [128] * 3
