"""Reading a table of captions: what is taken, what is counted, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from runtime.errors import UserError
from tests.support.captioned import write_pictures, write_table
from training.data.captioned.table import (
    EMPTY,
    MISSING,
    NO_IMAGE,
    read_table,
)

HEADER = ("image", "split", "caption")


def test_a_picture_has_all_captions_of_its_split_each_once(tmp_path):
    first, second, _ = write_pictures(tmp_path, 3)
    rows = [
        HEADER,
        (second, "train", 'a "red"  dog '),
        (first, "train", "snow"),
        (second, "dev", "unseen"),
        (second, "train", 'a "red" dog'),
        (second, "train", "un café"),
    ]
    table = read_table(Path(write_table(tmp_path, rows)))
    assert table.images == [second, first]
    assert table.captions == [['a "red" dog', "un café"], ["snow"]]
    assert table.picture_path(0) == tmp_path / second and not table.tally.passed_over
    assert len(read_table(Path(write_table(tmp_path, rows)), "dev")) == 1
    assert "unseen" in read_table(Path(write_table(tmp_path, rows)), None).captions[0]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.rstrip().encode(),
        lambda text: (
            text.replace("image\tcaption", " Image\tother\tCAPTION")
            .replace("\ta dog", "\tx\ta dog")
            .encode()
        ),
    ],
    ids=["bom", "utf-16", "crlf", "no last newline", "capitals and a further column"],
)
def test_what_spreadsheets_write(tmp_path, encode):
    write_pictures(tmp_path, 1)
    path = tmp_path / "captions.tsv"
    path.write_bytes(encode("image\tcaption\nimages/0.png\ta dog\n"))
    assert read_table(path).captions == [["a dog"]]


def test_a_table_with_commas_is_a_csv(tmp_path):
    first, second = write_pictures(tmp_path, 2)
    path = tmp_path / "captions.csv"
    path.write_text(
        "title,split,filepath\r\n"
        f'"a ""red"" dog, running",train,{first}\r\n'
        f"a dog\u2028in snow,train,{first}\r\n"
        f'"two\nlines",train,"{second}"\r\n'
        f"unseen,dev,{second}\r\n\r\n"
        f",train,{second}\r\n",
        encoding="utf-8",
        newline="",
    )
    table = read_table(path)
    assert table.images == [first, second]
    assert table.captions == [['a "red" dog, running', "a dog in snow"], ["two lines"]]
    assert dict(table.tally.passed_over) == {EMPTY: 1}
    assert table.tally.examples[EMPTY].endswith("captions.csv: line 8")


def test_lines_of_no_use_are_counted_and_missing_pictures_named(tmp_path):
    write_pictures(tmp_path, 2)
    rows = [("image", "caption"), ("images/0.png", "a dog"), ("images/1.png", " "), ("", "a cat")]
    rows += [("images/1.png",), *((f"gone/{n}.png", "a bus") for n in range(4))]
    rows += [("images", "a folder")]
    table = read_table(Path(write_table(tmp_path, rows)))
    assert table.images == ["images/0.png"]
    assert dict(table.tally.passed_over) == {EMPTY: 2, NO_IMAGE: 1, MISSING: 5}
    assert table.tally.examples[EMPTY].endswith("captions.tsv: line 3")
    said = table.describe_missing()
    assert said and said.startswith("5 of 6 pictures")
    assert "'gone/0.png', 'gone/1.png', 'gone/2.png';" in said


@pytest.mark.parametrize(
    ("rows", "split", "message"),
    [
        ([("images/0.png", "a dog")], "train", "has no header: its first line is 'images/0.png"),
        ([("file", "text")], "train", r"has the columns 'file', 'text'; expected a first line"),
        ([("image,caption",), ("images/0.png,",)], "train", "1 lines without a caption"),
        ([("image,caption",), ('images/0.png,"a dog',)], "train", "from line 2 on: unexpected end"),
        ([("a bus stop", "http://host/1.jpg")], "train", "is a list of addresses .* img2dataset"),
        ([("caption,url",)], "train", "is a list of addresses .* img2dataset"),
        ([("",), ("image", "caption")], "train", "begins with an empty line"),
        ([("image", "caption")], "train", "has no line with a picture and a caption; expected"),
        ([("image", "caption"), ("images/0.png", "")], "train", "1 lines without a caption"),
        ([HEADER, ("images/0.png", "test", "a dog")], "train", r"its splits are 'test' \(1 lines"),
        ([("image", "caption"), ("images/0.png", "a")], "dev", "has no column 'split'"),
        (
            [("image", "caption"), *((f"{n}.jpg", "a dog") for n in range(5))],
            "train",
            r"none of its 5 pictures is there, such as '0.jpg', '1.jpg', '2.jpg'; expected them",
        ),
    ],
)
def test_mistakes_are_told(tmp_path, rows, split, message):
    write_pictures(tmp_path, 1)
    with pytest.raises(UserError, match=message):
        read_table(Path(write_table(tmp_path, rows)), split)


def test_a_file_that_is_no_text_or_not_there(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"image\tcaption\n\xff\xfe\xfa")
    with pytest.raises(UserError, match="is not UTF-8"):
        read_table(tmp_path / "a.tsv")
    with pytest.raises(UserError, match="cannot be read"):
        read_table(tmp_path / "b.tsv")
    with pytest.raises(UserError, match="cannot be read"):
        read_table(tmp_path)
