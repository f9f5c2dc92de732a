"""What comes over HTTP without a length: a file all the same, or a live stream.

Truth: a chunk of no bytes is the end that a server states (RFC 9112, 7.1); an answer that ends
with its connection may have broken off. Seen with FFmpeg 8.1, which tells neither.
"""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runtime.sources import Frame, StreamSource
from runtime.sources.framing import says_where_it_ends
from tests.support.clips import draw_scene, write_clip
from tests.support.web import QuietHandler, serve_http

KINDS = {
    "webm-like.mkv": {"live": "1"},  # as a browser records: no duration, no index
    "a.mkv": {},
    "a.ts": {},
    "fragments.mp4": {"movflags": "frag_keyframe+empty_moov"},
    "a.mp4": {"movflags": "+faststart"},
}
Answer = Callable[[http.server.BaseHTTPRequestHandler], bytes]


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """A real HTTP/1.1 server that sends what a function gives it in chunks; its address."""
    servers = ExitStack()

    def start(content: Callable[[], bytes], pieces: int = 4, pause_s: float = 0.0) -> str:
        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                data = content()
                step = max(1, len(data) // pieces)
                try:
                    for at in range(0, len(data), step):
                        part = data[at : at + step]
                        self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                        self.wfile.flush()
                        time.sleep(pause_s)
                    self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    pass  # the reader went away

        return servers.enter_context(serve_http(Handler))

    with servers:
        yield start


def take(source: StreamSource, count: int, limit_s: float = 30) -> list[Frame]:
    """Frames until there are so many, or none come any more."""
    stop = threading.Event()
    frames: list[Frame] = []
    alarm = threading.Timer(limit_s, stop.set)
    alarm.start()
    for frame in source.frames(stop):
        frames.append(frame)
        if len(frames) == count:
            stop.set()
    alarm.cancel()
    assert not (stop.is_set() and len(frames) < count), "it waited for more"
    return frames


@pytest.mark.parametrize("name", KINDS)
def test_a_file_in_chunks_is_read_once(name: str, tmp_path: Path, serve, caplog) -> None:
    path = write_clip(tmp_path / name, 12, container_options=KINDS[name])
    source = StreamSource(serve(path.read_bytes) + f"/{name}")
    frames = take(source, 40)
    assert [frame.time_s for frame in frames] == pytest.approx(
        [i / 12 for i in range(12)], abs=2e-3
    )
    assert not source.live and source.reconnects == 0 and not caplog.records


@pytest.mark.slow
@pytest.mark.parametrize("name", ["webm-like.mkv", "a.ts"])
def test_a_file_that_comes_slowly_is_read_once_too(
    name: str, tmp_path: Path, serve, caplog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end is seen when it comes; that the address then begins as before tells a file."""
    monkeypatch.setattr("runtime.sources.stream.AHEAD_S", 0.05)
    path, asked = _write_slow(tmp_path / name), []

    def content() -> bytes:
        asked.append(1)
        return path.read_bytes()

    source = StreamSource(serve(content, pieces=12, pause_s=0.1) + f"/{name}")
    assert len(take(source, 80)) == 24
    assert len(asked) == 3  # the pictures, what ends them, and how they begin again
    assert source.reconnects == 0 and not caplog.records


@pytest.mark.slow
def test_a_live_stream_in_chunks_stays_live(
    tmp_path: Path, serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera shows something else every time, also where its server ends an answer in order."""
    monkeypatch.setattr("runtime.sources.stream.AHEAD_S", 0.05)
    parts = [_write_slow(tmp_path / f"{first}.mkv", 7 * first).read_bytes() for first in range(3)]
    asked = iter(parts * 8)
    source = StreamSource(serve(lambda: next(asked), pieces=12, pause_s=0.1) + "/live")
    assert len(take(source, 60)) == 60
    assert source.live and source.reconnects >= 1


def _write_slow(path: Path, first: int = 0) -> Path:
    """24 frames, more than FFmpeg looks at to find out what they are."""
    images = [draw_scene(first + i, (320, 240)) for i in range(24)]
    return write_clip(
        path, images, size_wh=(320, 240), container_options=KINDS.get(path.name, {"live": "1"}),
        options={"g": "6", "bf": "0"},
    )  # fmt: skip


def test_live_may_be_said(tmp_path: Path, serve) -> None:
    path = write_clip(tmp_path / "a.ts", 12)
    source = StreamSource(serve(path.read_bytes) + "/a.ts", live=True)
    assert len(take(source, 30)) == 30 and source.live


def test_what_a_server_says_of_its_end(serve) -> None:
    address = serve(lambda: b"12345")
    assert says_where_it_ends(address + "/a", 5)
    assert says_where_it_ends(address.replace("//", "//user:pass%40word@") + "/a", 5)
    assert not says_where_it_ends("http://127.0.0.1:9/a", 1)
    assert not says_where_it_ends("http://[broken/a", 1)
