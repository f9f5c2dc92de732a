"""Sets of prompt templates by name, or out of a file: what a class name is put into.

A bundle has a set of its own, in which its vocabulary was embedded. Any other set is filled in and
encoded on the device (``--templates``), or given to the export.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from runtime.bundle import TemplateSet
from runtime.bundle.limits import PROMPTS
from runtime.errors import UserError

# The world's own captions speak like this; words met in other sentences would sit elsewhere in the
# space.
STREETWORLD = (
    "a photo of a {}",
    "a picture of a {}",
    "an image of the {}",
    "there is a {}",
    "a {}",
)

# Sentences as the world's captions are written, without an article
# (docs/experiments/008-sentences-around-a-name.md).
CAPTIONS = (
    "a scene with {}",
    "a picture with {}",
    "we see {}",
    "a photo of {}",
    "{}",
)

# The one of them that the shipped model is asked in
# (docs/experiments/010-a-gpu-and-a-deeper-tower.md).
SEEN = ("we see {}",)

# For a sentence encoder: a word by itself, and as captions of photographs have it.
WORDS = ("{}", "a {}", "a photo of a {}")

# Radford et al. 2021: the seven templates that did best on ImageNet.
OPENAI = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)

# The 80 that OpenAI published with CLIP for ImageNet (MIT license).
IMAGENET = (
    "a bad photo of a {}.",
    "a photo of many {}.",
    "a sculpture of a {}.",
    "a photo of the hard to see {}.",
    "a low resolution photo of the {}.",
    "a rendering of a {}.",
    "graffiti of a {}.",
    "a bad photo of the {}.",
    "a cropped photo of the {}.",
    "a tattoo of a {}.",
    "the embroidered {}.",
    "a photo of a hard to see {}.",
    "a bright photo of a {}.",
    "a photo of a clean {}.",
    "a photo of a dirty {}.",
    "a dark photo of the {}.",
    "a drawing of a {}.",
    "a photo of my {}.",
    "the plastic {}.",
    "a photo of the cool {}.",
    "a close-up photo of a {}.",
    "a black and white photo of the {}.",
    "a painting of the {}.",
    "a painting of a {}.",
    "a pixelated photo of the {}.",
    "a sculpture of the {}.",
    "a bright photo of the {}.",
    "a cropped photo of a {}.",
    "a plastic {}.",
    "a photo of the dirty {}.",
    "a jpeg corrupted photo of a {}.",
    "a blurry photo of the {}.",
    "a photo of the {}.",
    "a good photo of the {}.",
    "a rendering of the {}.",
    "a {} in a video game.",
    "a photo of one {}.",
    "a doodle of a {}.",
    "a close-up photo of the {}.",
    "a photo of a {}.",
    "the origami {}.",
    "the {} in a video game.",
    "a sketch of a {}.",
    "a doodle of the {}.",
    "a origami {}.",
    "a low resolution photo of a {}.",
    "the toy {}.",
    "a rendition of the {}.",
    "a photo of the clean {}.",
    "a photo of a large {}.",
    "a rendition of a {}.",
    "a photo of a nice {}.",
    "a photo of a weird {}.",
    "a blurry photo of a {}.",
    "a cartoon {}.",
    "art of a {}.",
    "a sketch of the {}.",
    "a embroidered {}.",
    "a pixelated photo of a {}.",
    "itap of the {}.",
    "a jpeg corrupted photo of the {}.",
    "a good photo of a {}.",
    "a plushie {}.",
    "a photo of the nice {}.",
    "a photo of the small {}.",
    "a photo of the weird {}.",
    "the cartoon {}.",
    "art of the {}.",
    "a drawing of the {}.",
    "a photo of the large {}.",
    "a black and white photo of a {}.",
    "the plushie {}.",
    "a dark photo of a {}.",
    "itap of a {}.",
    "graffiti of the {}.",
    "a toy {}.",
    "itap of my {}.",
    "a photo of a cool {}.",
    "a photo of a small {}.",
    "a tattoo of the {}.",
)

# TCL's (Cha et al., CVPR 2023): seven that OpenAI found best together, and two plurals. It takes
# the mean of the prompts' embeddings as the text encoder gives them.
TCL = (
    "itap of a {}.",
    "a bad photo of a {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
    "a photo of many {}.",
    "a photo of {}s.",
)

_SETS = {
    "streetworld": TemplateSet("streetworld", STREETWORLD),
    "captions": TemplateSet("captions", CAPTIONS),
    "both": TemplateSet("both", STREETWORLD + CAPTIONS),
    "seen": TemplateSet("seen", SEEN),
    "words": TemplateSet("words", WORDS),
    "openai": TemplateSet("openai", OPENAI),
    "imagenet": TemplateSet("imagenet", IMAGENET),
    "tcl": TemplateSet("tcl", TCL, mean_first=True),
}
TEMPLATE_SETS = tuple(_SETS)
#: What stands for the bundle's own set.
OWN = "bundle"
LARGEST_BYTES = 1 << 20

__all__ = ["OWN", "TEMPLATE_SETS", "read_templates", "template_set"]


def template_set(name: str) -> TemplateSet:
    """The set of a name among ``TEMPLATE_SETS``; KeyError for another."""
    return _SETS[name]


def read_templates(text: str) -> TemplateSet | None:
    """The set that ``--templates`` names.

    Args:
        text: ``bundle``, one of ``TEMPLATE_SETS``, or a UTF-8 file with a template a line, ``{}``
            in each for the class name; blank lines and ``# remarks`` are skipped.

    Returns:
        The set; None for the bundle's own.

    Raises:
        UserError: neither a name nor such a file.
    """
    if text == OWN:
        return None
    return _SETS[text] if text in _SETS else _read_file(text)


def _read_file(text: str) -> TemplateSet:
    path = Path(text).expanduser()
    names = ", ".join((OWN, *TEMPLATE_SETS))
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError:
        raise UserError(
            f"--templates {text}: neither a set nor a file that can be read; expected one of "
            f"{names}, or a file with a template a line"
        ) from None
    try:
        lines = [line.strip() for line in data.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise UserError(f"--templates {text} is not UTF-8; expected a template a line") from None
    prompts = tuple(line for line in lines if line and not line.startswith("#"))
    wrong = next((one for one in prompts if one.count("{}") != 1 or not one.isprintable()), None)
    if wrong is not None or not 0 < len(prompts) <= PROMPTS or len(data) > LARGEST_BYTES:
        found = f"{len(prompts)} lines" if wrong is None else f"the line {wrong[:60]!r}"
        raise UserError(
            f"--templates {text} holds {found}; expected 1 to {PROMPTS} templates, one a line, "
            "each with one {} for the class name"
        )
    digest = hashlib.sha256("\n".join(prompts).encode()).hexdigest()[:8]
    return TemplateSet(f"file:{path.name}-{digest}", prompts)
