"""What is kept of a stream's events for its report."""

from __future__ import annotations

from runtime.events import Event, EventHistory


def test_all_are_counted_and_the_last_are_kept() -> None:
    history = EventHistory(most=2)
    for number in range(3):
        history.add(Event("source-lost", "door", f"no {number}", {"reason": "x"}, at_s=number))
    history.add(Event("source-back", "door", "back", {"away_s": 2.0}, at_s=9.0))
    assert history.record() == {
        "counts": {"source-lost": 3, "source-back": 1},
        "last": [
            {"event": "source-lost", "stream": "door", "at_s": 2, "text": "no 2", "reason": "x"},
            {"event": "source-back", "stream": "door", "at_s": 9.0, "text": "back", "away_s": 2.0},
        ],
    }
