"""The webhook against a real server: what arrives, what is tried again, what is given up."""

from __future__ import annotations

import base64
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runtime.errors import MgcaError, UserError
from runtime.events import Event
from runtime.sinks.base import RunFacts
from runtime.sinks.webhook import Webhook, carrier, mailbox, post
from tests.support.frames import scene
from tests.support.mosquitto import free_port, until
from tests.support.processes import ENGINE, Run, command_environment, started_processes
from tests.support.streams import Scenes


class Server:
    """The process, and what was posted to it."""

    def __init__(self, start: Callable[..., Any], file: Path) -> None:
        self.port, self.file = free_port(), file
        self._start = start

    def answer(self, *answers: str) -> None:
        module = "tests.runtime.sinks.webhook.server"
        self._start(
            [sys.executable, "-m", module, str(self.port), str(self.file), ",".join(answers)],
            env=command_environment(),
        )
        until(self._listens, "the server does not listen")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def posted(self) -> list[dict[str, Any]]:
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def wait(self, count: int) -> list[dict[str, Any]]:
        until(lambda: len(self.posted()) >= count, f"{count} did not come")
        return self.posted()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with started_processes() as start:
        yield Server(start, tmp_path / "posted.jsonl")


@pytest.fixture
def make_sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Webhook]]:
    monkeypatch.setattr(carrier, "FIRST_PAUSE_S", 0.05)
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> Webhook:
            sink = Webhook.from_options(Webhook.Options(webhook=url, **options))
            assert sink is not None
            sink.prepare(RunFacts((), (), "b", stream="door"))
            sink.begin(Scenes(1))
            stack.callback(close_quietly, sink)
            return sink

        yield make


def close_quietly(sink: Webhook) -> None:
    try:
        sink.close()
    except MgcaError:
        pass


def event(number: int = 0) -> Event:
    return Event("alert", "door", f"number {number}", {"number": number})


def test_events_and_frames_arrive(server: Server, make_sink) -> None:
    server.answer("200")
    url = server.url.replace("//", "//me:p%40ss@") + "/hook/käse?token=S3cretly&a=b"
    sink = make_sink(url, webhook_every=60.0)
    sink.note(event(1))
    sink.write(scene(0))
    sink.write(scene(1))
    sink.close()
    first, second = sorted(server.posted(), key=lambda one: "frame" in one["body"])
    assert first["path"] == "/hook/k%C3%A4se?token=S3cretly&a=b"
    assert first["login"] == "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert first["type"] == "application/json"
    body = first["body"]
    assert (body["event"], body["number"], body["stream"]) == ("alert", 1, "door")
    frame = second["body"]
    assert (frame["frame"], frame["stream"]) == (0, "door") and frame["id"] != body["id"]
    assert [one["name"] for one in frame["classes"]] == ["sky", "tree", "car"]
    record = sink.record()
    assert record is not None and "S3cretly" not in json.dumps(record)
    assert (record["delivered"], record["refused"], record["lost"]) == (2, 0, 0)


def test_what_fails_is_tried_again_in_order(server: Server, make_sink, caplog) -> None:
    caplog.set_level("WARNING", logger="mgca")
    server.answer("503", "429", "200")
    sink = make_sink(server.url)
    for number in range(3):
        sink.note(event(number))
    server.wait(5)
    sink.close()
    assert [one["body"]["number"] for one in server.posted()] == [0, 0, 0, 1, 2]
    assert len({one["body"]["id"] for one in server.posted()}) == 3
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2 and "is away" in said[0] and "503" in said[0] and "again" in said[1]


def test_a_server_that_comes_late(server: Server, make_sink) -> None:
    sink = make_sink(server.url)
    started = time.monotonic()
    sink.note(event())
    sink.write(scene(0))
    assert time.monotonic() - started < 2
    server.answer("204")
    server.wait(1)
    sink.close()
    assert sink.record()["delivered"] == 1


def test_what_is_refused_is_counted_and_not_sent_again(server: Server, make_sink, caplog) -> None:
    caplog.set_level("WARNING", logger="mgca")
    server.answer("404", "403", "200")
    sink = make_sink(f"{server.url}/S3cretly")
    for number in range(3):
        sink.note(event(number))
    server.wait(3)
    with pytest.raises(MgcaError, match="messages 2 refused") as caught:
        sink.close()
    assert [one["body"]["number"] for one in server.posted()] == [0, 1, 2]
    assert sink.record()["refused"] == 2 and sink.record()["delivered"] == 1
    said = [record.getMessage() for record in caplog.records]
    assert "does not want what is sent (404 Not Found)" in said[0]
    assert "S3cretly" not in str(caught.value) + "".join(said)


def test_redirects_are_not_followed(server: Server, make_sink, tmp_path: Path) -> None:
    with started_processes() as start:
        other = Server(start, tmp_path / "other.jsonl")
        other.answer("200")
        server.answer(f"307:{other.url}/")
        sink = make_sink(server.url)
        sink.note(event())
        server.wait(1)
        with pytest.raises(MgcaError, match=r"307 .*redirects are not followed"):
            sink.close()
        assert other.posted() == [] and len(server.posted()) == 1


@pytest.mark.parametrize("answer", ["silent", "drip"])
def test_a_server_that_does_not_end_its_answer(
    answer: str, server: Server, make_sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "REQUEST_S", 0.3)
    server.answer(answer, "200")
    sink = make_sink(server.url)
    sink.note(event())
    server.wait(2)  # it was let go, and tried again
    sink.close()
    assert sink.record()["delivered"] == 1


def test_a_silent_server_delays_no_end(
    server: Server, make_sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier, "LAST_WORDS_S", 0.3)
    server.answer("silent")
    sink = make_sink(server.url)
    for number in range(3):
        sink.note(event(number))
    server.wait(1)
    started = time.monotonic()
    with pytest.raises(MgcaError, match="messages 3 given up"):
        sink.close()
    assert time.monotonic() - started < 3


def test_there_is_room_for_so_many(make_sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_EVENTS", 5)
    monkeypatch.setattr(carrier, "LAST_WORDS_S", 0.3)
    sink = make_sink(f"http://127.0.0.1:{free_port()}")
    for number in range(20):
        sink.note(event(number))
    with pytest.raises(MgcaError, match="messages 20 given up"):
        sink.close()


def test_letters_wait_in_order_and_of_frames_the_newest() -> None:
    box = mailbox.Mailbox()
    for number in range(3):
        box.put(mailbox.Letter(b"frame %d" % number, is_event=False))
        box.put(mailbox.Letter(b"event %d" % number, is_event=True))
    box.close()
    taken = [letter.body for letter in iter(box.take, None)]
    assert taken == [b"event 0", b"event 1", b"event 2", b"frame 2"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://host/", "expected http:// or https://"),
        ("file:///etc/passwd", "expected http:// or https://"),
        ("host/hook", "expected http:// or https://"),
        ("https://", "names no host"),
        ("http://me:S3cretly@host:0/", "names no host and port"),
        ("http://host/a\nX-Header: 1", "an address holds no blanks"),
        ("http://[::1", "is no address"),
    ],
)
def test_what_is_no_address(url: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        Webhook.from_options(Webhook.Options(webhook=url))
    assert says in str(caught.value) and "S3cretly" not in str(caught.value)


def test_every_needs_an_address() -> None:
    with pytest.raises(UserError, match="--webhook-every needs --webhook"):
        Webhook.from_options(Webhook.Options(webhook_every=1.0))


def test_from_the_command_line(
    run_here: Run, clip: Path, color_bundle: Path, server: Server
) -> None:
    server.answer("200", "500", "400")
    words = ("--classes", "sky,tree,car", "--background", "none")
    typed = ("--video", clip, "--bundle", color_bundle, *ENGINE, *words)
    typed = (*typed, "--webhook", f"{server.url}/S3cretly", "--webhook-every", "3600")
    done = run_here(*typed, "--report", "r.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert server.posted()[0]["body"]["frame"] == 0
    assert json.loads(Path("r.json").read_text())["outputs"]["webhook"]["delivered"] == 1
    done = run_here(*typed)
    assert done.returncode == 1 and "was never reached (500" in done.stderr.splitlines()[-1]
    done = run_here(*typed, "--jsonl", "a.jsonl")
    assert done.returncode == 1 and "messages 1 refused" in done.stderr.splitlines()[-1]
    assert "S3cretly" not in done.stderr + done.stdout
    assert len(Path("a.jsonl").read_text().splitlines()) == 12


def test_strict_ends_at_the_first_loss(server: Server, make_sink) -> None:
    server.answer("410")
    sink = make_sink(server.url)
    sink.attach(SimpleNamespace(strict=True))
    sink.write(scene(0))
    sink.note(event())
    until(lambda: sink._carrier.refused == 1, "it was not refused")
    with pytest.raises(MgcaError, match=r"messages 1 refused \(410 Gone\)"):
        sink.write(scene(1))
