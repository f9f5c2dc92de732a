"""A run leg by leg: what each changes, which scenes it draws, and where a resumed one goes on."""

from __future__ import annotations

import dataclasses

import pytest

pytest.importorskip("torch")

from runtime.errors import UserError
from training.config.legs import check_legs, enter, follow, reach, scenes_of, trains
from training.config.optimiser import PhaseConfig
from training.config.run import Leg, PretrainConfig, TrainConfig
from training.config.values import apply_overrides
from training.data.config import DataConfig

THREE = TrainConfig(
    data=DataConfig(first_seed=5, passes=2),
    pretrain=PretrainConfig(steps=5, batch=4),
    mgca=PhaseConfig(steps=3, batch=2),
    legs=(
        Leg(name="first", phase="pretrain", changes={"pretrain.learning_rate": 0.5}),
        Leg(
            name="second",
            phase="pretrain",
            changes={"pretrain.mosaic": (2, 2), "pretrain.steps": 2, "data.size_wh": (64, 48)},
        ),
        Leg(name="last", phase="mgca", changes={"data.passes": 1}),
    ),
)


def test_changes_stay_and_scenes_go_on():
    first = enter(THREE)
    second = follow(first)
    last = follow(second)
    assert [leg.pretrain.learning_rate for leg in (first, second, last)] == [0.5] * 3
    assert [leg.data.size_wh for leg in (first, second, last)] == [(128, 96), (64, 48), (64, 48)]
    # Five steps of four images, each batch twice: three batches. Then on to a whole mosaic.
    assert [leg.data.first_seed for leg in (first, second, last)] == [5, 20, 24]
    assert [scenes_of(leg) for leg in (first, second, last)] == [12, 4, 6]
    assert follow(last) is None


def test_entering_again_changes_nothing():
    second = follow(enter(THREE))
    assert enter(second) == second
    assert reach(second, "pretrain") == second
    assert reach(second, "mgca") == follow(second)


def test_processes_share_a_step():
    assert follow(enter(THREE), processes=3).data.first_seed == 44  # 5 + 36, and on by 2 x 2


@pytest.mark.parametrize(
    ("assignments", "steps"),
    [
        ([], [5, 2]),
        (["pretrain.steps=9"], [9, 9]),
        (["legs.first.pretrain.steps=9"], [9, 2]),
        (["legs.second.pretrain.steps=9"], [5, 9]),
        (["pretrain.steps=1", "legs.second.pretrain.steps=9"], [1, 9]),
    ],
)
def test_a_setting_for_all_legs_or_for_one(assignments, steps):
    first = enter(apply_overrides(THREE, assignments))
    assert [first.pretrain.steps, follow(first).pretrain.steps] == steps


def test_weights_that_are_given_are_not_pre_trained():
    given = dataclasses.replace(THREE, model=dataclasses.replace(THREE.model, pretrained="x"))
    assert not trains(enter(given))
    assert trains(reach(given, "mgca"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pretrain.stps": 1}, "the nearest is 'steps'"),
        ({"pretrain.batch": 6}, "does not fill mosaics of 2x2 tiles"),
        ({"data.size_wh": 3}, "expected a list"),
        ({"model.decoder_width": 32}, "leg 'second' changes the model"),
        ({"pretrain.tilings": 1}, "is now called 'pretrain.tile_mixing'"),
    ],
)
def test_a_fault_in_a_later_leg_is_told_before_the_first(changes, words):
    first, second, last = THREE.legs
    second = dataclasses.replace(second, changes={**second.changes, **changes})
    with pytest.raises(UserError, match=words):
        check_legs(dataclasses.replace(THREE, legs=(first, second, last)))
