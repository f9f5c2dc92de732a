"""Streams that really run behind a real page, for as long as a test looks at them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from runtime import Model, Segmenter
from runtime.sinks.claims import Claims
from runtime.sinks.serve import LivePage
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream
from tests.support.streams import LONG_S, Scenes, wait_until

TOKEN = "open-sesame-7391"

__all__ = ["TOKEN", "Serving", "serve_streams"]


@dataclass
class Serving:
    """What runs.

    Attributes:
        url: of the page, with a slash at its end.
        streams: by name.
    """

    url: str
    streams: dict[str, Stream]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].strip("/"))


@contextmanager
def serve_streams(
    model: Model,
    words_of: dict[str, str],
    *,
    token: str | None = None,
    host: str = "127.0.0.1",
    fps: float = 15,
    port: int = 0,
    background: str = "none",
) -> Iterator[Serving]:
    """Serve live scenes, a stream for each name; it all ends with the context."""
    with socket.create_server((host, port)) as free:
        port = free.getsockname()[1]
    streams = {}
    for name, words in words_of.items():
        sink = LivePage.from_options(LivePage.Options(serve=f"{host}:{port}", serve_token=token))
        assert sink is not None
        sink.check(Claims([], "no bundle"))
        segmenter = Segmenter(model)
        segmenter.set_classes(words, background=background)
        scenes = Scenes(10**9, live=True, pause_s=1 / fps)
        streams[name] = Stream(scenes, segmenter, [sink], name=name)
    pipeline = Pipeline(list(streams.values()))
    running = threading.Thread(target=pipeline.run, daemon=True)
    running.start()
    try:
        for stream in streams.values():
            wait_until(lambda one=stream: one.statistics.frames_processed > 1)
        yield Serving(sink._url, streams)
    finally:
        pipeline.stop.set()
        running.join(LONG_S)
        assert not running.is_alive()
