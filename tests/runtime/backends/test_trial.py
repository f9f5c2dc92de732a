"""Who is the faster, who is right enough, and what this processor can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from runtime.backends import abilities, choice, trial
from runtime.backends.abilities import computes_bfloat16, computes_half, find_abilities
from runtime.backends.trial import Race, judge, trial_frames
from runtime.bundle import Bundle


@pytest.mark.parametrize(
    ("first_ms", "second_ms", "faster", "decided"),
    [
        ([10, 10, 10], [7, 6, 7], True, True),  # by far, in every turn
        ([10, 10, 10], [13, 13, 14], False, True),
        ([10, 10], [1, 1], True, False),  # two turns are no evidence yet
        ([10] * 7, [9] * 7, True, True),  # seven of seven
        ([10] * 7, [9] * 6 + [11], False, False),  # six of seven may be luck
        ([10] * 31, [9] * 23 + [11] * 8, True, True),
        ([10] * 31, [9] * 22 + [11] * 9, False, False),
        ([10] * 31, [9.8] * 31, False, True),  # certain, and not worth a change
        ([10, 50] * 15, [9, 46] * 15, True, True),  # load that comes and goes touches both
    ],
)
def test_a_race_is_decided_by_turns(
    first_ms: list[float], second_ms: list[float], faster: bool, decided: bool
) -> None:
    race = Race(tuple(first_ms), tuple(second_ms))
    assert race.second_is_faster is faster and race.is_decided is decided


class Clocked:
    """A backend that moves a clock of our own."""

    def __init__(self, clock: list[float], takes_s: Callable[[int], float]) -> None:
        self.clock, self.takes_s, self.runs = clock, takes_s, 0

    def run(self, feeds: Any) -> None:
        self.clock[0] += self.takes_s(self.runs)
        self.runs += 1


def test_backends_run_in_turn_until_it_is_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(trial, "perf_counter", lambda: clock[0])
    first, second = Clocked(clock, lambda run: 0.010), Clocked(clock, lambda run: 0.004)
    timed = trial.race(first, second, [{}])  # type: ignore[arg-type]
    assert timed.second_is_faster and first.runs == second.runs == 3
    same = Clocked(clock, lambda run: 0.009 if run % 2 else 0.011)
    timed = trial.race(first, same, [{}])  # type: ignore[arg-type]
    assert not timed.second_is_faster and same.runs == trial.MOST_TURNS
    slow, slower = Clocked(clock, lambda run: 2.0), Clocked(clock, lambda run: 1.99)
    assert len(trial.race(slow, slower, [{}]).ratios) == trial.FEW_TURNS  # type: ignore[arg-type]


def scores(*winners: int) -> Mapping[str, np.ndarray]:
    values = np.zeros((1, 2, 1, len(winners)), np.float32)
    for place, winner in enumerate(winners):
        values[0, winner, 0, place] = 0.004  # near-ties: no figure of an Agreement counts them
    return {"class_scores": values, "pixel_scores": values}


def test_less_precision_must_keep_the_labels_that_an_int8_bundle_keeps() -> None:
    right = tuple([0] * 99 + [1])
    reference = [scores(*right)] * 2
    found = [scores(*right), scores(*[1] * 8, *right[8:])]  # 8 of 200 turned, near-ties all
    judged = judge("openvino-bf16", found, reference)
    assert judged.labels == 0.96 and judged.demanded == 0.97 and not judged.passed
    assert judged.worst.passed  # it counts no near-ties
    assert judge("openvino", found, reference).passed
    found[1] = scores(*[1] * 5, *right[5:])
    assert judge("openvino-bf16", found, reference).passed


def test_the_trial_is_of_real_frames_and_of_drawn_ones_without_the_clip(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise OSError("no clip")

    for _ in range(2):
        frames = [feeds["frame"] for feeds in trial_frames(bundle, 4)]
        assert [frame.shape for frame in frames] == [(1, 6, 8, 3)] * 5
        assert {frame.dtype.name for frame in frames} == {"uint8"}
        assert len({frame.tobytes() for frame in frames}) == 5
        monkeypatch.setattr(trial, "demo_clip", missing)


CPUINFO = "processor : 0\nmodel name : X\nflags\t: fpu avx2 {} ht\n\nprocessor : 1\nflags : avx2\n"


@pytest.mark.parametrize(
    ("cpuinfo", "bfloat16", "half"),
    [
        (CPUINFO.format("avx512f f16c avx_ne_convert"), False, False),  # conversions, no products
        (CPUINFO.format("amx_tile amx_bf16"), True, False),
        (CPUINFO.format("avx512_bf16 avx512_fp16"), True, True),
        ("Features : fp asimd asimdhp bf16\n", True, True),
        ("", False, False),
    ],
)
def test_abilities_and_who_is_a_candidate(
    cpuinfo: str, bfloat16: bool, half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abilities, "cpu_abilities", lambda: find_abilities(cpuinfo))
    assert computes_bfloat16() is bfloat16 and computes_half() is half
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert ("openvino-bf16" in choice.candidates()) is bfloat16


def test_the_same_processor_name_with_other_abilities_is_another_machine(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key() -> str:
        return choice._key(bundle, ("openvino", "onnxruntime-cpu"), None, None)

    before = key()
    assert before == key()
    monkeypatch.setattr(choice, "cpu_abilities", lambda: ("avx2", "avx512_bf16"))
    assert before != key()
