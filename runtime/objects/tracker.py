"""Which thing of this frame was which of the frame before: tracks with numbers that stay.

A documented matcher of boxes rather than a library: those that are kept well need PyTorch or SciPy,
which a device need not have. The parts are well known: a constant velocity predicts each box
(as SORT does; Bewley et al. 2016), and boxes are matched with a margin around them that grows from
round to round (C-BIoU; Yang et al. 2023). Labels bring two cases that boxes of a detector do not:

- What stands in front splits a thing: regions that lie in the place of a thing that was whole are
  parts of it.
- Two of one class become one region: it has the number of the one that fits best, and the other is
  remembered and moves on in it, until both are apart again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runtime.objects.matching import PART_MARGIN, find_merged, find_parts, match_boxes
from runtime.objects.things import Thing, find_things, join_things

if TYPE_CHECKING:
    import numpy as np

    from runtime.segment.result import Result

#: How long a thing may be hidden and keep its number, in seconds; and within another of its class.
HIDDEN_S = 1.0
MERGED_S = 5.0
#: How much of a newly seen step goes into the velocity.
NEWNESS = 0.3
#: A box grows at once, and shrinks with this time constant in seconds: most things that shrink
#: quickly are about to be hidden.
SHRINK_S = 0.6
#: The widest gap between parts at which the whole may grow by them, as a share of its side.
GAP = 0.1
#: A region is two things where the smaller has this share of it; less is a lost piece of its own.
COMPARABLE = 0.2
#: The most tracks of a class; those seen last stay.
MOST_TRACKS = 300

Box = tuple[float, float, float, float]

__all__ = ["HIDDEN_S", "TrackedObject", "Tracker"]


@dataclass(frozen=True)
class TrackedObject:
    """A thing with its number.

    Attributes:
        id: the thing's number, from 1; never given twice by one tracker.
        thing: where it is in this frame, all parts of it together.
        parts: the connected parts, the one that was matched first.
        first_seen_s: when it was seen first, on the clock of the frames.
    """

    id: int
    thing: Thing
    parts: tuple[Thing, ...]
    first_seen_s: float


@dataclass(frozen=True)
class _Track:
    """What is remembered of an object: its whole box (left, top, right, bottom) at ``at_s``."""

    id: int
    class_name: str
    first_seen_s: float
    seen_s: float
    at_s: float
    box: Box
    velocity_xy: tuple[float, float] = (0.0, 0.0)

    def predict(self, time_s: float) -> Box:
        passed_s = time_s - self.at_s
        x, y = self.velocity_xy[0] * passed_s, self.velocity_xy[1] * passed_s
        left, top, right, bottom = self.box
        return (left + x, top + y, right + x, bottom + y)


class Tracker:
    """Gives the things of one stream numbers that stay.

    >>> tracker = Tracker()
    >>> car = Thing("car", (0, 0, 10, 10), 0.1, (4.5, 4.5))
    >>> moved = Thing("car", (4, 0, 10, 10), 0.1, (8.5, 4.5))
    >>> [one.id for one in tracker.update([car], 0.0) + tracker.update([moved], 0.1)]
    [1, 1]
    """

    def __init__(self, hidden_s: float = HIDDEN_S) -> None:
        self.hidden_s = hidden_s
        self._tracks: list[_Track] = []
        self._next_id = 1
        self._time_s: float | None = None

    def follow(self, result: Result, time_s: float) -> tuple[TrackedObject, ...]:
        """The objects of the next segmented frame, the largest first."""
        return tuple(self.update(find_things(result.labels, result.class_names), time_s))

    def update(self, things: Sequence[Thing], time_s: float) -> list[TrackedObject]:
        """The objects of the next frame, the largest first.

        Args:
            things: of :func:`~runtime.objects.things.find_things`.
            time_s: when the frame was taken. A clock that goes back begins anew.
        """
        if self._time_s is not None and time_s < self._time_s:
            self._tracks.clear()
        self._time_s = time_s
        before, self._tracks = self._tracks, []
        names = [one.class_name for one in things] + [one.class_name for one in before]
        objects: list[TrackedObject] = []
        for name in dict.fromkeys(names):
            own = [one for one in things if one.class_name == name]
            objects += self._update_class(own, [t for t in before if t.class_name == name], time_s)
        return sorted(objects, key=lambda one: -one.thing.area)

    def _update_class(
        self, things: list[Thing], tracks: list[_Track], time_s: float
    ) -> list[TrackedObject]:
        """The objects of one class; what is known of them now is added to the tracks."""
        import numpy as np

        boxes = np.array([_corners(one) for one in things], np.float64).reshape(-1, 4)
        predicted = np.array([one.predict(time_s) for one in tracks], np.float64).reshape(-1, 4)
        pairs = match_boxes(boxes, predicted)
        whole_of = find_parts(boxes, predicted, pairs)
        host_of = find_merged(boxes, predicted, pairs)
        pieces = {
            number
            for number, host in host_of.items()
            if _area(predicted[number]) < COMPARABLE * _area(boxes[host])
        }
        hosts = {host for number, host in host_of.items() if number not in pieces}
        objects, seen = [], []
        for number, thing in enumerate(things):
            if number in whole_of:
                continue
            others = [part for part, whole in whole_of.items() if whole == number]
            parts = (thing, *(things[part] for part in others))
            if number not in pairs:
                track = self._begin(thing, time_s)
            elif number in hosts:
                carried = _carry(tracks[pairs[number]], boxes[number], time_s)
                track = replace(carried, seen_s=time_s)
            else:
                track = tracks[pairs[number]]
                track = _follow(track, _reach(boxes[[number, *others]], track, time_s), time_s)
            seen.append(track)
            objects.append(TrackedObject(track.id, join_things(parts), parts, track.first_seen_s))
        for number, host in host_of.items():
            if number not in pieces and time_s - tracks[number].seen_s <= MERGED_S:
                seen.append(_carry(tracks[number], boxes[host], time_s))
        left = set(range(len(tracks))) - set(pairs.values()) - set(host_of)
        hidden = [tracks[one] for one in sorted(left)]
        seen += [one for one in hidden if time_s - one.seen_s <= self.hidden_s]
        seen.sort(key=lambda one: -one.seen_s)
        self._tracks += seen[:MOST_TRACKS]
        return objects

    def _begin(self, thing: Thing, time_s: float) -> _Track:
        track = _Track(self._next_id, thing.class_name, time_s, time_s, time_s, _corners(thing))
        self._next_id += 1
        return track


def _corners(thing: Thing) -> Box:
    left, top, width, height = thing.box_xywh
    return (float(left), float(top), float(left + width), float(top + height))


def _reach(boxes: np.ndarray, track: _Track, time_s: float) -> Box:
    """The box of what was matched, first of (N, 4), and of its parts as far as it was before."""
    left, top, right, bottom = track.predict(time_s)
    parts = boxes.copy()
    for part in parts[1:]:
        # A wide gap may be that between two that part: there the place does not grow.
        apart = (part[:2] - boxes[0, 2:]).clip(boxes[0, :2] - part[2:]).clip(0)
        narrow = apart[0] <= GAP * (right - left) and apart[1] <= GAP * (bottom - top)
        x, y = (
            (PART_MARGIN * (right - left), PART_MARGIN * (bottom - top)) if narrow else (0.0, 0.0)
        )
        part[:2] = part[:2].clip((left - x, top - y))
        part[2:] = part[2:].clip(max=(right + x, bottom + y))
    low, high = parts[:, :2].min(axis=0), parts[:, 2:].max(axis=0)
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _follow(track: _Track, box: Box, time_s: float) -> _Track:
    """The track with what was seen of it now: its sides go out at once, and in slowly."""
    passed_s = time_s - track.at_s
    kept = math.exp(-passed_s / SHRINK_S)
    expected = track.predict(time_s)
    held = [seen + kept * (old - seen) for seen, old in zip(box, expected, strict=True)]
    whole = (
        min(box[0], held[0]),
        min(box[1], held[1]),
        max(box[2], held[2]),
        max(box[3], held[3]),
    )
    velocity = track.velocity_xy
    if passed_s > 0:
        steps = [
            (whole[axis] + whole[axis + 2] - track.box[axis] - track.box[axis + 2]) / 2 / passed_s
            for axis in (0, 1)
        ]
        x, y = (old + NEWNESS * (new - old) for old, new in zip(velocity, steps, strict=True))
        velocity = (x, y)
    return replace(track, box=whole, velocity_xy=velocity, at_s=time_s, seen_s=time_s)


def _carry(track: _Track, host: np.ndarray, time_s: float) -> _Track:
    """The track moved on within a region, a box (4,), that it shares with another."""
    left, top, right, bottom = track.predict(time_s)
    x = _push(left, right, float(host[0]), float(host[2]))
    y = _push(top, bottom, float(host[1]), float(host[3]))
    return replace(track, box=(left + x, top + y, right + x, bottom + y), at_s=time_s)


def _push(low: float, high: float, least: float, most: float) -> float:
    """How far a span must go for one of it and another to lie within the other."""
    shifts = sorted((least - low, most - high))
    return min(max(0.0, shifts[0]), shifts[1])


def _area(box: np.ndarray) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))
