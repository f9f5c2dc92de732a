"""Addresses as a source: files over HTTP, live streams that break, sources that never come."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import SourceGoneError, UserError
from runtime.sources import Frame, StreamSource
from tests.support.clips import write_clip
from tests.support.web import QuietHandler, serve_http

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]
#: How long a silent server keeps the connection: whoever ends before it has noticed the silence.
SILENCE_S = 60


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Start a real HTTP server whose every GET is answered by the given function; its address."""
    servers = ExitStack()

    def start(answer: Answer) -> str:
        class Handler(QuietHandler):
            def do_GET(self) -> None:
                try:
                    answer(self)
                except OSError:
                    pass  # the reader went away

        return servers.enter_context(serve_http(Handler))

    with servers:
        yield start


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def send_file(path: Path) -> Answer:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        data = path.read_bytes()
        begin = int((request.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        request.send_response(206)
        request.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        request.send_header("Content-Length", str(len(data) - begin))
        request.end_headers()
        request.wfile.write(data[begin:])

    return answer


def send_live(jpegs: list[bytes], pause_s: float = 0.0) -> Answer:
    """A network camera's MJPEG stream: it never says how long it is, and ends without a word."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        for jpeg in jpegs:
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            request.wfile.write(head.encode() + jpeg + b"\r\n")
            request.wfile.flush()
            time.sleep(pause_s)

    return answer


@pytest.fixture(scope="module")
def jpegs() -> list[bytes]:
    import cv2

    from tests.support.clips import draw_scene

    return [cv2.imencode(".jpg", draw_scene(i))[1].tobytes() for i in range(6)]


def take(source: StreamSource, count: int, limit_s: float = 20) -> list[Frame]:
    stop = threading.Event()
    frames = []
    alarm = threading.Timer(limit_s, stop.set)
    alarm.start()
    for frame in source.frames(stop):
        frames.append(frame)
        if len(frames) == count:
            stop.set()
    alarm.cancel()
    return frames


def test_file_over_http_is_read_once_to_its_end(clip: Path, serve) -> None:
    source = StreamSource(serve(send_file(clip)) + "/drive.mp4")
    frames = list(source.frames(threading.Event()))
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 12 for i in range(12)])
    assert not source.live and source.reconnects == 0


def send_whole(path: Path) -> Answer:
    """A server that cannot seek, as Python's own: always the whole file, with its length."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        data = path.read_bytes()
        request.send_response(200)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    return answer


@pytest.mark.parametrize("send", [send_file, send_whole])
@pytest.mark.parametrize("ending", ["mkv", "ts"])
def test_a_file_without_a_duration_is_read_once(
    send: Callable[[Path], Answer], ending: str, tmp_path: Path, serve
) -> None:
    """Truth: a Content-Length is an end (RFC 9110, 8.6), whatever the container says."""
    options = {"live": "1"} if ending == "mkv" else {}
    path = write_clip(tmp_path / f"a.{ending}", 12, container_options=options)
    source = StreamSource(serve(send(path)) + f"/a.{ending}")
    assert len(take(source, 30)) == 12
    assert not source.live and source.reconnects == 0


def test_a_server_that_cannot_seek_is_named(tmp_path: Path, serve, caplog) -> None:
    """MP4 with its index at the end; FFmpeg 8.1 opens it and then gives nothing.

    It is no file that was cut off, and nothing else is said beside the reason.
    """
    noise = np.random.default_rng(0).integers(0, 255, (40, 96, 128, 3), np.uint8)
    clip = write_clip(tmp_path / "a.mp4", noise, options={"crf": "5"})
    assert clip.stat().st_size > 500_000  # more than FFmpeg keeps
    with pytest.raises(UserError, match="cannot seek"):
        take(StreamSource(serve(send_whole(clip)) + "/a.mp4"), 30)
    assert caplog.messages == []


def test_live_stream_is_opened_again_when_it_ends(serve, jpegs: list[bytes]) -> None:
    source = StreamSource(serve(send_live(jpegs)) + "/video")
    frames = take(source, 15)
    assert source.live and source.reconnects >= 2
    assert [frame.index for frame in frames] == list(range(15))  # numbers go on over the breaks
    times = [frame.time_s for frame in frames]
    assert times == sorted(times) and times[0] == 0.0


def test_live_stream_survives_a_server_that_restarts_with_another_size(serve, tmp_path) -> None:
    import cv2
    import numpy as np

    small = cv2.imencode(".jpg", np.zeros((32, 48, 3), np.uint8))[1].tobytes()
    large = cv2.imencode(".jpg", np.zeros((64, 96, 3), np.uint8))[1].tobytes()
    calls = iter([small, large, large, large, large])

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        send_live([next(calls)] * 6)(request)

    frames = take(StreamSource(serve(answer) + "/video"), 9)
    sizes = {frame.size_wh for frame in frames}
    assert sizes == {(48, 32), (96, 64)}


def test_stream_that_never_comes_is_gone_after_the_timeout() -> None:
    source = StreamSource(f"http://127.0.0.1:{unused_port()}/a", reconnect_timeout_s=0.5)
    started = time.monotonic()
    with pytest.raises(SourceGoneError, match=r"within 0.5 s"):
        list(source.frames(threading.Event()))
    assert time.monotonic() - started > 0.4


def test_stream_that_stays_away_is_gone_after_the_timeout(serve, jpegs: list[bytes]) -> None:
    answers = iter([send_live(jpegs)])

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        first = next(answers, None)
        if first is None:
            request.send_error(503)
        else:
            first(request)

    source = StreamSource(serve(answer) + "/video", reconnect_timeout_s=0.5)
    frames = []
    with pytest.raises(SourceGoneError, match="come back"):
        for frame in source.frames(threading.Event()):
            frames.append(frame)
    assert len(frames) >= 5


def test_server_that_says_nothing_is_noticed(serve) -> None:
    gave_up: list[object] = []

    def say_nothing(request: http.server.BaseHTTPRequestHandler) -> None:
        time.sleep(SILENCE_S)
        gave_up.append(request)

    source = StreamSource(serve(say_nothing) + "/video", reconnect_timeout_s=0.6)
    with pytest.raises(SourceGoneError):
        list(source.frames(threading.Event()))
    assert not gave_up


def test_stream_that_falls_silent_is_opened_again(serve, jpegs: list[bytes]) -> None:
    gave_up: list[object] = []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        send_live(jpegs)(request)
        time.sleep(SILENCE_S)  # the connection stays open, and nothing comes
        gave_up.append(request)

    source = StreamSource(serve(answer) + "/video", reconnect_timeout_s=1.5)
    frames = take(source, 8)
    assert len(frames) == 8 and source.reconnects >= 1
    assert not gave_up


def test_rtsp_that_refuses_is_gone_after_the_timeout() -> None:
    url = f"rtsp://user:secret@127.0.0.1:{unused_port()}/a"
    with pytest.raises(SourceGoneError) as caught:
        list(StreamSource(url, reconnect_timeout_s=0.3).frames(threading.Event()))
    assert "secret" not in str(caught.value) and "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize(("status", "words"), [(401, "refuses access"), (403, "refuses access")])
def test_refusal_is_told_at_once(serve, status: int, words: str) -> None:
    asked: list[str] = []

    def refuse(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        request.send_error(status)

    with pytest.raises(UserError, match=words):
        list(StreamSource(serve(refuse) + "/a").frames(threading.Event()))
    assert asked == ["/a"]


def test_page_instead_of_a_video_is_refused(serve, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>Log in</title>" * 100)
    with pytest.raises(UserError, match="video"):
        list(StreamSource(serve(send_file(page)) + "/a.mp4").frames(threading.Event()))


def test_unknown_kind_of_address_is_refused() -> None:
    with pytest.raises(UserError, match="gopher9"):
        list(StreamSource("gopher9://host/a").frames(threading.Event()))


def test_stop_ends_waiting() -> None:
    source = StreamSource(f"http://127.0.0.1:{unused_port()}/a", reconnect_timeout_s=60)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    assert list(source.frames(stop)) == []  # else SourceGoneError after the minute


def test_passwords_are_not_shown() -> None:
    assert StreamSource("rtsp://me:pw@host/a").name == "rtsp://host/a"


def test_a_live_transport_stream_over_http_is_live(serve, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", 20, options={"g": "5"})

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(path.read_bytes())

    source = StreamSource(serve(answer) + "/live")
    assert len(take(source, 25)) == 25
    assert source.live and source.reconnects >= 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("gopher9://127.0.0.1/a", "nothing reads gopher9://"),
        ("srt://127.0.0.1:9", "has no srt://"),
    ],
)
def test_an_address_that_cannot_be_read_is_not_what_is_asked_for(
    address: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wheels of PyAV 18.1 have no SRT. Another build may: what it would say is put in its place."""
    import av

    def refuse(*_: object, **__: object) -> None:
        raise av.error.ProtocolNotFoundError(1, "Protocol not found")

    monkeypatch.setattr("runtime.sources.stream.open_container", refuse)
    with pytest.raises(UserError) as caught:
        next(iter(StreamSource(address, 1).frames(threading.Event())))
    message = str(caught.value)
    scheme = address.partition("://")[0]
    assert words in message and message.count(f"{scheme}://") == 2  # the address, and the reason
    assert "rtsp://" in message and "http://" in message
