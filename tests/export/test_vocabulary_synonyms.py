"""A word stands once on a line of the vocabulary file, as a name stands once in the file."""

from __future__ import annotations

import pytest

from export.text.vocabulary_file import parse_names
from runtime.errors import UserError


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
