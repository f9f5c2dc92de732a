"""How a scene with a sun is exposed. Versioned: a change of the pictures changes every score."""

from __future__ import annotations

EXPOSURES: dict[str, bool] = {"v1": False, "v2": True}
"""Whether a version spares the brightest where a sun is in view. ``v1``: as the weather has it,
suns often burnt out into the sky around them. ``v2``: a sun's gain is lowered until white is not
cut off, as by a camera that meters for it.
"""


def spares_suns(exposure: str) -> bool:
    """Whether scenes with a sun are exposed for it.

    Raises:
        ValueError: there is no such version.
    """
    if exposure not in EXPOSURES:
        raise ValueError(
            f"exposure {exposure!r} does not exist; expected one of {', '.join(EXPOSURES)}"
        )
    return EXPOSURES[exposure]
