"""Who passes the gate, and what the others are told."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from export.gate import failure_message, format_table, judge, stages_by_loss
from export.parity import Parity, StageParity, cosines, mean_iou


def _parity(precision="fp32", agreement=1.0, encoder=1.0, decoder=1.0, units=1.0, margin=0.1):
    stages = {
        name: StageParity(value, value, value)
        for name, value in (("encoder", encoder), ("decoder", decoder), ("units", units))
    }
    return Parity(
        precision, 3, agreement, agreement, agreement, margin, 0.0, 0.0, None, None, stages
    )


@pytest.mark.parametrize(
    ("precision", "agreement", "passed"),
    [
        ("fp32", 0.9991, True), ("fp32", 0.998, False),
        ("fp16", 0.996, True), ("fp16", 0.994, False),
        ("int8", 0.971, True), ("int8", 0.969, False),
    ],
)  # fmt: skip
def test_labels_decide(precision, agreement, passed) -> None:
    assert judge(_parity(precision, agreement), untrained=False).passed is passed


def test_cosines_decide_for_random_weights() -> None:
    ties = _parity("fp16", agreement=0.5, encoder=0.99999)
    assert judge(ties, untrained=True).passed
    assert not judge(_parity("fp16", encoder=0.9), untrained=True).passed


def test_labels_do_not_hide_a_wrong_stage() -> None:
    verdict = judge(_parity(agreement=1.0, encoder=0.99), untrained=False)
    assert not verdict.passed
    assert verdict.criterion == "cosine"
    assert verdict.weakest_stage == "encoder"
    assert judge(_parity("int8", agreement=1.0, encoder=0.99), untrained=False).passed


def test_the_users_threshold_goes_first() -> None:
    assert judge(_parity(agreement=0.9), untrained=False, least_agreement=0.8).passed
    assert not judge(_parity(agreement=0.9), untrained=True, least_agreement=0.95).passed


def test_the_stage_that_loses_most_is_named() -> None:
    parity = _parity("int8", agreement=0.5, encoder=0.98, decoder=0.90, units=0.89)
    assert stages_by_loss(parity)[0] == "decoder"
    assert "--keep-fp32 decoder" in failure_message(parity, judge(parity, untrained=False))


def test_near_ties_are_recognised() -> None:
    parity = _parity(agreement=0.5, margin=1e-5)
    assert "--gate cosine" in failure_message(parity, judge(parity, untrained=False))


def test_table_has_a_row_for_each_variant_and_stage() -> None:
    parities = [_parity(), _parity("int8", agreement=0.9)]
    table = format_table(parities, [judge(p, untrained=False) for p in parities])
    assert "pass" in table
    assert "FAIL" in table
    assert table.count("encoder") == 2


def test_mean_iou_by_hand() -> None:
    # Class 0: 3 right, 1 taken for class 1; class 1: 2 right; class 2 is not in the truth.
    confusion = np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    assert mean_iou(confusion) == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert mean_iou(np.zeros((2, 2))) is None


def test_cosines_of_broken_values_are_zero() -> None:
    wanted = np.array([[[1.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]]])
    found = np.array([[[2.0, 1.0, np.nan]], [[0.0, 0.0, 0.0]]])
    assert cosines(wanted, found).tolist() == [1.0, 0.0, 0.0]
