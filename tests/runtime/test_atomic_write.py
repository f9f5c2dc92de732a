from __future__ import annotations

from pathlib import Path

import pytest

from runtime.atomic_write import replacing, write_whole


@pytest.mark.parametrize("synced", [False, True])
def test_a_file_takes_the_place_of_the_older_one(tmp_path: Path, synced: bool) -> None:
    path = tmp_path / "figures.json"
    for content in (b"old", b"new"):
        write_whole(path, content, synced=synced)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_the_older_one_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        with replacing(path) as beside:
            beside.write_bytes(b"half")
            assert path.read_bytes() == b"old"
            raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with replacing(path) as first, replacing(path) as second:
        assert first != second and first.name.endswith(".part")
        first.write_bytes(b"1")
        second.write_bytes(b"2")
    assert path.read_bytes() == b"1"  # the outer one ends last


@pytest.mark.parametrize(
    ("name", "error"), [("missing/x", FileNotFoundError), ("folder", IsADirectoryError)]
)
def test_places_that_cannot_be_written(tmp_path: Path, name: str, error: type[OSError]) -> None:
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(error):
        write_whole(tmp_path / name, b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
