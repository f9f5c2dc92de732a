"""The page's WebSocket: states, events, and pictures only as fast as they are taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from runtime import Model
from tests.support.live_page import TOKEN, Serving, serve_streams
from tests.support.streams import wait_until

client = pytest.importorskip("websockets.sync.client")
exceptions = pytest.importorskip("websockets.exceptions")


@pytest.fixture(scope="module")
def serving(page_model: Model) -> Iterator[Serving]:
    with serve_streams(page_model, {"yard": "sky,tree,car"}, fps=40) as serving:
        yield serving


def connect(serving: Serving, **options: Any) -> Any:
    return client.connect(f"ws://127.0.0.1:{serving.port}/api/live", proxy=None, **options)


def say(socket: Any, **message: Any) -> None:
    socket.send(json.dumps(message))


def hear(socket: Any, kind: str) -> Any:
    """The next text of a kind."""
    while True:
        said = socket.recv(timeout=20)
        if isinstance(said, str) and kind in json.loads(said):
            return json.loads(said)[kind]


def pictures_until_states(socket: Any, count: int) -> list[tuple[dict[str, Any], bytes]]:
    """The pictures that come while so many states do, each half a second after the other."""
    found = []
    while count:
        said = socket.recv(timeout=20)
        if isinstance(said, str):
            count -= "streams" in json.loads(said)
            continue
        length = int.from_bytes(said[:2], "big")
        found.append((json.loads(said[2 : 2 + length]), said[2 + length :]))
    return found


@pytest.mark.slow
def test_no_more_than_two_pictures_are_on_their_way(serving: Serving) -> None:
    with connect(serving) as socket:
        say(socket, watch={"stream": "yard", "view": "masks"})
        first = pictures_until_states(socket, 3)
        assert len(first) == 2
        assert all(head == {"stream": "yard", "view": "masks"} for head, _ in first)
        assert all(jpeg.startswith(b"\xff\xd8") for _, jpeg in first)
        say(socket, ready="yard")
        assert len(pictures_until_states(socket, 2)) == 1
        for _ in range(100):  # what is said too often adds no room
            say(socket, ready="yard")
        assert 2 <= len(pictures_until_states(socket, 2)) <= 102
        say(socket, leave="yard")
        hear(socket, "streams")
        assert pictures_until_states(socket, 1) == []


def test_states_and_events_come_by_themselves(serving: Serving) -> None:
    with connect(serving) as socket:
        [state] = hear(socket, "streams")
        assert (state["name"], state["source"]["state"]) == ("yard", "running")
        serving.streams["yard"].tell("alert", "person in yard", zone="yard")
        event = hear(socket, "event")
        assert (event["stream"], event["event"], event["facts"]) == (
            "yard", "alert", {"zone": "yard"}
        )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"stream": "attic"}, "no stream is called 'attic'"),
        ({"stream": "yard", "view": "x"}, "view 'x' is unknown"),
        ({"stream": "yard", "view": "similarity", "word": "bus"}, "'bus' is not asked for"),
        ({"stream": "yard", "width": -5}, "width"),
        ({"stream": "yard", "width": 1e999}, "width"),
    ],
)
def test_what_cannot_be_watched_is_told(serving: Serving, asked: Any, says: str) -> None:
    with connect(serving) as socket:
        say(socket, watch=asked)
        assert says in hear(socket, "refused")


@pytest.mark.parametrize(
    "message",
    ["", "no json", "[]", "7", '{"watch": 7}', '{"watch": {}}', '{"watch": {"stream": "yard", '
     '"width": "x"}}', '{"ready": []}',
     '{"watch": {"stream": "yard", "width": 1' + "0" * 400 + "}}", b"\x00", "[" * 4000, "x" * 5000],
    ids=range(12),
)  # fmt: skip
def test_what_cannot_be_understood_ends_the_connection_alone(
    serving: Serving, message: str | bytes
) -> None:
    with connect(serving) as socket:
        socket.send(message)
        with pytest.raises(exceptions.ConnectionClosed):
            for _ in range(50):
                socket.recv(timeout=20)
    with connect(serving) as socket:
        assert hear(socket, "streams")


def test_another_site_and_who_has_no_token_hear_nothing(page_model: Model) -> None:
    with serve_streams(page_model, {"yard": "sky"}, token=TOKEN) as serving:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        with connect(serving, additional_headers=bearer) as socket:
            assert hear(socket, "streams")
        for options in ({}, {"additional_headers": bearer, "origin": "http://evil.example"}):
            with pytest.raises(exceptions.InvalidStatus, match="403"):
                connect(serving, **options)


def test_viewers_are_counted_and_let_go(serving: Serving) -> None:
    from runtime.serve.server import _shared

    [shared] = [one for one in _shared.values() if one.server.port == serving.port]
    viewers = shared.server.board.viewers
    with connect(serving) as one, connect(serving) as other:
        for socket in (one, other):
            say(socket, watch={"stream": "yard"})
        wait_until(lambda: viewers.count() == 2)
    wait_until(lambda: viewers.count() == 0)
    assert shared.server.board.tiles[0].painter._wanted == frozenset()
