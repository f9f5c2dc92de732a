"""Names that settings had before, so that old checkpoints and configuration files are still read.

This is the only place that knows them. On the command line an old name is an error that gives the
new one.
"""

from __future__ import annotations

from typing import Any

RENAMED: dict[str, str] = {
    "pretrain.tilings": "pretrain.tile_mixing",
    "pretrain.frame_tiles": "pretrain.mosaic",
    "pretrain.frame_share": "pretrain.mosaic_share",
    "pretrain.relight": "pretrain.color_jitter",
    "pretrain.average_steps": "pretrain.ema_steps",
    "losses.tilings": "losses.tile_mixing",
    "data.cache_views": "data.cache_features",
    "model.early_tap": "model.early_block",
}
"""Old dotted name -> new one."""

RENAMED_VALUES: dict[str, dict[Any, Any]] = {"pretrain.teacher": {"average": "ema"}}
"""Dotted (new) name -> its values' old names -> their new ones."""

DROPPED: dict[str, tuple[Any, str]] = {
    "losses.prior_weight": (0.0, "nothing; captions are not weighed by how common they are"),
    "losses.prior_sharpness": (60.0, "nothing; captions are not weighed by how common they are"),
    "losses.cover_weight": (1.0, "losses.noun_weight weighs the noun level"),
    "losses.presence_weight": (1.0, "losses.noun_weight weighs the noun level"),
    "pretrain.cover_weight": (1.0, "pretrain.noun_weight weighs the noun level"),
    "pretrain.presence_weight": (1.0, "pretrain.noun_weight weighs the noun level"),
    "losses.color_rounds": (3, "ROUNDS in training/losses/settling.py"),
    "losses.mask_threshold": (0.3, "FIRST_THRESHOLD in training/losses/object.py"),
    "losses.area_low": (0.02, "SMALLEST_AREA in training/losses/priors.py"),
    "losses.area_high": (0.6, "LARGEST_AREA in training/losses/priors.py"),
    "losses.edge_sharpness": (60.0, "EDGE_SHARPNESS in training/losses/priors.py"),
    "losses.seeds": (6, "SEEDS in training/losses/region.py"),
    "losses.region_sharpness": (12.0, "GROWTH_SHARPNESS in training/losses/region.py"),
    "losses.region_cosine": (0.7, "GROWTH_COSINE in training/losses/region.py"),
    "losses.pixel_positives": (24, "POSITIVES in training/losses/pixel.py"),
    "losses.top_share": (0.06, "TOP_SHARE in training/losses/pixel.py"),
    "losses.pixel_negatives": (48, "NEGATIVES in training/losses/pixel.py"),
    "losses.bottom_share": (0.3, "BOTTOM_SHARE in training/losses/pixel.py"),
}
"""Dotted name of a setting that is none any more -> the value it always has now, and what stands in
its place.
"""


def modernise(values: dict[str, Any]) -> dict[str, Any]:
    """A configuration's plain values under today's names; dropped settings are left out.

    Args:
        values: nested, as :func:`training.config.values.to_dict` gives them; unchanged.
    """
    return _modernise(values, "")


def _modernise(values: dict[str, Any], where: str) -> dict[str, Any]:
    modern: dict[str, Any] = {}
    for key, value in values.items():
        path = where + key
        if path in DROPPED:
            continue
        path = RENAMED.get(path, path)
        if isinstance(value, dict) and where + key != "legs":
            value = _modernise(value, f"{path}.")
        elif isinstance(value, str):
            value = RENAMED_VALUES.get(path, {}).get(value, value)
        modern[path.rsplit(".", 1)[-1]] = value
    return modern


def dropped_otherwise(values: dict[str, Any]) -> list[str]:
    """Dropped settings to which a configuration gives a value that they have no more, as
    sentences.
    """
    sentences = []
    for path, (kept, instead) in DROPPED.items():
        section, _, key = path.partition(".")
        inner = values.get(section)
        if isinstance(inner, dict) and inner.get(key, kept) != kept:
            sentences.append(f"'{path}' is {inner[key]!r}, but always {kept!r} now: {instead}")
    return sentences


def explain_old_name(path: str, value: Any = None) -> str | None:
    """What became of a setting, or of one of its values, as a sentence; None: it is no old one."""
    if path in RENAMED:
        return f"'{path}' is now called '{RENAMED[path]}'"
    if path in DROPPED:
        kept, instead = DROPPED[path]
        return f"'{path}' is no setting any more and always {kept!r}: {instead}"
    known = RENAMED_VALUES.get(path, {})
    if isinstance(value, str) and value in known:
        return f"the value '{value}' of '{path}' is now called '{known[value]}'"
    return None
