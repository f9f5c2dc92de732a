"""Who passes the gate, and what the others are told."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from onnx import helper

from export.candidates import next_to_keep
from export.graph.staged_graph import StagedGraph
from export.parity.figures import Farthest, Parity, StageParity
from export.parity.gate import failure_message, format_table, judge, stages_by_loss
from export.parity.tally import cosines, locate_farthest, mean_iou
from export.precision.variants import check_kept_stages
from runtime.errors import UserError
from tests.export.small_graphs import make_model, random


def _parity(precision="fp32", agreement=1.0, encoder=1.0, decoder=1.0, units=1.0, margin=0.1):
    stages = {
        name: StageParity(value, value, value, Farthest("7", 3, 4, 0.25))
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


def test_the_farthest_place_is_named() -> None:
    wanted = np.ones((2, 3, 4), np.float32)
    found = wanted.copy()
    found[:, 0, 1] = 3.0  # far, but in the same direction
    found[:, 2, 1] = (1.0, 0.5)
    far = locate_farthest("12", cosines(wanted, found), wanted, found)
    assert far == Farthest("12", 2, 1, 0.5)
    table = format_table([_parity("fp16")], [judge(_parity("fp16"), untrained=False)])
    assert table.splitlines()[-1].endswith("2.5e-01  7, 3, 4")


def test_the_users_threshold_goes_first() -> None:
    assert judge(_parity(agreement=0.9), untrained=False, least_agreement=0.8).passed
    assert not judge(_parity(agreement=0.9), untrained=True, least_agreement=0.95).passed


def test_the_stage_that_loses_most_is_named() -> None:
    parity = _parity("int8", agreement=0.5, encoder=0.98, decoder=0.90, units=0.89)
    assert stages_by_loss(parity)[0] == "decoder"
    verdict = judge(parity, untrained=False)
    said = failure_message(parity, verdict, ("encoder.mlp",), "decoder")
    assert "most is lost in the decoder: keep decoder in fp32" in said
    assert "(--keep-fp32 encoder.mlp,decoder, or --auto-fallback)" in said
    said = failure_message(parity, verdict, ("encoder.mlp",), None)
    assert "--keep-fp32" not in said and said.endswith("ask for fp32")


def test_the_advice_is_never_to_keep_what_the_precision_does_not_change() -> None:
    """Units are always fp32, and int8 on the fly leaves the decoder's convolutions alone."""
    parts = ("encoder.attention", "encoder.mlp")
    for parity in (
        _parity("int8", encoder=0.99, decoder=0.99, units=0.5),
        _parity("int8", encoder=0.99, decoder=0.5, units=0.5),
    ):
        assert next_to_keep(parity, (), parts) == "encoder.attention"
    parity = _parity("fp16", encoder=0.99, decoder=0.5, units=0.5)
    assert next_to_keep(parity, (), ("decoder", *parts)) == "decoder"
    assert next_to_keep(parity, ("decoder",), ("decoder", *parts)) == "encoder.attention"
    # With the last one kept too it would be fp32 under another name.
    assert next_to_keep(parity, ("decoder", "encoder.mlp"), ("decoder", *parts)) is None


def _graph() -> StagedGraph:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="product"),
        helper.make_node("Conv", ["a", "k"], ["y"], name="convolution"),
    ]
    weights = {"w": random(6, 5), "k": random(2, 3, 1, 1)}
    stages = {"product": "encoder.mlp", "convolution": "decoder"}
    return StagedGraph(make_model(nodes, weights, (1, 3, 4, 6)), stages)


@pytest.mark.parametrize(
    ("kept", "precisions", "said"),
    [
        (["decoder"], ["fp32", "int8"], "--keep-fp32 decoder: int8 changes nothing there; expecte"),
        (["encoder.stem"], ["fp16"], "some of decoder, encoder.mlp"),
        (["encoder"], ["int8"], "--keep-fp32 encoder leaves nothing of int8"),
        (["encoder", "decoder"], ["fp16"], "--keep-fp32 encoder,decoder leaves nothing of fp16"),
    ],
)
def test_stages_kept_in_vain_are_refused(kept, precisions, said) -> None:
    with pytest.raises(UserError, match=said) as caught:
        check_kept_stages(_graph(), kept, precisions)
    assert caught.value.exit_code == 2


def test_stages_kept_with_reason_are_taken() -> None:
    check_kept_stages(_graph(), [], ["int8"])
    check_kept_stages(_graph(), ["encoder.mlp"], ["fp32", "fp16"])
    check_kept_stages(_graph(), ["decoder"], ["fp16", "int8"])


def test_near_ties_are_recognised() -> None:
    for precision in ("fp32", "fp16", "int8", "int8-static"):
        parity = _parity(precision, agreement=0.5, margin=1e-5)
        assert "--gate cosine" in failure_message(parity, judge(parity, untrained=False))
    plain = _parity("fp16", agreement=0.5)
    assert "--gate cosine" not in failure_message(plain, judge(plain, untrained=False))


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
