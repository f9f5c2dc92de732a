"""Old names of settings: read from files, refused on the command line with the new name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from training.config.legacy import DROPPED, RENAMED, RENAMED_VALUES, modernise  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.config.values import apply_override, from_dict, read_config_file, to_dict  # noqa: E402

# The configuration in the checkpoint that was shipped until 2026-11-28, under the names of then.
WRITTEN = Path(__file__).with_name("written_2026_11_28.json")
OLD = {
    "name": "old",
    "model": {"early_tap": 2},
    "pretrain": {
        "tilings": [[2, 2], [1, 1]],
        "frame_tiles": [2, 3],
        "frame_share": 0.25,
        "relight": 0.5,
        "average_steps": 7,
        "teacher": "average",
        "batch": 12,
        "cover_weight": 1.0,
    },
    "losses": {"tilings": [[1, 1], [3, 3]], "seeds": 6, "prior_weight": 0.0, "pixel_weight": 0.25},
}


def test_an_old_file_is_read_under_new_names(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(OLD))
    config = read_config_file(path)
    pretrain = config.pretrain
    assert config.model.early_block == 2
    assert (pretrain.tile_mixing, pretrain.mosaic) == (((2, 2), (1, 1)), (2, 3))
    assert (pretrain.mosaic_share, pretrain.color_jitter, pretrain.ema_steps) == (0.25, 0.5, 7)
    assert pretrain.teacher == "ema"
    assert config.losses.tile_mixing == ((1, 1), (3, 3))
    assert config.losses.pixel_weight == 0.25
    assert [leg.name for leg in config.legs] == ["pretrain", "mgca"]


def test_the_shipped_checkpoint_is_read_as_it_was_trained():
    written = json.loads(WRITTEN.read_text())
    config = from_dict(written)
    assert config.model.early_block == written["model"]["early_tap"] == 3
    assert config.pretrain.mosaic == tuple(written["pretrain"]["frame_tiles"]) == (3, 3)
    assert config.pretrain.color_jitter == written["pretrain"]["relight"] == 0.6
    assert (config.pretrain.teacher, config.pretrain.ema_steps) == ("ema", 300)
    # Nothing else is lost: what is neither renamed nor dropped has the written value.
    read = to_dict(config)
    for section, values in modernise(written).items():
        for name, value in values.items() if isinstance(values, dict) else ():
            assert read[section][name] == value, (section, name)


def test_dropped_settings_have_the_values_they_were_shipped_with():
    written = json.loads(WRITTEN.read_text())
    for path, (kept, _) in DROPPED.items():
        section, name = path.split(".")
        assert written[section][name] == kept, path


@pytest.mark.parametrize("old", sorted(RENAMED))
def test_an_old_name_on_the_command_line_is_told_the_new_one(old):
    with pytest.raises(UserError, match=f"is now called '{RENAMED[old]}'"):
        apply_override(TrainConfig(), f"{old}=1")


@pytest.mark.parametrize("old", sorted(DROPPED))
def test_a_dropped_name_on_the_command_line_is_told_what_holds_now(old):
    with pytest.raises(UserError, match="no setting any more and always"):
        apply_override(TrainConfig(), f"{old}=1")


def test_an_old_value_on_the_command_line_is_told_the_new_one():
    with pytest.raises(UserError, match=r"'average' of .* is now called 'ema'"):
        apply_override(TrainConfig(), "pretrain.teacher=average")


def test_new_names_are_names():
    """A typing error in the table would lose a setting without a word."""
    values = to_dict(TrainConfig())
    for path in [*RENAMED.values(), *RENAMED_VALUES]:
        section, name = path.split(".")
        assert name in values[section], path
    for path in [*RENAMED, *DROPPED]:
        section, name = path.split(".")
        assert name not in values[section], path
    assert from_dict(values) == TrainConfig()
