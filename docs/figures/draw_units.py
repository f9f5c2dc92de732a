"""Draws units.svg, the picture in docs/method.md: ``python docs/figures/draw_units.py``."""

from __future__ import annotations

from html import escape
from pathlib import Path

PICTURE = Path(__file__).with_name("units.svg")
SIZE_WH = (1060, 310)
INK, LINE = "#22303c", "#9aa7b2"
SKY, WALL, POLE, ROAD = "#dbe7f3", "#f6d0d4", "#6b5b4b", "#dddddd"
NEAR = "#fbdcb5"
CELL, ROWS, COLUMNS = 48, 4, 6
TOP = 70
PANELS_X = (30, 386, 742)


def text(x: float, y: float, line: str, style: str = "s") -> str:
    """One line of text, from its left end; ``style`` is s (small) or b (bold)."""
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(line)}</text>'


def rectangle(x: float, y: float, w: float, h: float, fill: str, stroke: str = "none") -> str:
    """A rectangle; a ``fill`` of none leaves what is behind it."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" fill="{fill}" stroke="{stroke}"/>'
    )


def dot(x: float, y: float, radius: float, fill: str) -> str:
    """A small circle."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}" stroke="{INK}"/>'


def scene(x: int) -> list[str]:
    """Sky, a wall with a pole before it, a road: 6 x 4 cells from ``x`` on."""
    wide = COLUMNS * CELL
    return [
        rectangle(x, TOP, wide, 1.4 * CELL, SKY),
        rectangle(x, TOP + 1.4 * CELL, wide, 1.5 * CELL, WALL),
        rectangle(x, TOP + 2.9 * CELL, wide, 1.1 * CELL, ROAD),
        rectangle(x + 2.7 * CELL, TOP + 0.4 * CELL, 6, 2.7 * CELL, POLE),
    ]


def lines(x: int) -> list[str]:
    """The edges of the cells."""
    wide, tall = COLUMNS * CELL, ROWS * CELL
    drawn = [
        f'<path d="M{x},{TOP + row * CELL} h{wide}" stroke="{LINE}"/>' for row in range(ROWS + 1)
    ]
    drawn += [
        f'<path d="M{x + column * CELL},{TOP} v{tall}" stroke="{LINE}"/>'
        for column in range(COLUMNS + 1)
    ]
    return drawn


def seeds(x: int) -> list[str]:
    """The first panel: a seed in the middle of each cell, a second where something differs."""
    means = [
        dot(x + (column + 0.5) * CELL, TOP + (row + 0.5) * CELL, 4, "#ffffff")
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    odd = [dot(x + 2.7 * CELL + 3, TOP + (row + 0.75) * CELL, 4, POLE) for row in range(3)]
    return [
        text(x, 34, "1  Seeds", "b"),
        text(x, 54, "a mean a cell (white), and what differs from it most"),
        *scene(x),
        *lines(x),
        *means,
        *odd,
    ]


def neighbors(x: int) -> list[str]:
    """The second panel: the nine cells that one pixel looks at."""
    pixel_x, pixel_y = x + 3.3 * CELL, TOP + 1.7 * CELL
    around = [(row, column) for row in range(3) for column in range(2, 5)]
    centers = [(x + (c + 0.5) * CELL, TOP + (r + 0.5) * CELL) for r, c in around]
    rays = [
        f'<path d="M{pixel_x:g},{pixel_y:g} L{cx:g},{cy:g}" stroke="{INK}"/>' for cx, cy in centers
    ]
    return [
        text(x, 34, "2  Soft k-means, three rounds", "b"),
        text(x, 54, "a pixel sees the seeds of its own and eight cells"),
        *scene(x),
        f'<g opacity="0.75">{rectangle(x + 2 * CELL, TOP, 3 * CELL, 3 * CELL, NEAR)}</g>',
        *lines(x),
        *rays,
        *(dot(cx, cy, 4, "#ffffff") for cx, cy in centers),
        rectangle(pixel_x - 4, pixel_y - 4, 8, 8, INK),
    ]


def merged(x: int) -> list[str]:
    """The third panel: what says the same is one unit, however far apart."""
    names = (("sky", 0.8), ("building", 2.25), ("road", 3.55))
    return [
        text(x, 34, "3  Merging, over the whole image", "b"),
        text(x, 54, "alike units become one, however far apart"),
        *scene(x),
        rectangle(x, TOP, COLUMNS * CELL, ROWS * CELL, "none", INK),
        *(text(x + 12, TOP + row * CELL, name, "b") for name, row in names),
        text(x + 2.7 * CELL + 14, TOP + 2.25 * CELL, "pole", "b"),
    ]


def picture() -> str:
    """The whole drawing as SVG text."""
    width, height = SIZE_WH
    style = (
        "text{font-family:Helvetica,Arial,sans-serif;fill:" + INK + "}"
        ".b{font-size:15px;font-weight:bold}.s{font-size:12px}"
    )
    foot = TOP + ROWS * CELL + 30
    notes = (
        "24 cells here; 216 in the shipped model",
        "9 or 18 candidates, whatever the size of the image",
        "each unit meets the words; a pixel reads its units",
    )
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="Adaptive semantic units">'
    )
    parts = [
        opening,
        f"<style>{style}</style>",
        rectangle(0, 0, width, height, "#ffffff"),
        *seeds(PANELS_X[0]),
        *neighbors(PANELS_X[1]),
        *merged(PANELS_X[2]),
        *(text(x, foot, note) for x, note in zip(PANELS_X, notes, strict=True)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
