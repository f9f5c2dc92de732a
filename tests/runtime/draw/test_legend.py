"""The legend: order, size, what is cut and left out, and that it can be read."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from runtime.draw.legend import draw_legend
from runtime.draw.palette import palette

CAMVID = "sky,building,pole,road,pavement,tree,sign,fence,car,person,bicyclist".split(",")
LONG = [f"a class with a long name, the one of number {index}" for index in range(200)]
BOX_LEVEL = 42  # a third of 128


def draw(size_wh: tuple[int, int], names: list[str], areas: dict[str, float]) -> np.ndarray:
    drawn = np.full((size_wh[1], size_wh[0], 3), 128, np.uint8)
    draw_legend(drawn, names, areas)
    return drawn


def find(drawn: np.ndarray, label: int) -> tuple[int, int] | None:
    """Column and row of the upper left corner of a label's color; None where it is not."""
    ys, xs = np.nonzero((drawn == palette()[label]).all(axis=2))
    return (int(xs.min()), int(ys.min())) if len(xs) > 20 else None


def covered(drawn: np.ndarray) -> float:
    """The share of the frame that the box takes."""
    ys, xs = np.nonzero((drawn != 128).any(axis=2))
    return (ys.max() + 1) * (xs.max() + 1) / drawn[..., 0].size if len(ys) else 0.0


def test_it_names_what_is_there_in_the_order_of_the_classes() -> None:
    areas = {"sky": 0.0, "Straße 東京": 0.4, "car": 0.6}
    drawn = draw((640, 360), list(areas), areas)
    assert find(drawn, 0) is None
    first, second = find(drawn, 1), find(drawn, 2)
    assert first is not None and second is not None
    assert first[0] == second[0] and first[1] < second[1] < 40


def test_nothing_moves_when_areas_change() -> None:
    rising = {name: 0.01 * (index + 1) for index, name in enumerate(CAMVID)}
    falling = dict(zip(CAMVID, reversed(rising.values()), strict=True))
    one, other = (draw((640, 360), CAMVID, areas) for areas in (rising, falling))
    places = [find(one, label) for label in range(11)]
    assert places == [find(other, label) for label in range(11)]
    assert None not in places and places == sorted(places)


@pytest.mark.parametrize("names", [CAMVID, CAMVID[:1], LONG], ids=["camvid", "one", "200 long"])
@pytest.mark.parametrize(
    "size_wh",
    [(1, 1), (7, 300), (300, 7), (64, 48), (128, 96), (320, 240), (480, 360), (360, 640),
     (640, 360), (1920, 1080), (3840, 2160), (4000, 60)],
)  # fmt: skip
def test_it_covers_a_quarter_at_most(size_wh: tuple[int, int], names: list[str]) -> None:
    drawn = draw(size_wh, names, dict.fromkeys(names, 1 / len(names)))
    assert covered(drawn) <= 0.25
    if min(size_wh) >= 96:
        assert covered(drawn) > 0


@pytest.mark.parametrize(
    "size_wh", [(640, 360), (320, 240), pytest.param((1920, 1080), marks=pytest.mark.slow)]
)
def test_the_smallest_are_left_out_and_counted(size_wh, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    put_text = cv2.putText

    def note(frame_bgr: np.ndarray, text: str, *rest: object) -> object:
        written.append(text)
        return put_text(frame_bgr, text, *rest)

    monkeypatch.setattr(cv2, "putText", note)
    areas = {name: (index % 7 + 1) / 1000 for index, name in enumerate(LONG)}
    drawn = draw(size_wh, LONG, areas)
    shown = [label for label in range(200) if find(drawn, label)]
    assert 5 < len(shown) < 150
    assert min(areas[LONG[label]] for label in shown) >= max(
        areas[name] for label, name in enumerate(LONG) if label not in shown
    )
    assert written[-1] == f"+{200 - len(shown)}" and len(written) == len(shown) + 1
    assert all(".. " in text and text.endswith("%") for text in written[:-1])


def test_one_place_takes_the_largest() -> None:
    drawn = draw((128, 96), ["sky", "car"], {"sky": 0.2, "car": 0.8})
    assert find(drawn, 1) is not None


@pytest.mark.parametrize(("size_wh", "areas"), [((40, 30), {"a": 1.0}), ((640, 360), {"a": 0.0})])
def test_where_nothing_can_be_read_nothing_is_drawn(size_wh, areas) -> None:
    assert (draw(size_wh, ["a"], areas) == 128).all()


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size_wh", [(320, 240), (640, 360), (1920, 1080)])
def test_letters_can_be_read(size_wh: tuple[int, int], level: int) -> None:
    """White on the box has a contrast of 7 (WCAG 2.2, level AAA), capitals are 8 pixels high."""
    drawn = np.full((size_wh[1], size_wh[0], 3), level, np.uint8)
    draw_legend(drawn, ["HHHH"], {"HHHH": 1.0})
    line = max(16, size_wh[1] * 40 // 1285)
    text = drawn[: round(1.5 * line), round(1.4 * line) : 4 * line].max(axis=2)
    box = int(drawn[1, 1].max())
    luminance = box / 255 / 12.92 if box <= 10 else ((box / 255 + 0.055) / 1.055) ** 2.4
    assert 1.05 / (luminance + 0.05) >= 7
    rows = np.flatnonzero((text > 200).any(axis=1))
    assert len(rows) >= 8
