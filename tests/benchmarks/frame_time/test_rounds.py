"""How rounds become parts, and parts are held against the machine's rate."""

from __future__ import annotations

from benchmarks.frame_time.measurement import hold_to_rate
from benchmarks.frame_time.parts import DECODER, ENCODER
from benchmarks.frame_time.rounds import PARTS, divide
from benchmarks.frame_time.subject import Spent


def round_of(encoder: float, decoder: float, infer: float) -> dict[str, Spent]:
    return {
        "preprocess": Spent(2, 1),
        "infer": Spent(2 * infer, infer),
        "postprocess": Spent(4, 3),
        ENCODER: Spent(2 * encoder, encoder),
        DECODER: Spent(2 * decoder, decoder),
    }


def test_differences_are_taken_within_a_round() -> None:
    # The machine slowed down to half and to a tenth; medians of the runs would give 60 - 100.
    rounds = [round_of(10, 13, 20), round_of(20, 26, 40), round_of(100, 130, 200)]
    parts = divide([Spent(9, 8)], rounds)
    assert list(parts) == list(PARTS)
    assert parts["decode"] == {"cpu_ms": 8, "wall_ms": 9}
    assert parts["encoder"] == {"cpu_ms": 20, "wall_ms": 40}
    assert parts["decoder"] == {"cpu_ms": 6, "wall_ms": 12}
    assert parts["units and scores"] == {"cpu_ms": 14, "wall_ms": 28}
    assert parts["postprocess"] == {"cpu_ms": 3, "wall_ms": 4}


def test_nothing_takes_less_than_no_time() -> None:
    parts = divide([Spent(0, 0)], [round_of(10, 9, 20)])
    assert parts["decoder"] == {"cpu_ms": 0, "wall_ms": 0}


def test_the_share_of_the_rate() -> None:
    # 100 G operations a second: 1 G takes 10 ms.
    held = hold_to_rate({"encoder": 2.0, "decoder": 1.0}, {"encoder": 40.0, "decoder": 0.0}, 100.0)
    assert held == {"share_of_fp32_rate": {"encoder": 0.5}, "products_at_fp32_rate_ms": 30.0}
