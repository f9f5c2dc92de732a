"""Clients that are slow, many, or guess: nobody else notices, and nothing of theirs is believed."""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from runtime import Model
from tests.support.live_page import TOKEN, Serving, serve_streams
from tests.support.processes import LIMIT_S
from tests.support.streams import LONG_S, wait_until

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")

from runtime.serve import patience, server, token  # noqa: E402

#: Of this environment, or of another on the path: it is a command, nothing of it is imported.
SCHEMATHESIS = shutil.which(
    "schemathesis", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
)
YARD = "/api/streams/yard"
BREAK = "\r\nX-Evil: 1\r\n\r\n"
BODY = (
    b"PUT /api/streams/yard/zones HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)


@pytest.fixture(scope="module")
def open_one(page_model: Model) -> Iterator[Serving]:
    with serve_streams(page_model, {"yard": "sky,car", f"a{BREAK}b": "car"}) as serving:
        yield serving


@pytest.fixture(scope="module")
def guarded(page_model: Model) -> Iterator[Serving]:
    with serve_streams(page_model, {"yard": "sky,car"}, token=TOKEN) as serving:
        yield serving


def connect(serving: Serving) -> socket.socket:
    return socket.create_connection(("127.0.0.1", serving.port), timeout=LONG_S)


def read_to_end(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while part := connection.recv(1 << 16):
            answer += part
    except ConnectionResetError:
        pass
    return answer


# Slow ones --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: loc",
        BODY + b"Content-Length: 14\r\n\r\n" + b'{"zon',
        BODY + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
    ids=["silent", "half a head", "half a body", "half a chunk"],
)
@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_request_that_does_not_come_is_not_waited_for(
    open_one: Serving,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    before: bytes,
    sent: bytes,
) -> None:
    monkeypatch.setattr(patience, "REQUEST_S", 0.3)
    with caplog.at_level(logging.WARNING), connect(open_one) as connection:
        if before:
            connection.sendall(before)
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
            sent = sent or b"G"  # one that is quiet between two may stay longer
        connection.sendall(sent)
        # It ends without an answer; else the socket's own limit fails the test.
        assert b"HTTP/1.1" not in read_to_end(connection)
    assert httpx.get(f"{open_one.url}healthz").status_code == 200
    assert not caplog.records


def test_a_connection_that_is_used_again_and_a_stream_outlast_the_limit(
    open_one: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "REQUEST_S", 0.2)
    with httpx.Client(base_url=open_one.url, timeout=LONG_S) as client:
        assert client.get("/healthz").status_code == 200
        with httpx.stream("GET", f"{open_one.url}{YARD[1:]}/video", timeout=LONG_S) as video:
            parts = video.iter_raw()
            pictures = 0
            while pictures < 10:  # of 15 a second
                pictures += next(parts).count(b"--picture")
        assert client.put(f"{YARD}/zones", json={"zones": []}).status_code == 200


def test_silent_connections_keep_nobody_out_for_long(
    page_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 6)
    with serve_streams(page_model, {"yard": "sky,car"}) as serving:
        for limit_s, status in ((LIMIT_S, 503), (0.3, 200)):
            monkeypatch.setattr(patience, "REQUEST_S", limit_s)
            with ExitStack() as open_ones:
                for _ in range(6):
                    open_ones.enter_context(connect(serving))
                url = f"{serving.url}healthz"
                wait_until(lambda: httpx.get(url).status_code == status)  # noqa: B023


def test_a_body_that_breaks_off_is_no_fault_of_ours(
    open_one: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        with connect(open_one) as connection:
            connection.sendall(BODY + b"Content-Length: 14\r\n\r\n" + b'{"zon')
        for _ in range(3):
            assert httpx.get(f"{open_one.url}healthz").status_code == 200
    assert not caplog.records


@pytest.mark.slow
def test_two_hundred_viewers_are_served(open_one: Serving) -> None:
    request = f"GET {YARD}/video HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with ExitStack() as open_ones:
        viewers = [open_ones.enter_context(connect(open_one)) for _ in range(200)]
        for viewer in viewers:
            viewer.sendall(request)
        for viewer in viewers:
            received = b""
            while b"\xff\xd9" not in received:  # a whole JPEG
                received += viewer.recv(1 << 16)
            assert received.startswith(b"HTTP/1.1 200")
        assert httpx.get(f"{open_one.url}readyz").status_code == 200


# Guesses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", ["bearer", "cookie", "nothing"])
def test_who_guesses_has_to_wait(
    guarded: Serving, monkeypatch: pytest.MonkeyPatch, shown: str
) -> None:
    waited = []

    async def pause(self: token.Token) -> None:
        waited.append(self)

    monkeypatch.setattr(token.Token, "pause", pause)
    headers = {
        "bearer": {"authorization": "Bearer wrong-one"},
        "cookie": {"cookie": f"mgca_{guarded.port}={'0' * 64}"},
        "nothing": {},
    }[shown]
    assert httpx.get(f"{guarded.url}api", headers=headers).status_code == 401
    assert len(waited) == (shown != "nothing")
    right = {"authorization": f"Bearer {TOKEN}"}
    assert httpx.get(f"{guarded.url}api", headers=right).status_code == 200
    assert len(waited) == (shown != "nothing")


def test_what_is_compared_has_one_length(monkeypatch: pytest.MonkeyPatch) -> None:
    compare, lengths = token.hmac.compare_digest, set()

    def note(given: bytes, wanted: bytes) -> bool:
        lengths.add((len(given), len(wanted)))
        return compare(given, wanted)

    monkeypatch.setattr(token.hmac, "compare_digest", note)
    guard = token.Token(TOKEN, 1)
    cookie = guard.cookie().partition(";")[0]
    assert guard.is_right(TOKEN) and guard.admits({"cookie": cookie})
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "\udcff" * 500):
        assert not guard.is_right(wrong)
        assert not guard.admits({"authorization": f"Bearer {wrong}", "cookie": cookie})
    assert not guard.admits({"cookie": cookie[:-1]})
    assert lengths == {(32, 32)}


# Names ------------------------------------------------------------------------------------------


def test_a_name_is_no_header(open_one: Serving) -> None:
    names = [f"car{BREAK}=car", f"car={BREAK}", "car\n", "sky\x00"]
    with httpx.Client(base_url=open_one.url, timeout=LONG_S) as client:
        for name in names:
            answer = client.put(f"{YARD}/classes", json={"classes": [name]})
            assert answer.status_code in (200, 422) and "x-evil" not in answer.headers
        streams = client.get("/api/streams").json()["streams"]
        [other] = [one["name"] for one in streams if one["name"] != "yard"]
        assert BREAK in other
        for part in ("", "/picture", "/clip", "/events"):
            answer = client.get(httpx.URL(f"{open_one.url}api/streams/").join(quote(other) + part))
            assert answer.status_code == 200 and "x-evil" not in answer.headers
        lines = client.get("/metrics").text.splitlines()
        assert not any(line.startswith("X-Evil") for line in lines)


def quote(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


# The document -----------------------------------------------------------------------------------


def test_every_change_is_json_and_other_methods_are_none(guarded: Serving) -> None:
    right = {"authorization": f"Bearer {TOKEN}"}
    changes = []
    with httpx.Client(base_url=guarded.url, headers=right, timeout=LONG_S) as client:
        document = client.get("/api/openapi.json").json()
        for path, methods in document["paths"].items():
            url = path.format(name="yard", number=1)
            answer = client.request("DELETE", url)
            allowed = set(answer.headers["allow"].split(", ")) - {"HEAD"}
            assert (answer.status_code, allowed) == (405, {method.upper() for method in methods})
            changes += [(method, url) for method in methods if method != "get"]
        for method, url in changes:
            form = {"content-type": "application/x-www-form-urlencoded"}
            answer = client.request(method, url, content=b"a=b", headers=form)
            assert answer.status_code == 415, (method, url)
    assert len(changes) >= 5 and document["security"] == [{"bearer": []}]


@pytest.mark.skipif(SCHEMATHESIS is None, reason="schemathesis is not installed")
@pytest.mark.parametrize(
    ("paths", "examples"),
    [
        pytest.param("/(settings|pixel)$", 1, marks=pytest.mark.slow),
        pytest.param("(?<!/video)$", 50, marks=pytest.mark.long),  # a video has no end
    ],
    ids=["a few", "everything"],
)
def test_schemathesis_finds_nothing(
    guarded: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: str, examples: int
) -> None:
    """What the document allows and what it does not, by schemathesis's own checks.

    One is left out: a word that fits the schema may still be one that nobody knows.
    """
    monkeypatch.setattr(token, "WRONG_TOKEN_S", 0.0)  # it guesses a lot
    command: list[Any] = [SCHEMATHESIS, "run", f"{guarded.url}api/openapi.json"]
    command += ["-H", f"Authorization: Bearer {TOKEN}", "--include-path-regex", paths]
    command += ["--checks", "all", "--exclude-checks", "positive_data_acceptance"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", examples, "--seed", 1]
    command += ["--request-timeout", LONG_S, "--no-color"]
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
    assert re.search(r"([1-9]\d*) generated, \1 passed", done.stdout), done.stdout[-2000:]
    assert httpx.get(f"{guarded.url}readyz").status_code == 200
