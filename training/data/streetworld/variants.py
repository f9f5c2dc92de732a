"""The world's named variants: which kinds of scenes come how often, and how they are shown.

A variant is data: it holds for all seeds alike. Which variant a model learns from, and in what
order (a curriculum), is a recipe's choice.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS: dict[str, float] = {
    "drive": 0.28,
    "kerbside": 0.1,
    "beach": 0.06,
    "meadow": 0.07,
    "waterside": 0.06,
    "fenced": 0.03,
    "ground": 0.07,
    "crowd": 0.03,
    "anything": 0.09,
    "sky": 0.05,
    "close": 0.16,
}

# More pictures of one thing, as captioned photographs mostly are. Where one or two things are
# named, a caption says nearly what a mask would.
FIRST_KINDS: dict[str, float] = {
    "plain": 0.3,
    "close": 0.2,
    "ground": 0.08,
    "sky": 0.07,
    "drive": 0.12,
    "kerbside": 0.06,
    "beach": 0.03,
    "meadow": 0.03,
    "waterside": 0.03,
    "fenced": 0.02,
    "crowd": 0.02,
    "anything": 0.04,
}

# The world's own mixture, with crowded streets and still some single things.
LATER_KINDS: dict[str, float] = {
    "plain": 0.08,
    "close": 0.16,
    "ground": 0.06,
    "sky": 0.05,
    "drive": 0.2,
    "street": 0.14,
    "kerbside": 0.08,
    "beach": 0.05,
    "meadow": 0.05,
    "waterside": 0.04,
    "fenced": 0.02,
    "crowd": 0.03,
    "anything": 0.07,
}

LATE_KINDS: dict[str, float] = {
    **LATER_KINDS,
    **{"drive": 0.4, "kerbside": 0.15, "sky": 0.09, "crowd": 0.1, "waterside": 0.06},
    **{"street": 0.4, "town": 0.25, "highstreet": 0.35, "study": 0.22, "sunset": 0.07},
}

# For scenes that are seen in pieces: more ground that is no street, more single things, more of who
# and what is on a street.
TILE_KINDS: dict[str, float] = {
    **LATE_KINDS,
    **{"beach": 0.12, "meadow": 0.12, "ground": 0.12, "fenced": 0.04},
    **{"anything": 0.12, "close": 0.2, "crowd": 0.25, "street": 0.5},
}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What scenes of a variant are like.

    Attributes:
        kinds: how often each kind of scene comes (scenes/kinds.py), as relative weights.
        everything: whether captions leave out nothing that is visible. A noun that may claim
            whatever is unnamed takes it in the end, unless claims are evened out, which makes small
            things claim too much.
        lens_share: share of the scenes, 0 to 1, that are seen through a longer lens that points
            anywhere. Where captions name all of a whole street, what they say of one scene they say
            of the next; of a piece of it they say nearly what a mask would.
        lens_zooms: how many times longer that is, at least and at most.
        missing: probability that a kind of thing is gone from a street that moves; else all come
            together in all of them.
        tiles: whether nine scenes at a time, from every seed that is a multiple of nine on, are the
            tiles of one mosaic, row by row (scene.TILES_HW), each with captions of its own; the
            lens is a tile's, three times as long as the mosaic's.
        polished: share of the cars, 0 to 1, that are as a real street has them
            (objects/polished_car.py): rounded, mostly black or grey, as bright as the sky where
            they look up.
    """

    kinds: dict[str, float]
    everything: bool = False
    lens_share: float = 0.0
    lens_zooms: tuple[float, float] = (1.0, 1.0)
    missing: float = 0.0
    tiles: bool = False
    polished: float = 0.0


VARIANTS: dict[str, Variant] = {
    "evaluation": Variant(kinds=KINDS),
    "singles": Variant(kinds=FIRST_KINDS),
    "mixed": Variant(kinds=LATER_KINDS),
    "streets": Variant(
        kinds=LATE_KINDS, everything=True, lens_share=0.85, lens_zooms=(2.0, 4.5), missing=0.45
    ),
    "pieces": Variant(
        kinds=TILE_KINDS, everything=True, lens_share=1.0, lens_zooms=(2.2, 4.8), missing=0.45
    ),
    "tiles": Variant(
        kinds=TILE_KINDS,
        everything=True,
        lens_share=1.0,
        lens_zooms=(3.0, 4.8),
        missing=0.45,
        tiles=True,
        polished=0.5,
    ),
}
"""``evaluation``: what scores and clips are measured on. ``singles``: mostly one thing at a time.
``mixed``: whole scenes as they come. ``streets``: crowded streets, mostly through a long lens.
``pieces``: small pieces of scenes. ``tiles``: mosaics cut into nine scenes.
"""


def variant_named(name: str) -> Variant:
    """The variant of a name.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in VARIANTS:
        raise ValueError(f"variant {name!r} does not exist; expected one of {', '.join(VARIANTS)}")
    return VARIANTS[name]
