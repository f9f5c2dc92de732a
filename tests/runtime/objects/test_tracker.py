"""Numbers that stay with things: while they move, cross, are hidden and are split."""

from __future__ import annotations

import numpy as np

from runtime.objects.things import Thing, find_things
from runtime.objects.tracker import HIDDEN_S, MERGED_S, TrackedObject, Tracker

FPS = 15
SIZE_WH = (160, 120)


def thing(left: int, top: int = 40, width: int = 20, height: int = 40, name: str = "car") -> Thing:
    area = width * height / (SIZE_WH[0] * SIZE_WH[1])
    center = (left + (width - 1) / 2, top + (height - 1) / 2)
    return Thing(name, (left, top, width, height), area, center)


def draw(boxes: list[tuple[int, int, int, int, int]]) -> np.ndarray:
    """Labels with boxes (label, left, top, width, height), later ones in front."""
    labels = np.full(SIZE_WH[::-1], 255, np.uint8)
    for label, left, top, width, height in boxes:
        labels[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = label
    return labels


def track(frames: list[np.ndarray], names: tuple[str, ...] = ("car",)) -> list[list[TrackedObject]]:
    tracker = Tracker()
    return [
        tracker.update(find_things(labels, names), index / FPS)
        for index, labels in enumerate(frames)
    ]


def ids(objects: list[TrackedObject], name: str = "car") -> list[int]:
    """The numbers of a class, from left to right."""
    own = [one for one in objects if one.thing.class_name == name]
    return [one.id for one in sorted(own, key=lambda one: one.thing.box_xywh[0])]


def test_a_thing_that_moves_keeps_its_number() -> None:
    seen = track([draw([(0, 2 * step, 40, 20, 40)]) for step in range(60)])
    assert [ids(one) for one in seen] == [[1]] * 60
    assert {one[0].first_seen_s for one in seen} == {0.0}


def test_a_small_thing_may_move_by_more_than_its_width() -> None:
    tracker = Tracker()
    for step in range(10):
        objects = tracker.update([thing(12 * step, width=8, height=8)], step / FPS)
        assert ids(objects) == [1]


def test_two_that_cross_keep_their_numbers() -> None:
    frames = [
        draw([(0, 3 * step, 40, 20, 40), (0, 140 - 3 * step, 44, 20, 50)]) for step in range(46)
    ]
    seen = track(frames)
    first, last = ids(seen[0]), ids(seen[-1])
    assert len(set(first)) == 2 and last == first[::-1]
    merged = [one for one in seen if len(one) == 1]
    assert merged and all(one[0].id in first for one in merged)
    assert {one.id for objects in seen for one in objects} == set(first)


def test_one_that_is_hidden_for_a_second_at_most_comes_back_with_its_number() -> None:
    for hidden, same in ((round(FPS * HIDDEN_S) - 1, True), (round(FPS * HIDDEN_S) + 1, False)):
        tracker = Tracker()
        for step in range(20 + hidden + 5):
            shown = [] if 20 <= step < 20 + hidden else [thing(2 * step)]
            objects = tracker.update(shown, step / FPS)
        assert (ids(objects) == [1]) == same


def test_a_pole_in_front_makes_two_parts_of_one() -> None:
    pole = (1, 78, 0, 5, 120)
    frames = [draw([(0, 2 * step, 40, 40, 40), pole]) for step in range(60)]
    seen = track(frames, ("car", "pole"))
    assert [ids(one) for one in seen] == [[1]] * 60
    split = [one for objects in seen for one in objects if len(one.parts) == 2]
    assert len(split) >= 10
    for one in split:
        assert one.thing.box_xywh[2] == 40 and one.thing.area < 40 * 40 / 160 / 120


def test_two_beside_each_other_from_the_start_are_two() -> None:
    frames = [draw([(0, 20 + step, 40, 20, 40), (0, 43 + step, 40, 20, 40)]) for step in range(30)]
    seen = track(frames)
    assert len(set(map(tuple, map(ids, seen)))) == 1 and len(ids(seen[0])) == 2


def test_one_that_parts_from_another_for_good_becomes_one_of_its_own() -> None:
    frames = [draw([(0, 40 - step, 40, 20, 40), (0, 55 + step, 40, 20, 40)]) for step in range(30)]
    seen = track(frames)
    assert len(ids(seen[0])) == 1 and len(set(ids(seen[-1]))) == 2


def test_who_is_within_another_for_too_long_is_forgotten() -> None:
    for seconds, same in ((MERGED_S - 1, True), (MERGED_S + 2, False)):
        tracker = Tracker()
        apart = [thing(20), thing(70)]
        for step in range(10):
            before = ids(tracker.update(apart, step / FPS))
        for step in range(10, 10 + round(seconds * FPS)):
            tracker.update([thing(20, width=70)], step / FPS)
        after = ids(tracker.update(apart, (10 + round(seconds * FPS)) / FPS))
        assert (after == before) == same


def test_classes_are_apart() -> None:
    tracker = Tracker()
    tracker.update([thing(20)], 0.0)
    [bus] = tracker.update([thing(20, name="bus")], 0.1)
    [car] = tracker.update([thing(20)], 0.2)
    assert (car.id, bus.id) == (1, 2)


def test_a_clock_that_goes_back_begins_anew() -> None:
    tracker = Tracker()
    tracker.update([thing(20)], 10.0)
    [again] = tracker.update([thing(20)], 9.0)
    assert (again.id, again.first_seen_s) == (2, 9.0)
    [still] = tracker.update([thing(20)], 9.0)  # two frames of one time
    assert still.id == 2


def test_many_objects_each_keep_their_own() -> None:
    tracker = Tracker()
    rng = np.random.default_rng(0)
    places = [(x, y) for x in range(0, 1000, 100) for y in range(0, 1000, 100)]
    steps = rng.integers(-3, 4, (len(places), 2))
    before: list[int] = []
    for step in range(10):
        things = [
            thing(x + int(dx) * step, y + int(dy) * step, 30, 30)
            for (x, y), (dx, dy) in zip(places, steps, strict=True)
        ]
        objects = tracker.update(things, step / FPS)
        by_place = {one.thing.box_xywh: one.id for one in objects}
        now = [by_place[one.box_xywh] for one in things]
        if step:
            assert now == before
        before = now
    assert len(set(before)) == 100


def test_noise_does_not_pile_up() -> None:
    tracker = Tracker()
    rng = np.random.default_rng(0)
    for step in range(40):
        places = rng.integers(0, 5000, (100, 2))
        tracker.update([thing(int(x), int(y), 5, 5) for x, y in places], step / FPS)
    assert len(tracker._tracks) <= 300
