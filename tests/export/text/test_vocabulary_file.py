"""The file of names to store ready encoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.text.vocabulary_file import everyday_names, parse_names, read_names
from runtime.errors import UserError


def test_names_groups_and_comments() -> None:
    text = "# head\n\ncar=car|van| Taxi\n  Traffic   Light  # two words\n"
    assert parse_names(text, "f") == ["car", "van", "taxi", "traffic light"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# nothing\n\n", "holds no names"),
        ("car\nroad\nCAR\n", "line 1 and again on line 3"),
        ("car=van||bus", "empty name"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_names(text, "f")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_names(tmp_path / "absent.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UserError, match="UTF-8"):
        read_names(tmp_path / "binary")


def test_everyday_names_are_many_and_distinct() -> None:
    names = everyday_names()
    assert len(names) == len(set(names)) > 500
    assert {"person", "car", "traffic light", "sky"} <= set(names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("car|car", "'car' stands twice on line 1, in 'car|car'; each name must occur once"),
        ("road\nbus|van|Bus # again", "'bus' stands twice on line 2, in 'bus|van|Bus'; each"),
        ("car=van|bus| van", "'van' stands twice on line 1"),
        ("car=car|car", "'car' stands twice on line 1"),
    ],
)
def test_a_word_twice_on_one_line_is_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=r"^f: ") as caught:
        parse_names(text, "f")
    assert said in str(caught.value)


def test_a_label_may_be_one_of_its_words() -> None:
    assert parse_names("car=car|van\nbus|coach", "f") == ["car", "van", "bus", "coach"]
