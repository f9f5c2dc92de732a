"""What rows train, and what their tables say, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.ablation.photographs.__main__ import main
from benchmarks.ablation.photographs.rows import GRAINS, ROWS, SIZES, changes_of
from benchmarks.ablation.photographs.study import Study
from benchmarks.ablation.photographs.tables import format_record, make_record
from benchmarks.ablation.photographs.trial import configure, write_first_pairs
from runtime.errors import MgcaError

KINDS = ("adaptive", "pixel", "groups")


def make_study(tmp_path: Path) -> Study:
    return Study(tmp_path / "captions.tsv", tmp_path, None, tmp_path / "work", 40, 8)


def test_each_grain_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    losses = {
        row.name: configure(make_study(tmp_path), row, seed=1).losses.__dict__ for row in GRAINS
    }
    changed = {
        row.name: {
            name for name, value in losses[row.name].items() if value != losses[row.before][name]
        }
        for row in GRAINS
        if row.before
    }
    assert changed == {
        "object": {"object_mask", "area_weight", "smooth_weight"},
        "region": {"region_weight"},
        "pixel": {"pixel_weight"},
        "nouns": {"texts", "noun_weight"},
    }
    assert changes_of(GRAINS[-1])["losses.region_weight"] == 0.5


def test_seeds_of_runs_do_not_meet_and_only_one_leg_is_trained(tmp_path: Path) -> None:
    study = make_study(tmp_path)
    configs = [configure(study, row, seed) for row in ROWS for seed in (0, 1)]
    assert {config.seed for config in configs} == {0, 10}  # a run uses three
    assert all([leg.name for leg in config.legs] == ["patches"] for config in configs)
    assert all(config.mgca.steps == 40 and config.mgca.batch == 8 for config in configs)


@pytest.mark.parametrize(
    ("flag", "path", "said"),
    [("--photographs", "empty", "classes.tsv"), ("--work", "captions.tsv/x", "cannot be written")],
)
def test_what_is_missing_is_said_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, path: str, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "captions.tsv").write_text("image\tsplit\tcaption\na.jpg\tdev\tA car .\n")
    folders = ["--photographs", str(tmp_path), "--camvid", str(tmp_path / "none")]
    work = ["--work", str(tmp_path / "work"), "--captions", str(tmp_path / "captions.tsv")]
    more = ["--train-only"] if flag == "--work" else []
    assert main([*folders, *work, *more, flag, str(tmp_path / path)]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1


def test_the_first_photographs_come_with_all_of_their_captions(tmp_path: Path) -> None:
    table = tmp_path / "captions.tsv"
    table.write_text(
        "image\tsplit\tcaption\na.jpg\tdev\tA car .\nb.jpg\ttrain\tA dog .\n"
        "b.jpg\ttrain\tA cat .\nc.jpg\ttrain\tA cow .\n",
        encoding="utf-8",
    )
    write_first_pairs(table, 1, tmp_path / "first.tsv")
    lines = (tmp_path / "first.tsv").read_text(encoding="utf-8").splitlines()
    image = (tmp_path / "b.jpg").resolve()
    assert lines == ["image\tcaption", f"{image}\tA dog .", f"{image}\tA cat ."]
    with pytest.raises(MgcaError, match="has 2 photographs to train on, not 3"):
        write_first_pairs(table, 3, tmp_path / "first.tsv")


def test_differences_are_paired_by_seed() -> None:
    def found(miou: float) -> dict[str, object]:
        scores = {kind: {"miou": miou, "boundary_f": 0.5} for kind in KINDS}
        return {
            "photographs": {
                figure: scores for figure in ("present+background", "present", "all")
            },
            "retrieval": {"r5": 0.25},
        }  # fmt: skip

    record = make_record(
        GRAINS[:2],
        {"baseline": [found(0.1), found(0.2)], "object": [found(0.13), found(0.25)]},
        7316,
    )
    title = "in sight, units"
    assert record["rows"]["baseline"]["figures"][title]["mean"] == pytest.approx(15)
    gain = record["differences"]["object"]["figures"][title]
    assert gain["values"] == pytest.approx((3, 5))
    assert (gain["mean"], gain["std"]) == pytest.approx((4, 2**0.5))
    text = format_record(record)
    assert "| in sight, units | 15.0 ± 7.1 | 19.0 ± 8.5 |" in text
    assert "| in sight, units | **+4.0 ± 1.4** |" in text
    assert "| R@5 | +0.0 ± 0.0 |" in text


def test_sizes_are_drawn_by_their_number_of_photographs(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.ablation.photographs.picture import draw_sizes, sizes_of

    def found(miou: float) -> dict[str, object]:
        scores = {kind: {"miou": miou, "boundary_f": 0.5} for kind in KINDS}
        photographs = {figure: scores for figure in ("present+background", "present", "all")}
        return {"photographs": photographs, "retrieval": {"r5": miou}}

    rows = SIZES[:2] + SIZES[-1:]
    by_row = {row.name: [found(0.1 * place)] for place, row in enumerate(rows, 1)}
    record = make_record(rows, by_row, 7316)
    assert [pairs for pairs, _ in sizes_of(record)] == [1000, 2000, 7316]
    left, right = draw_sizes(record).axes
    assert [label.get_text() for label in right.get_xticklabels()] == ["1,000", "2,000", "7,316"]
    (line,) = (one for one in right.lines if len(one.get_xdata()) == 3)
    assert list(line.get_ydata()) == pytest.approx([10, 20, 30])
    assert len(left.get_legend().get_texts()) == 3


def test_a_figure_of_one_size_is_refused_before_the_work(capsys) -> None:
    assert main(["--rows", "baseline,recipe", "--figure", "sizes.png"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "give --rows two or more of recipe-1000" in line
