"""The protocol of TCL (Cha et al., CVPR 2023), which GroupViT, CoDe and CLIP-DINOiser share.

Pictures at a short side of 448, windows of 448 with stride 224, TCL's nine templates, the class
names of mmsegmentation, no synonyms. Where a set has a background, it is no word but a constant
beside the words' scores: 0.5, as TCL has it without refinement, and 0.4 with it. PAMR refines each
window's probabilities.

TCL's windows are padded where a picture is smaller; here such a window is stretched to its size.
"""

from __future__ import annotations

from benchmarks.protocols.protocol import Protocol, Refinement
from benchmarks.scoring.pamr import TCL_DILATIONS

BACKGROUND, REFINED_BACKGROUND = 0.5, 0.4


def tcl(dataset: str, classes: tuple[str, ...]) -> Protocol:
    """The protocol on a set; ``classes`` are its own names."""
    has_background = classes[0] == "background"
    words = tuple((name,) for name in classes)
    return Protocol(
        name="tcl",
        words=((), *words[1:]) if has_background else words,
        templates="tcl",
        short_side=448,
        crop=448,
        stride=224,
        refinement=Refinement(TCL_DILATIONS, True, REFINED_BACKGROUND),
        constant_background=BACKGROUND if has_background else None,
        position_resize="size",
    )
