"""Published rows of ViT-B/16 (OpenAI's weights), as their authors give them; none measured here."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.protocols.registry import DATASETS

# Pictures that each whole set has. Pascal Context's list has one that some copies lack.
WHOLE = {
    "voc21": (1449,),
    "voc20": (1449,),
    "context60": (5104, 5105),
    "context59": (5104, 5105),
    "coco-object": (5000,),
    "coco-stuff": (5000,),
    "cityscapes": (500,),
    "ade20k": (2000,),
}
# The order that tables of the field have.
ORDER = (
    *("voc21", "context60", "coco-object"),
    *("voc20", "cityscapes", "context59", "ade20k", "coco-stuff"),
)
assert set(ORDER) == set(DATASETS)


@dataclass(frozen=True)
class PublishedRow:
    """What a method's authors, or others, report.

    Attributes:
        miou: percent, by set; sets that are not reported are missing.
        source: where the row stands.
        differs: what was set otherwise for it than the protocol ``sclip`` here does; empty: nothing
            that is known.
        mean: over the eight sets, where the source gives it alone.
    """

    miou: dict[str, float]
    source: str
    differs: str = ""
    mean: float | None = None


def _row(*values: float) -> dict[str, float]:
    return dict(zip(ORDER, values, strict=True))


PUBLISHED = {
    "maskclip": PublishedRow(
        _row(43.4, 23.2, 20.6, 74.9, 24.9, 26.4, 11.9, 16.7),
        "as the line after SCLIP reports it (ClearCLIP, Lan et al., ECCV 2024)",
        "whether with residual and MLP, as here, or without is not known",
    ),
    "clearclip": PublishedRow(
        _row(51.8, 32.6, 33.0, 80.9, 30.0, 35.9, 16.7, 23.9),
        "ClearCLIP (Lan et al., ECCV 2024)",
        "short side 448, windows of 448 with stride 224 (Cityscapes 224), scale 50, thresholds "
        "0.5, 0.15 and 0.4, one background word, plain 'person' and 'tvmonitor'",
    ),
    "sclip": PublishedRow(
        _row(59.63, 31.74, 33.52, 81.54, 32.34, 34.46, 16.45, 22.77),
        "SCLIP's repository (wangf3014/SCLIP, README at 5f69176), its default setup",
    ),
    "naclip": PublishedRow(
        _row(58.9, 32.2, 33.2, 79.7, 35.5, 35.2, 17.4, 23.3),
        "NACLIP (Hajimiri et al., WACV 2025), without refinement",
        "scale 40 everywhere, VOC as whole pictures, no area threshold, COCO-Stuff at 336",
    ),
    "sc-clip": PublishedRow(
        {},
        "SC-CLIP (Bai et al. 2024)",
        "scale 40, VOC21 50, Object 55; thresholds 0.15, 0.15 and 0.35; COCO-Stuff at 336",
        mean=43.9,
    ),
    "sfp": PublishedRow(
        {},
        "SFP (Jin et al., ICCV 2025): no row at hand",
        "scale 40, VOC21 50, Object 55; thresholds 0.15, 0.15 and 0.35; ADE20K at 384, COCO-Stuff "
        "at 336",
    ),
}
