"""Rules as they are typed."""

from __future__ import annotations

import argparse

import pytest

from runtime.rules.rule import DEFAULT_S, Rule, read_rule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("person>0", ("person", ">", 0.0, False, DEFAULT_S, None)),
        ("person > 0", ("person", ">", 0.0, False, DEFAULT_S, None)),
        ("smoke>2% for 5s in yard", ("smoke", ">", 0.02, True, 5.0, "yard")),
        ("smoke>2% in yard for 5s", ("smoke", ">", 0.02, True, 5.0, "yard")),
        (
            "smoke >= 2.5 % in the back yard",
            ("smoke", ">=", 0.025, True, DEFAULT_S, "the back yard"),
        ),
        ("person<1 for 10m", ("person", "<", 1.0, False, 600.0, None)),
        ("traffic light<=3 for 0s", ("traffic light", "<=", 3.0, False, 0.0, None)),
        ("car>0 for 1s in place for 5s", ("car", ">", 0.0, False, 1.0, "place for 5s")),
        ("in for>0 in in", ("in for", ">", 0.0, False, DEFAULT_S, "in")),
        ("車>1", ("車", ">", 1.0, False, DEFAULT_S, None)),
    ],
)
def test_a_rule_is_read(text: str, expected: tuple[object, ...]) -> None:
    rule = read_rule(text)
    assert rule == Rule(" ".join(text.split()), *expected)  # type: ignore[arg-type]
    assert read_rule(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no comparison; expected one of > >= < <="),
        ("person", "there is no comparison"),
        ("person in yard", "there is no comparison"),
        (">0", "there is no class"),
        ("person=0", "= is no comparison; expected one of > >= < <="),
        ("person==0", "== is no comparison"),
        ("person<>0", "<> is no comparison"),
        ("person!=0", "!= is no comparison"),
        ("person>", "there is no number; expected a number of objects such as 0, or a share"),
        ("person>many", "'many' is no number"),
        ("person>-1", "'-1' is no number"),
        ("person>1e3", "'1e3' is no number"),
        ("person>nan%", "'nan' is no number"),
        ("person>0in yard", "'0in' is no number"),
        ("person>1.5", "1.5 is no number of objects; expected a whole one, or 1.5%"),
        ("smoke>101%", "101% is more than all"),
        ("smoke>100%", "it can never hold"),
        ("smoke<0%", "it can never hold"),
        ("smoke>=0%", "it always holds"),
        ("smoke<=100%", "it always holds"),
        ("person>=0", "it always holds"),
        ("person<0", "it can never hold"),
        ("person>0 for", "'for' is not understood; expected for DURATION or in ZONE"),
        ("person>0 for 5", "expected a duration such as 30s, 10m or 1h"),
        ("person>0 for 2d", "from 0s to 1d, not '2d'"),
        ("person>0 in", "'in' is not understood"),
        ("person>0 at yard", "'at yard' is not understood"),
        ("person>0 for 5s yard", "'for 5s yard' is not understood"),
        ("per\x00son>0", "is not readable text"),
        ("per\udce9son>0", "is not readable text"),
    ],
)
def test_a_wrong_rule_is_told_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        read_rule(text)
    assert says in str(refused.value) and "\n" not in str(refused.value)


def test_each_comparison() -> None:
    held = {
        sign: [read_rule(f"a{sign}2").holds(value) for value in (1.0, 2.0, 3.0)]
        for sign in (">", ">=", "<", "<=")
    }
    assert held == {
        ">": [False, False, True],
        ">=": [False, True, True],
        "<": [True, False, False],
        "<=": [True, True, False],
    }
