"""Captions as people store them."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("webdataset")

from training.data.shards.captions import (
    EMPTY,
    UNREADABLE,
    NoCaptionError,
    read_captions,
)


@pytest.mark.parametrize(
    ("ending", "content", "expected"),
    [
        ("txt", "a red  car\n", ["a red car"]),
        ("txt", "\ufeffa red car", ["a red car"]),
        ("txt", "one caption\nin two lines", ["one caption in two lines"]),
        ("txt", '["a car", "a bus", "a car"]', ["a car", "a bus"]),
        ("txt", "[photo] a red car", ["[photo] a red car"]),
        ("json", '"a car"', ["a car"]),
        ("json", '["a car", "", "a bus"]', ["a car", "a bus"]),
        ("json", '{"caption": "a car", "width": 3, "status": "success"}', ["a car"]),
        ("json", '{"captions": ["a car", "a bus"]}', ["a car", "a bus"]),
        ("json", '{"caption": null, "text": "a car"}', ["a car"]),
        ("json", '{"TEXT": "a car", "url": "x"}', ["a car"]),
        ("json", '{"sentences": [{"raw": "a car", "tokens": ["a", "car"]}]}', ["a car"]),
        ("json", '{"annotations": [{"caption": "a car", "id": 3}]}', ["a car"]),
    ],
)
def test_each_way_to_store_captions(ending, content, expected):
    assert read_captions(ending, content.encode()) == expected


def test_utf_16_with_its_mark():
    assert read_captions("txt", "ein grünes Haus".encode("utf-16")) == ["ein grünes Haus"]


@pytest.mark.parametrize(
    ("ending", "content", "kind"),
    [
        ("txt", b" \n", EMPTY),
        ("json", b"{}", EMPTY),
        ("json", b'{"caption": null}', EMPTY),
        ("json", b"[]", EMPTY),
        ("json", b'{"caption": "a c', UNREADABLE),
        ("json", b"[" * 100000, UNREADABLE),
        ("txt", b"\xff\xfe\xff", UNREADABLE),
        ("txt", b"caf\xe9", UNREADABLE),
    ],
)
def test_what_is_no_caption_is_told_by_kind(ending, content, kind):
    with pytest.raises(NoCaptionError) as caught:
        read_captions(ending, content)
    assert str(caught.value) == kind


def test_fields_that_say_nothing_do_not_hide_others():
    value = {"caption": "  ", "alt": "a car"}
    assert read_captions("json", json.dumps(value).encode()) == ["a car"]
