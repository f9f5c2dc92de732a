"""The protocol of SCLIP (Wang et al., ECCV 2024), which ClearCLIP, NACLIP and others build on.

Pictures at a short side of 336 (Cityscapes 560, COCO-Stuff 448), windows of 224 with stride 112,
the 80 templates of ImageNet. Cosines are averaged over the windows, enlarged, multiplied by a scale
and put through a softmax over all words; of a class's words the best counts. In the three sets with
a background, which words stand for too, a pixel whose best probability is under the threshold is
background. The constants are SCLIP's own; methods of this line differ in some. Where scores are
refined by PAMR, it is as NACLIP does: cosines, at the size of the labels, dilations 8 and 16.

The lists of words are NACLIP's (https://github.com/sinahmr/NACLIP, MIT license).
"""

from __future__ import annotations

from benchmarks.protocols.protocol import Protocol, Refinement
from benchmarks.scoring.pamr import NACLIP_DILATIONS

BEHIND = tuple(
    "sky, wall, tree, wood, grass, road, sea, river, mountain, sands, desk, bed, building, cloud, "
    "lamp, door, window, wardrobe, ceiling, shelf, curtain, stair, floor, hill, rail, "
    "fence".split(", ")
)
PERSON = (
    "person",
    *(f"person in {what}" for what in "shirt jeans dress sweater skirt jacket".split()),
)
_VOC = {
    "boat": ("ship",),
    "diningtable": ("table",),
    "person": PERSON,
    "tvmonitor": ("television monitor", "tv monitor", "monitor", "television", "screen"),
}
_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "voc21": {"background": BEHIND, **_VOC},
    "voc20": _VOC,
    "coco-object": {"background": BEHIND, "person": (*PERSON, "body")},
}
# Sets whose lists have the names without blanks: "trafficlight".
_JOINED = ("coco-stuff", "cityscapes", "ade20k")
_SHORT_SIDE = {"cityscapes": 560, "coco-stuff": 448}
_SCALE = {"voc21": 65.0, "context60": 50.0, "coco-object": 50.0}
_WITH_BACKGROUND = ("voc21", "context60", "coco-object")


def sclip(dataset: str, classes: tuple[str, ...]) -> Protocol:
    """The protocol on a set; ``classes`` are its own names."""
    names = [name.replace(" ", "") if dataset in _JOINED else name for name in classes]
    other = _WORDS.get(dataset, {})
    return Protocol(
        name="sclip",
        words=tuple(other.get(name, (name,)) for name in names),
        templates="imagenet",
        short_side=_SHORT_SIDE.get(dataset, 336),
        crop=224,
        stride=112,
        refinement=Refinement(NACLIP_DILATIONS, False),
        scale=_SCALE.get(dataset, 40.0),
        threshold=0.1 if dataset in _WITH_BACKGROUND else None,
        least_area=0.1 if dataset == "voc21" else None,
        position_resize="scale-factor",
    )
