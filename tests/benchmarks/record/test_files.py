from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.record.files import check_writable, write_json
from runtime.errors import UserError


def test_json_is_written_whole_with_null_for_nan(tmp_path: Path):
    target = tmp_path / "new" / "figures.json"
    write_json(target, {"miou": float("nan"), "iou": {"car": 0.5}, "size_wh": (4, 3)})
    assert json.loads(target.read_text()) == {
        "miou": None,
        "iou": {"car": 0.5},
        "size_wh": [4, 3],
    }
    assert [path.name for path in target.parent.iterdir()] == ["figures.json"]


def test_a_record_that_cannot_be_written_leaves_the_old_file(tmp_path: Path):
    target = tmp_path / "figures.json"
    write_json(target, {"miou": 0.5})
    with pytest.raises(TypeError):
        write_json(target, {"miou": object()})
    assert json.loads(target.read_text()) == {"miou": 0.5}


def test_a_folder_or_a_place_under_a_file_is_refused_beforehand(tmp_path: Path):
    with pytest.raises(UserError, match="is a folder"):
        check_writable(tmp_path)
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UserError, match="cannot be written"):
        check_writable(tmp_path / "file" / "figures.json")
    check_writable(tmp_path / "not" / "yet" / "figures.json")
    check_writable(None)
