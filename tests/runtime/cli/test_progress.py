"""How a run says how far it is where stderr is no terminal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from runtime.cli.progress import Progress


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def stand_in(name: str, *, live: bool, frames: int | None = None) -> Any:
    counted = SimpleNamespace(frames_processed=0, frames_dropped=0)
    source = SimpleNamespace(live=live, frame_count=frames, reconnects=0)
    return SimpleNamespace(
        name=name, source=source, statistics=counted, every=1, max_frames=None,
        is_over=lambda: False,
    )  # fmt: skip


@pytest.mark.parametrize("quiet", [False, True])
def test_a_line_every_ten_seconds_unless_quiet(quiet: bool, capsys) -> None:
    clock = Clock()
    streams = [stand_in("a", live=False, frames=300), stand_in("b", live=False, frames=200)]
    shown = Progress(streams, quiet=quiet, clock=clock)
    for _ in range(3):
        clock.now_s += 5.0
        shown.update(cast(Any, None))
        shown.beat()
    shown.close()
    assert capsys.readouterr().err == ("" if quiet else "mgca-rt: frames done: 2 of 500\n")


def test_live_streams_have_a_line_a_minute_also_while_no_frame_comes(capsys) -> None:
    clock = Clock()
    door, yard = stand_in("door", live=True), stand_in("yard", live=True)
    shown = Progress([door, yard], clock=clock)
    for second in range(125):
        clock.now_s += 1.0
        if second < 60:
            door.statistics.frames_processed += 10
            shown.update(door.statistics)
        shown.beat()
    assert capsys.readouterr().err.splitlines() == [
        "mgca-rt: door 10.0 frames/s, 600 done, 0 dropped, 0 reconnects; "
        "yard 0.0 frames/s, 0 done, 0 dropped, 0 reconnects",
        "mgca-rt: door 0.0 frames/s, 600 done, 0 dropped, 0 reconnects; "
        "yard 0.0 frames/s, 0 done, 0 dropped, 0 reconnects",
    ]
