"""Draws method.svg, the picture in docs/method.md: ``python docs/figures/draw_method.py``."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from html import escape
from pathlib import Path

PICTURE = Path(__file__).with_name("method.svg")
SIZE_WH = (1060, 640)
INK = "#22303c"
FROZEN, TRAINED, DATA, LOSS, BAND = "#dbe7f3", "#fbdcb5", "#ffffff", "#f6d0d4", "#f7f8f9"


@dataclass(frozen=True)
class Box:
    """A labelled rectangle: its upper left corner, its size (pixels), its lines and its color."""

    x: int
    y: int
    w: int
    h: int
    lines: tuple[str, ...]
    fill: str

    @property
    def left(self) -> tuple[int, int]:
        """The middle of the left edge."""
        return self.x, self.y + self.h // 2

    @property
    def right(self) -> tuple[int, int]:
        """The middle of the right edge."""
        return self.x + self.w, self.y + self.h // 2

    @property
    def top(self) -> tuple[int, int]:
        """The middle of the upper edge."""
        return self.x + self.w // 2, self.y

    @property
    def bottom(self) -> tuple[int, int]:
        """The middle of the lower edge."""
        return self.x + self.w // 2, self.y + self.h

    def svg(self) -> str:
        """The rectangle and its lines; the first line is bold."""
        middle = self.y + self.h / 2 - 8.5 * (len(self.lines) - 1) + 4.5
        drawn = [
            f'<rect x="{self.x}" y="{self.y}" width="{self.w}" height="{self.h}" rx="7" '
            f'fill="{self.fill}" stroke="{INK}"/>'
        ]
        for number, line in enumerate(self.lines):
            style = "b" if number == 0 else "s"
            at_y = middle + 17 * number
            drawn.append(label(self.x + self.w / 2, at_y, line, style))
        return "\n".join(drawn)


def label(x: float, y: float, text: str, style: str, anchor: str = "middle") -> str:
    """One line of text; ``style`` is b (bold), s (small) or h (a heading)."""
    return f'<text class="{style}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def arrow(*points: tuple[int, int]) -> str:
    """A line through the points, with a head at its end."""
    path = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{INK}" marker-end="url(#head)"/>'


def band(y: int, h: int, heading: str) -> str:
    """A pale strip over the whole width, with a heading."""
    width = SIZE_WH[0] - 20
    strip = f'<rect x="10" y="{y}" width="{width}" height="{h}" rx="10" fill="{BAND}"/>'
    return strip + "\n" + label(24, y + 24, heading, "h", "start")


def training() -> list[str]:
    """The upper half: images and captions in, three losses out."""
    image = Box(30, 60, 110, 54, ("image", "x_i"), DATA)
    caption = Box(30, 250, 110, 54, ("caption", "c_j"), DATA)
    encoder = Box(180, 60, 150, 54, ("image encoder E_v", "CLIP, frozen"), FROZEN)
    text = Box(180, 250, 150, 54, ("text encoder E_t", "CLIP, frozen"), FROZEN)
    dense = Box(370, 60, 150, 54, ("dense features", "a vector a patch"), DATA)
    decoder = Box(370, 155, 150, 54, ("decoder D_v", "the part that is trained"), TRAINED)
    pixels = Box(570, 155, 150, 54, ("pixel embeddings", "V_i, unit length"), DATA)
    sentence = Box(570, 250, 150, 54, ("text embedding", "t_j, unit length"), DATA)
    match = Box(770, 190, 110, 84, ("similarity", "S_ij = V_i t_j", "a map a pair"), DATA)
    grains = [
        Box(915, y, 122, 66, lines, LOSS)
        for y, lines in (
            (90, ("object", "mask pools pixels,", "InfoNCE with t")),
            (199, ("region", "seeds grow by", "affinity, InfoNCE")),
            (308, ("pixel", "sampled pixels,", "InfoNCE each")),
        )
    ]
    boxes = [image, caption, encoder, text, dense, decoder, pixels, sentence, match, *grains]
    turn = 900
    arrows = [
        arrow(image.right, encoder.left),
        arrow(encoder.right, dense.left),
        arrow(dense.bottom, decoder.top),
        arrow((85, 114), (85, 182), decoder.left),
        arrow(decoder.right, pixels.left),
        arrow(caption.right, text.left),
        arrow(text.right, sentence.left),
        arrow(pixels.right, (745, 182), (745, 215), (770, 215)),
        arrow(sentence.right, (745, 277), (745, 250), (770, 250)),
        arrow((880, 220), (turn, 220), (turn, grains[0].left[1]), grains[0].left),
        arrow(match.right, grains[1].left),
        arrow((880, 245), (turn, 245), (turn, grains[2].left[1]), grains[2].left),
    ]
    notes = [
        label(95, 200, "the image itself: where edges are", "s", "start"),
        label(30, 352, "hard negatives: other images' captions, regions and pixels", "s", "start"),
        label(30, 371, "that score highest, and the lowest of the same image", "s", "start"),
    ]
    return [
        band(10, 380, "Training: captions only, no masks"),
        *arrows,
        *(b.svg() for b in boxes),
        *notes,
    ]


def inference() -> list[str]:
    """The lower half: pixel embeddings gather into units, which meet the words."""
    pixels = Box(30, 470, 130, 54, ("pixel embeddings", "of one frame"), DATA)
    seeds = Box(195, 470, 130, 54, ("seeds", "one or two a cell"), DATA)
    gather = Box(360, 470, 150, 54, ("soft k-means", "embedding, color, place"), DATA)
    merge = Box(545, 470, 130, 54, ("merge", "units that are alike"), DATA)
    scores = Box(710, 470, 140, 54, ("unit scores", "each unit, each word"), DATA)
    labels = Box(885, 470, 150, 54, ("labels", "argmax at each pixel"), DATA)
    words = Box(500, 560, 110, 44, ("class names",), DATA)
    text = Box(650, 555, 130, 54, ("text encoder E_t", "frozen"), FROZEN)
    row = [pixels, seeds, gather, merge, scores, labels]
    arrows = [arrow(one.right, other.left) for one, other in itertools.pairwise(row)]
    arrows += [
        arrow(words.right, text.left),
        arrow(text.right, (scores.bottom[0] + 30, 582), (scores.bottom[0] + 30, 524)),
    ]
    return [
        band(405, 225, "Inference: adaptive semantic units, in the same exported graph"),
        *arrows,
        *(box.svg() for box in [*row, words, text]),
        label(30, 560, "The image decides how many units are left.", "s", "start"),
        label(30, 580, "Text is an input: other words need no other export.", "s", "start"),
    ]


def picture() -> str:
    """The whole drawing as SVG text."""
    width, height = SIZE_WH
    style = (
        "text{font-family:Helvetica,Arial,sans-serif;fill:" + INK + "}"
        ".h{font-size:16px;font-weight:bold}.b{font-size:14px;font-weight:bold}.s{font-size:12px}"
    )
    head = (
        '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{INK}"/></marker>'
    )
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="The method">'
    )
    parts = [
        opening,
        f"<style>{style}</style>",
        f"<defs>{head}</defs>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *training(),
        *inference(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
