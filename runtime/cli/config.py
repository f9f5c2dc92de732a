"""The session config: everything that a run of ``mgca-rt`` was asked for, in one frozen tree.

One stream's source stands in ``sources``. Several stand in ``streams``, each with what it has of
its own beside what holds for all; :mod:`runtime.cli.streams` makes a config of one stream of each.

The command line fills it (:mod:`runtime.cli.arguments`), a TOML file does as well
(:mod:`runtime.cli.config_file`), and nothing behind them reads anything else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

from runtime.cli.words_config import WordsConfig
from runtime.errors import UserError
from runtime.flag_values import four_letters, number, size_wh, whole_number, word_or_number
from runtime.options import flag_of, option, options_of
from runtime.sinks.registry import registered_sinks

__all__ = [
    "OutputsConfig",
    "RunningConfig",
    "SessionConfig",
    "SourcesConfig",
    "StreamConfig",
    "WordsConfig",
    "check_config",
    "merge_config",
]


@dataclass(frozen=True)
class SourcesConfig:
    """Where frames come from; without any source, the demo clip.

    Attributes:
        camera_size: width and height in pixels that the camera is asked for.
        camera_fps: pictures a second that it is asked for.
        camera_format: the four letters of the pixel format that it is asked for.
        reconnect_timeout: seconds; None is 10 s at the start and any time later.
    """

    #: At most one of these; one given as a flag takes the place of one from a file.
    ALTERNATIVES: ClassVar[tuple[str, ...]] = (
        "camera", "video", "images", "gstreamer", "test_pattern", "stdin",
    )  # fmt: skip

    camera: str | None = option(
        "a camera, by number or device: --camera 0, /dev/video2", metavar="N", source=True
    )
    video: str | None = option(
        "a video file or address: --video drive.mp4, rtsp://host/stream, https://host/a.m3u8",
        metavar="FILE_OR_URL",
        source=True,
    )
    images: tuple[str, ...] | None = option(
        "images: --images frames/ or --images 'drive/**/*.jpg'",
        metavar="DIR_OR_GLOB",
        many=True,
        source=True,
    )
    gstreamer: str | None = option(
        "a GStreamer pipeline, as for gst-launch-1.0: --gstreamer 'v4l2src ! videoconvert'",
        metavar="PIPELINE",
        source=True,
    )
    test_pattern: str | None = option(
        "a picture that moves, made here: --test-pattern, --test-pattern 1280x720@60 "
        "(640x480@30 where no size follows)",
        metavar="WxH@FPS",
        source=True,
        alone="640x480@30",
    )
    stdin: str | None = option(
        "raw video on stdin, its size, format and rate: --stdin 640x480@30:bgr24",
        metavar="WxH@FPS:FORMAT",
        source=True,
    )
    loop: bool = option(
        "begin files and images again at their end: --images frames/ --loop",
        default=False,
        holds=bool,
    )
    every: int = option(
        "only each Nth frame: --every 5", default=1, metavar="N", holds=int, read=whole_number(1)
    )
    max_frames: int | None = option(
        "stop after N frames: --max-frames 100", metavar="N", holds=int, read=whole_number(1)
    )
    skip_still: str = option(
        "give a frame in which nothing has changed the scores of the frame before: "
        "--skip-still on (default auto: for cameras and live streams)",
        default="auto",
        choices=("auto", "on", "off"),
    )
    smooth: str | float = option(
        "steady the masks over time, with this time constant in seconds: --smooth 0.5 "
        "(default auto: 0.35 for cameras, streams and videos, off for images)",
        default="auto",
        metavar="auto|off|S",
        read=word_or_number(("auto", "off"), 0, 60),
        or_number=True,
    )
    short_side: int | None = option(
        "look at the frame in windows of the bundle's input size, its shorter side brought to N "
        "pixels: --short-side 336",
        metavar="N",
        holds=int,
        read=whole_number(1),
    )
    stride: int | None = option(
        "the same, a window every N pixels: --stride 112 (default: half a window; without "
        "--short-side at the frame's own size)",
        metavar="N",
        holds=int,
        read=whole_number(1),
    )
    image_fps: float = option(
        "frame rate given to --images in --out and time_s: --image-fps 10 (default 15)",
        default=15.0,
        metavar="F",
        holds=float,
        read=number(0.01, 1000),
    )
    camera_size: tuple[int, int] | None = option(
        "ask the camera for this size: --camera-size 1280x720",
        metavar="WxH",
        read=size_wh(),
        write=lambda size: f"{size[0]}x{size[1]}",
    )
    camera_fps: float | None = option(
        "ask the camera for this rate: --camera-fps 30",
        metavar="F",
        holds=float,
        read=number(0.01, 1000),
    )
    camera_format: str | None = option(
        "ask the camera for this pixel format: --camera-format MJPG",
        metavar="FOURCC",
        read=four_letters,
    )
    live: str = option(
        "whether an address, stdin or the test pattern is live (drop old frames, reconnect) or a "
        "file (every frame once): --live yes (default auto)",
        default="auto",
        choices=("auto", "yes", "no"),
    )
    isolate: bool = option(
        "open and decode in a process of its own, which may crash or hang without harm to the "
        "rest: --isolate (for files and addresses that nobody vouches for)",
        default=False,
        holds=bool,
    )
    reconnect_timeout: float | None = option(
        "seconds a camera or stream may be away: --reconnect-timeout 60 "
        "(default 10 at the start, unlimited later)",
        metavar="S",
        holds=float,
        read=number(0, math.inf),
    )


@dataclass(frozen=True)
class OutputsConfig:
    """What to write: one frozen ``Options`` of each registered sink, in the registry's order."""

    sinks: tuple[Any, ...] = field(
        default_factory=lambda: tuple(sink.Options() for sink in registered_sinks())
    )

    def with_values(self, values: dict[str, Any]) -> OutputsConfig:
        """The same with other values of some fields, whichever sink they belong to."""
        return OutputsConfig(
            tuple(
                replace(one, **{f.name: values[f.name] for f in fields(one) if f.name in values})
                for one in self.sinks
            )
        )


@dataclass(frozen=True)
class RunningConfig:
    """How the run is made."""

    bundle: str | None = option(
        "the model, a folder or a shipped one's name: --bundle street (default: the demo's)",
        metavar="DIR_OR_NAME",
    )
    backend: str = option(
        "what runs it: --backend onnxruntime (default auto; all names stand below)",
        default="auto",
        metavar="NAME",
    )
    force_backend: bool = option(
        "also a backend that this processor can at best emulate, many times slower: "
        "--backend openvino-bf16 --force-backend",
        default=False,
        holds=bool,
    )
    threads: int | None = option(
        "processor threads to use: --threads 2", metavar="N", holds=int, read=whole_number(1)
    )
    strict: bool = option(
        "end the run as soon as one output fails: --strict (default: the others go on, and the "
        "run ends with exit code 1 and the name of the output that lost data)",
        default=False,
        holds=bool,
    )
    quiet: bool = option("no progress, summary or warnings", default=False, holds=bool)


@dataclass(frozen=True)
class StreamConfig:
    """One of several streams.

    Attributes:
        name: what it is called in the outputs' names, in the report and in events.
        values: what it has of its own, by field name, in any part but ``running``: its source, and
            words and outputs that take the place of those for all.
    """

    name: str
    values: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class SessionConfig:
    """One run of ``mgca-rt``. The fields are the tables of a configuration file."""

    sources: SourcesConfig = field(default_factory=SourcesConfig)
    words: WordsConfig = field(default_factory=WordsConfig)
    outputs: OutputsConfig = field(default_factory=OutputsConfig)
    running: RunningConfig = field(default_factory=RunningConfig)
    streams: tuple[StreamConfig, ...] = ()

    def parts(self) -> dict[str, tuple[Any, ...]]:
        """For each table's name, the dataclasses whose options are its keys."""
        return {
            "sources": (self.sources,),
            "words": (self.words,),
            "outputs": self.outputs.sinks,
            "running": (self.running,),
        }


def merge_config(config: SessionConfig, values: dict[str, Any]) -> SessionConfig:
    """``config`` with ``values`` (by field name, of any part) in place of its own.

    Of alternatives such as the kinds of source, one among the values takes the place of all that
    stood before.
    """
    for part in (SourcesConfig, WordsConfig):
        if any(name in values for name in part.ALTERNATIVES):
            values = {**dict.fromkeys(part.ALTERNATIVES), **values}

    def changed(part: Any) -> Any:
        names = [one.name for one, _ in options_of(part) if one.name in values]
        return replace(part, **{name: values[name] for name in names})

    return SessionConfig(
        sources=changed(config.sources),
        words=changed(config.words),
        outputs=config.outputs.with_values(values),
        running=changed(config.running),
        streams=() if set(SourcesConfig.ALTERNATIVES) & values.keys() else config.streams,
    )


def check_config(config: SessionConfig) -> None:
    """Refuse what cannot go together; raises ``UserError``. Files and words are checked later."""
    sources, words = config.sources, config.words
    for name in ("camera", "video", "gstreamer", "stdin"):
        if getattr(sources, name) == "":
            raise UserError(f"--{name} is empty; see mgca-rt --help for an example")
    given = [flag_of(name) for name in sources.ALTERNATIVES if getattr(sources, name)]
    if len(given) > 1:
        raise UserError(
            f"{' and '.join(given)} cannot go together as one stream; give one, or each under a "
            "[[stream]] of its own"
        )
    if sources.isolate and sources.stdin is not None:
        raise UserError(
            "--isolate and --stdin cannot go together: raw video has nothing to decode; leave "
            "--isolate out (isolate = false in that [[stream]], where there are others)"
        )
    if words.classes is not None and words.classes_file is not None:
        raise UserError("--classes and --classes-file cannot go together; give one of them")
    if given and words.classes is None and words.classes_file is None:
        raise UserError(f"{given[0]} needs the classes to look for: --classes person,car")
