"""What a rule names: a class of the list, and a zone; what to say where there is none."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from runtime.errors import UserError

if TYPE_CHECKING:
    from runtime.rules.rule import Rule
    from runtime.rules.zone import Zone

__all__ = ["describe_missing_zone", "find_class", "why_it_waits"]


def find_class(rule: Rule, class_names: tuple[str, ...]) -> str:
    """The rule's class as the list has it; raises ``UserError`` that names the nearest."""
    for name in class_names:
        if name.lower() == rule.class_name.lower():
            return name
    near = difflib.get_close_matches(rule.class_name, class_names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UserError(
        f"--alert '{rule}': {rule.class_name} is not one of the classes; expected one of "
        f"{', '.join(class_names)}{hint}"
    )


def describe_missing_zone(rule: Rule, zones: tuple[Zone, ...]) -> str:
    """What is wrong with a rule whose zone is not there, and what to do."""
    names = [zone.name for zone in zones]
    if not names:
        return (
            f"--alert '{rule}': there is no zone {rule.zone}; add --zone '{rule.zone}=X,Y X,Y X,Y'"
        )
    near = difflib.get_close_matches(rule.zone or "", names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    return (
        f"--alert '{rule}': there is no zone {rule.zone}; expected one of {', '.join(names)}{hint}"
    )


def why_it_waits(rule: Rule, class_names: tuple[str, ...], zone: Zone | None) -> str:
    """Why nothing can be said of a rule now; "" if something can."""
    if rule.class_name not in class_names:
        return f"{rule.class_name} is not one of the classes"
    if rule.zone is not None and zone is None:
        return f"there is no zone {rule.zone}"
    return ""
