"""The hand-over between threads."""

from __future__ import annotations

import threading
import time

import pytest

from runtime.stream.channel import Channel, Ended
from tests.support.streams import LONG_S, wait_for_end


def test_order_and_end() -> None:
    channel: Channel[int] = Channel(3)
    for value in (1, 2, 3):
        assert channel.put(value)
    channel.end()
    assert [channel.get(LONG_S), channel.get(LONG_S), channel.get(LONG_S)] == [1, 2, 3]
    with pytest.raises(Ended):
        channel.get(LONG_S)


def test_put_waits_for_room() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    sent = threading.Event()
    thread = threading.Thread(target=lambda: (channel.put(2), sent.set()), daemon=True)
    thread.start()
    assert not sent.wait(0.1)
    assert channel.get(LONG_S) == 1
    assert sent.wait(20)
    wait_for_end(thread)


def test_put_newest_takes_the_place_of_what_waits() -> None:
    channel: Channel[int] = Channel(2)
    assert [channel.put_newest(value) for value in range(4)] == [0, 1, 1, 1]
    assert channel.get(LONG_S) == 3 and channel.get(0.01) is None


def test_put_or_drop_lets_the_oldest_go() -> None:
    channel: Channel[int] = Channel(2)
    assert [channel.put_or_drop(value) for value in range(4)] == [[], [], [0], [1]]
    assert (channel.get(LONG_S), channel.get(LONG_S)) == (2, 3)
    channel.cancel()
    assert channel.put_or_drop(4) == [4]


def test_what_a_sender_can_know_without_waiting() -> None:
    channel: Channel[int] = Channel(2)
    assert channel.newest() is None and channel.has_room() and not channel.is_over()
    channel.put(1)
    channel.put(2)
    assert channel.newest() == 2 and not channel.has_room()
    channel.end()
    assert not channel.is_over() and (channel.get(LONG_S), channel.get(LONG_S)) == (1, 2)
    assert channel.is_over() and channel.newest() is None


def test_get_gives_up_after_its_time() -> None:
    channel: Channel[int] = Channel(1)
    started = time.monotonic()
    assert channel.get(0.05) is None
    assert time.monotonic() - started > 0.04


def test_cancel_frees_both_sides() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    answers: list[object] = []
    sender = threading.Thread(target=lambda: answers.append(channel.put(2)), daemon=True)
    sender.start()
    assert channel.cancel() == [1]
    wait_for_end(sender)
    assert answers == [False]
    with pytest.raises(Ended):
        channel.get(LONG_S)
