"""Rules: what is to be told, as one types it: ``smoke>2% for 5s in yard``."""

from __future__ import annotations

import argparse
import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from runtime.flag_values import duration_s

#: How long a rule must hold, and must have ceased to hold, where it does not say.
DEFAULT_S = 0.5
LONGEST_S = 86400.0
EXAMPLE = "'person>0 in gate' or 'smoke>2% for 5s in yard'"

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_RULE = re.compile(
    r"(?P<name>[^<>=!]*)(?P<sign>[<>=!]+)\s*(?P<value>[^\s%]*)(?P<share> ?%)?(?P<rest>.*)"
)
# A zone may have blanks in its name, and take the rest of the line.
_IN_FOR = re.compile(r" in (?P<zone>\S.*?)(?: for (?P<for>\S+))?")
_FOR_IN = re.compile(r"(?: for (?P<for>\S+))?(?: in (?P<zone>\S.*))?")

__all__ = ["DEFAULT_S", "Rule", "read_rule"]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        text: as it was typed, blanks collapsed; what it is called in events.
        class_name: the class, as the class list has it.
        sign: ``>``, ``>=``, ``<`` or ``<=``.
        value: what is compared with: a number of objects, or a share in [0, 1].
        is_share: which of them.
        hold_s: how long it must hold to begin, and not hold to end, in seconds.
        zone: where; None is the whole picture.
    """

    text: str
    class_name: str
    sign: str
    value: float
    is_share: bool
    hold_s: float = DEFAULT_S
    zone: str | None = None

    def __str__(self) -> str:
        return self.text

    def holds(self, value: float) -> bool:
        """Whether it holds for a number of objects or a share."""
        return COMPARISONS[self.sign](value, self.value)

    def describe(self, value: float) -> str:
        """A value as the rule has it: ``3``, ``2.4 %``."""
        return f"{100 * value:.3g} %" if self.is_share else f"{value:.0f}"


def read_rule(text: str) -> Rule:
    """A rule as it is typed; raises ``ArgumentTypeError`` that says what was expected.

    >>> rule = read_rule("smoke > 2% for 5s in yard")
    >>> rule.class_name, rule.sign, rule.value, rule.hold_s, rule.zone
    ('smoke', '>', 0.02, 5.0, 'yard')
    """
    typed = " ".join(text.split())
    if not typed.isprintable():
        raise argparse.ArgumentTypeError(f"{typed!r} is not readable text; expected {EXAMPLE}")
    found = _RULE.fullmatch(typed)
    if found is None:
        raise _refuse(typed, "there is no comparison", "one of > >= < <= behind the class")
    name, sign = found["name"].strip(), found["sign"]
    if not name:
        raise _refuse(typed, "there is no class", "one before the comparison")
    if sign not in COMPARISONS:
        raise _refuse(typed, f"{sign} is no comparison", "one of > >= < <=")
    is_share = bool(found["share"])
    value = _read_value(typed, found["value"], is_share)
    hold_s, zone = _read_rest(typed, found["rest"])
    rule = Rule(typed, name, sign, value, is_share, hold_s, zone)
    most = 1.0 if is_share else math.inf
    if rule.holds(0.0) and rule.holds(most):
        raise _refuse(typed, "it always holds", "a comparison that need not")
    if not rule.holds(0.0) and not rule.holds(most):
        raise _refuse(typed, "it can never hold", "a comparison that may")
    return rule


def _read_value(typed: str, text: str, is_share: bool) -> float:
    expected = "a number of objects such as 0, or a share such as 2%"
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        raise _refuse(typed, f"{text!r} is no number" if text else "there is no number", expected)
    value = float(text)
    if not is_share:
        if not value.is_integer():
            raise _refuse(typed, f"{text} is no number of objects", f"a whole one, or {text}%")
        return value
    if value > 100:
        raise _refuse(typed, f"{text}% is more than all", "a share from 0% to 100%")
    return value / 100


def _read_rest(typed: str, rest: str) -> tuple[float, str | None]:
    """The duration and the zone that stand behind the comparison."""
    ways = (_FOR_IN, _IN_FOR) if rest.startswith(" for ") else (_IN_FOR, _FOR_IN)
    found = ways[0].fullmatch(rest) or ways[1].fullmatch(rest)
    if found is None:
        raise _refuse(typed, f"{rest.strip()!r} is not understood", "for DURATION or in ZONE")
    hold_s = DEFAULT_S
    if found["for"]:
        try:
            hold_s = duration_s(0, LONGEST_S)(found["for"])
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentTypeError(f"{typed!r}: {error}") from None
    return hold_s, found["zone"]


def _refuse(typed: str, wrong: str, expected: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{typed!r}: {wrong}; expected {expected}, as in {EXAMPLE}")
