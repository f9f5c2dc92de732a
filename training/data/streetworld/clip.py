"""Writes a moving scene as a video and its exact masks as pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2

from training.data.streetworld.moving import moving_scene


def write_clip(
    video: Path,
    masks: Path | None,
    *,
    seed: int = 0,
    namespace: str = "demo",
    seconds: float = 7.0,
    fps: int = 15,
    size_wh: tuple[int, int] = (640, 480),
    quality: int = 27,
) -> int:
    """Writes H.264 into ``video``, and a label PNG (value = class index) a frame into ``masks``.

    Args:
        video: an .mp4 file, replaced if it exists.
        masks: a folder, made if missing; None writes no masks.
        seed: which moving scene.
        namespace: its stream of seeds.
        seconds: length.
        fps: frames a second.
        size_wh: even numbers.
        quality: x264's constant rate factor, lower is better and larger.

    Returns:
        The number of frames.

    Raises:
        OSError: ``video`` cannot be written.
    """
    import av

    frames = round(seconds * fps)
    if masks is not None:
        masks.mkdir(parents=True, exist_ok=True)
    video.write_bytes(b"")  # the encoder opens its file only after many frames
    options = {"crf": str(quality), "preset": "slow", "threads": "1"}
    with av.open(str(video), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options=options)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        scenes = moving_scene(seed, namespace=namespace, frames=frames, fps=fps, size_wh=size_wh)
        for number, scene in enumerate(scenes):
            picture = av.VideoFrame.from_ndarray(scene.image_hw3, format="rgb24")
            container.mux(stream.encode(picture))
            if masks is not None:
                cv2.imwrite(str(masks / f"{number:06d}.png"), scene.labels_hw)
        container.mux(stream.encode(None))
    return frames
