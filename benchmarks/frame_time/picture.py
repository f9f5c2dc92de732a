"""The record as a picture: a bar a bundle, its numbers below, in SVG.

The picture has a ground of its own, light or dark as the reader's system prefers it, so that it
reads well wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

WIDTH = 900
_MARGIN, _BAR, _LIMIT, _ROW = 24, 34, 6, 22
_NAME_X, _COLUMNS_X = _MARGIN + 20, 210
_COLUMN = 333
# Columns that have room for shares of the machine's rate.
_MOST_RATES = 2
# Part to fill and the ink on it: Okabe and Ito's colors, which color-blind people tell apart.
COLORS = {
    "decode": ("#999999", "#000000"),
    "preprocess": ("#f0e442", "#000000"),
    "encoder": ("#0072b2", "#ffffff"),
    "decoder": ("#56b4e9", "#000000"),
    "units and scores": ("#e69f00", "#000000"),
    "postprocess": ("#009e73", "#000000"),
}
_STYLE = (
    "text{font-family:Helvetica,Arial,sans-serif;font-size:13px;fill:#22303c}"
    ".b{font-weight:bold}.n{text-anchor:end}.m{text-anchor:middle}"
    ".ground{fill:#ffffff}.limit{fill:#22303c}"
    "@media (prefers-color-scheme:dark){text{fill:#e6e9ec}.ground{fill:#1b1f24}"
    ".limit{fill:#e6e9ec}}"
)


def draw(record: Mapping[str, Any]) -> str:
    """The whole drawing as SVG text, of nothing but the record."""
    bundles, clock = record["bundles"], record["clock"]
    longest = max(one["total"][clock] for one in bundles)
    scale = (WIDTH - 2 * _MARGIN) / longest
    parts = [_text(_MARGIN, 30, _title(record), "b")]
    y = 44
    for one in bundles:
        parts += _bar(one, clock, scale, y)
        y += _BAR + _LIMIT + 46
    wall = clock == "cpu_ms" and record["machine"]["steady"]  # of a busy machine it says nothing
    parts += _table(bundles, clock, y + 14, wall)
    height = y + 14 + _ROW * (len(COLORS) + 2) + 6 + _ROW * bool(_foot(record))
    parts.append(_text(_MARGIN, height - 16, _foot(record)))
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="Where a frame\'s time goes">'
    )
    ground = f'<rect class="ground" width="{WIDTH}" height="{height}"/>'
    return "\n".join([opening, f"<style>{_STYLE}</style>", ground, *parts, "</svg>"]) + "\n"


def _title(record: Mapping[str, Any]) -> str:
    width, height = record["source_size_wh"]
    what = "Processor time" if record["clock"] == "cpu_ms" else "Time"
    count = record["threads"]
    threads = "one thread" if count == 1 else f"{count} threads"
    backends = ", ".join(dict.fromkeys(one["backend"] for one in record["bundles"]))
    return (
        f"{what} of a frame of {width}x{height}, file to labels: {backends}, {threads}, "
        f"{record['hardware']['cpu']}"
    )


def _foot(record: Mapping[str, Any]) -> str:
    if not any("products_at_fp32_rate_ms" in one for one in record["bundles"]):
        return ""
    rate = record["matrix_rate"]["fp32"]
    return (
        "Thin bar: all matrix products and convolutions at this machine's fp32 matrix rate, "
        f"{rate['gflops']:.0f} G operations/s"
    )


def _bar(one: Mapping[str, Any], clock: str, scale: float, y: float) -> Iterator[str]:
    """A bundle: its name, the stacked bar, and how short its products could be."""
    width, height = one["input_size_wh"]
    named = f"{one['name']}: {one['id']}, {one['precision']}, {width}x{height}"
    yield _text(_MARGIN, y + 16, named)
    yield _text(WIDTH - _MARGIN, y + 16, f"{one['total'][clock]:.1f} ms", "b n")
    x, top = float(_MARGIN), y + 24
    for part, times in one["parts"].items():
        wide = scale * times[clock]
        fill, ink = COLORS[part]
        yield _rectangle(x, top, wide, _BAR, f'fill="{fill}"')
        label = f"{times[clock]:.1f}"
        if wide > 8 * len(label) + 6:
            yield _text(x + wide / 2, top + 22, label, "b m", ink)
        x += wide
    if "products_at_fp32_rate_ms" in one:
        wide = scale * one["products_at_fp32_rate_ms"]
        yield _rectangle(_MARGIN, top + _BAR + 3, wide, _LIMIT, 'class="limit"')


def _table(bundles: Sequence[Mapping[str, Any]], clock: str, y: float, wall: bool) -> Iterator[str]:
    """A row a part with its color, a column a bundle; the last row adds up."""
    wide = min(_COLUMN, (WIDTH - _MARGIN - _COLUMNS_X) / len(bundles))
    for column, one in enumerate(bundles):
        yield _text(_COLUMNS_X + wide * (column + 1), y, one["name"], "b n")
    for row, (part, (fill, _)) in enumerate(COLORS.items()):
        base = y + _ROW * (row + 1)
        yield _rectangle(_MARGIN, base - 11, 13, 13, f'fill="{fill}"')
        yield _text(_NAME_X, base, part)
        for column, one in enumerate(bundles):
            cell = _cell(one, part, clock, len(bundles) <= _MOST_RATES)
            yield _text(_COLUMNS_X + wide * (column + 1), base, cell, "n")
    base = y + _ROW * (len(COLORS) + 1)
    yield _text(_NAME_X, base, "total", "b")
    for column, one in enumerate(bundles):
        total = one["total"]
        cell = f"{total[clock]:.1f} ms"
        if wall:
            cell += f" ({total['wall_ms']:.1f} on the clock)"
        yield _text(_COLUMNS_X + wide * (column + 1), base, cell, "b n")


def _cell(one: Mapping[str, Any], part: str, clock: str, rate: bool) -> str:
    taken = one["parts"][part][clock]
    cell = f"{taken:.1f} ms, {taken / one['total'][clock]:.1%}"
    reached = one.get("share_of_fp32_rate", {}).get(part)
    return f"{cell}, at {reached:.0%} of the fp32 rate" if rate and reached is not None else cell


def _text(x: float, y: float, line: str, style: str = "", ink: str | None = None) -> str:
    styled = f' class="{style}"' if style else ""
    # A style of its own wins over the sheet's; an attribute would not.
    inked = f' style="fill:{ink}"' if ink else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{styled}{inked}>{escape(line)}</text>'


def _rectangle(x: float, y: float, wide: float, tall: float, look: str) -> str:
    return f'<rect x="{x:.2f}" y="{y:.1f}" width="{wide:.2f}" height="{tall:g}" {look}/>'
