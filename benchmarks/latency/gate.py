"""A limit for automatic checks: is this run slower than an earlier one? ``--compare OLD.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.record.percentiles import least_count
from runtime.errors import MgcaError, UserError

#: What must be the same in both records: field, and how it is called.
_ALIKE = (
    ("hardware.cpu", "processor"),
    ("hardware.cores", "cores"),
    ("hardware.architecture", "architecture"),
    ("input_size_wh", "input size"),
    ("source_size_wh", "source size"),
    ("classes", "classes"),
    ("background", "background"),
    ("units", "units"),
    ("threads", "threads"),
)
_PERCENTILE = 95
_MISSING = object()


def read_old(path: Path) -> dict[str, Any]:
    """An earlier record, fit to be compared with.

    Raises:
        UserError: no such file, not a record of this command, or one of too few frames.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        frames, p95 = record["frames"], record["stages_ms"]["total"]["p95"]
        frames = int(frames)
    except OSError as error:
        raise UserError(f"--compare {path} cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"--compare {path} is no record of this command; expected what --json has written"
        ) from None
    if frames < least_count(_PERCENTILE) or not isinstance(p95, int | float):
        raise UserError(
            f"--compare {path} is of {frames} frames; its p95 needs {least_count(_PERCENTILE)}: "
            "measure it again with more --frames"
        )
    return dict(record)


def check_enough(frames: int | None) -> None:
    """Raise ``UserError`` where so many frames (None: unknown yet) can give no p95."""
    if frames is not None and frames < least_count(_PERCENTILE):
        raise UserError(
            f"--compare needs a p95, and a p95 {least_count(_PERCENTILE)} frames, not {frames}; "
            "give more --frames or a longer --duration"
        )


def check_alike(old: Mapping[str, Any], new: Mapping[str, Any], path: Path) -> None:
    """Raise ``UserError`` where two records cannot be compared; it says what differs.

    Args:
        old: from :func:`read_old`.
        new: of this run; fields that it does not have yet are passed over.
        path: of the old one.
    """
    unlike = []
    for field, called in _ALIKE:
        before, now = _look_up(old, field), _look_up(new, field)
        if now is not _MISSING and before != now:
            unlike.append(f"{called} ({_text(before)}, now {_text(now)})")
    if unlike:
        raise UserError(
            f"--compare {path} cannot be compared with this run: other {', '.join(unlike)}; "
            "measure both alike, or give --compare-anyway"
        )


def hold_to(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    path: Path,
    most_ratio: float,
    *,
    anyway: bool = False,
) -> str:
    """Compare the 95th percentile of ``total``.

    Args:
        old: from :func:`read_old`.
        new: the record of this run.
        path: of the old one.
        most_ratio: of new ÷ old.
        anyway: also between records that differ.

    Returns:
        One line: what was compared, and that it holds.

    Raises:
        UserError: the records cannot be compared; the error says what differs.
        MgcaError: it is worse.
    """
    if not anyway:
        check_alike(old, new, path)
    check_enough(new["frames"])
    before, now = old["stages_ms"]["total"], new["stages_ms"]["total"]
    ratio = now["p95"] / before["p95"]
    interval = now["ci95"]["p95"]
    within = f" (95 % interval {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    line = (
        f"p95 of total {now['p95']:.2f} ms{within} is {ratio:.3f} times the {before['p95']:.2f} ms "
        f"of {path}; at most {most_ratio:g} is allowed"
    )
    then, today = _what_ran(old), _what_ran(new)
    if then != today:
        line += f" (then {then}, now {today})"
    if ratio > most_ratio:
        raise MgcaError(line)
    return line


def _what_ran(record: Mapping[str, Any]) -> str:
    bundle = record.get("bundle")
    named = bundle if isinstance(bundle, Mapping) else {}
    return f"{named.get('id')} {named.get('precision')} on {record.get('provider')}"


def _look_up(record: Mapping[str, Any], field: str) -> Any:
    value: Any = record
    for name in field.split("."):
        value = value.get(name, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value


def _text(value: Any) -> str:
    if value is _MISSING:
        return "not recorded"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
