"""The command from end to end: miniatures in their true layouts, a narrow CLIP, random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks.reproduce import cells
from benchmarks.reproduce.__main__ import main
from tests.support import deep_clip
from tests.support.official_layouts import (
    write_ade20k,
    write_cityscapes,
    write_coco,
    write_context,
    write_voc,
)

SHALLOW = "test-shallow-vit"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """All eight sets below one folder, a picture or two each."""
    import open_clip

    shallow = {**deep_clip.CONFIG, "vision_cfg": {**deep_clip.CONFIG["vision_cfg"], "layers": 3}}
    (tmp_path / f"{SHALLOW}.json").write_text(json.dumps(shallow))
    open_clip.add_model_config(tmp_path / f"{SHALLOW}.json")
    root = tmp_path / "data"
    write_voc(root, {"a": [0, 1, 20, 255], "b": [15]})
    write_context(root, {"a": [0, 1, 2, 59]})
    write_coco(root / "coco", {"a": [0, 12, 89, 91, 181, 255]})
    write_cityscapes(root / "cityscapes", {"ulm_000000_000019": [7, 8, 11, 26]})
    write_ade20k(root, {"ADE_val_00000001": [0, 1, 13, 150]})
    return root


def _flags(data: Path, out: Path, *more: str) -> list[str]:
    return [
        "--root", str(data), "--clip", SHALLOW, "--pretrained", "random", "--out", str(out),
        "--threads", "1", *more,
    ]  # fmt: skip


@pytest.mark.slow
def test_a_run_is_gone_on_with_where_it_stopped(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    flags = _flags(data, out, "--methods", "naclip", "--datasets", "voc20,cityscapes")
    scored = []
    measure = cells.accuracy.measure

    def stop_at_second(arguments) -> None:
        if scored:
            raise KeyboardInterrupt
        scored.append(arguments.dataset)
        measure(arguments)

    monkeypatch.setattr(cells.accuracy, "measure", stop_at_second)
    assert main(flags) == 130
    assert [path.name for path in (out / "scores").iterdir()] == [f"naclip-{scored[0]}.json"]
    monkeypatch.setattr(
        cells.accuracy, "measure", lambda one: scored.append(one.dataset) or measure(one)
    )
    monkeypatch.setattr(cells.Cells, "_export", None)  # the bundle is there
    assert main(flags) == 0
    assert sorted(scored) == ["cityscapes", "voc20"]
    page = capsys.readouterr().out
    assert "The weights are random: these figures prove the way and mean nothing." in page
    assert "voc20 2 of 1449, cityscapes 1 of 500 pictures." in page
    record = json.loads((out / "table.json").read_text())
    for one in record["comparisons"]:
        assert 0 <= one["miou"] <= 100
        assert one["difference"] is None
    assert main([*flags, "--protocol", "tcl"]) == 2


@pytest.mark.long
def test_all_eight_sets_by_all_methods(data: Path, tmp_path: Path) -> None:
    assert main(_flags(data, tmp_path / "out")) == 0
    record = json.loads((tmp_path / "out" / "table.json").read_text())
    assert len(record["comparisons"]) == 48
    assert all(one["miou"] is not None for one in record["comparisons"])
    assert record["missing"] == {}
