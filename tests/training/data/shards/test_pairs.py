"""Which files of a shard make pairs, and how the others are counted."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

pytest.importorskip("webdataset")

from runtime.errors import UserError
from tests.support.shards import encode_picture, numbered_pairs, write_shard
from training.data.shards import members, pairs
from training.data.shards.captions import EMPTY, UNREADABLE
from training.data.shards.pairs import read_pairs
from training.data.tally import Tally

PICTURE = encode_picture()


def read(path):
    """Captions of each pair, and the counts."""
    tally = Tally()
    return [pair.captions for pair in read_pairs(str(path), tally)], dict(tally.passed_over)


@pytest.mark.parametrize(
    ("picture", "caption"),
    [
        ("0001.jpg", "0001.txt"),
        ("0001.JPG", "0001.TXT"),
        ("0001.Jpeg", "0001.txt"),
        ("0001.jfif", "0001.text"),
        ("0001.tif", "0001.caption"),
        ("IMG_2024.05.01.jpg", "IMG_2024.05.01.txt"),
        ("v1.0/0001.jpg", "v1.0/0001.txt"),
        ("./0001.jpg", "0001.txt"),
        ("0001.image.jpg", "0001.caption.txt"),
        ("0001.jpg", "0001.jpg.txt"),
        ("0001.webp", "0001.txt"),
    ],
)
@pytest.mark.parametrize("caption_first", [False, True])
def test_names_that_belong_together(tmp_path, picture, caption, caption_first):
    """With webdataset 1.0.2 names break at the first dot: of ``IMG_2024.05.01.jpg`` it takes
    ``05.01.jpg`` for the ending, and finds no pair in a whole camera's pictures.
    """
    pair = [(picture, PICTURE), (caption, "a car")]
    shard = write_shard(tmp_path / "a.tar", pair[::-1] if caption_first else pair)
    assert read(shard) == ([["a car"]], {})


def test_dots_do_not_join_the_pictures_of_a_camera(tmp_path):
    shard = write_shard(
        tmp_path / "a.tar",
        [
            (f"IMG_2024.05.{number:02}{ending}", content)
            for number in range(5)
            for ending, content in ((".jpg", PICTURE), (".txt", f"picture {number}"))
        ],
    )
    assert read(shard) == ([[f"picture {number}"] for number in range(5)], {})


@pytest.mark.parametrize(
    ("extra", "counts"),
    [
        ([("9.jpg", PICTURE)], {pairs.NO_CAPTION: 1}),
        ([("9.txt", "a bus"), ("8.json", "{}")], {pairs.NO_PICTURE: 2}),
        ([("1.jpg", PICTURE)], {pairs.DUPLICATE: 1}),
        ([("1.JPG", PICTURE), ("1.TXT", "a bus")], {pairs.DUPLICATE: 2}),
        ([("9.jpg", PICTURE), ("9.txt", " ")], {EMPTY: 1}),
        ([("9.jpg", PICTURE), ("9.json", "{")], {UNREADABLE: 1}),
        ([("1.cls", "3"), ("README", "hello")],
         {f"{pairs.OTHERS} (.cls)": 1, f"{pairs.OTHERS} (no ending)": 1}),
        ([("1.mask.png", PICTURE)], {pairs.NO_CAPTION: 1}),
        ([("._1.jpg", "x"), (".DS_Store", "x")], {members.OF_THE_SYSTEM: 2}),
        ([("__meta__", "x")], {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [False, True])
def test_what_is_passed_over_is_counted_by_kind(tmp_path, extra, counts, first):
    pair = [("1.jpg", PICTURE), ("1.txt", "a car")]
    duplicates = pairs.DUPLICATE in counts
    shard = write_shard(
        tmp_path / "a.tar", extra + pair if first and not duplicates else pair + extra
    )
    assert read(shard) == ([["a car"]], counts)


def test_halves_need_not_stand_side_by_side(tmp_path):
    shard = [
        *(("a" + str(n) + ".jpg", PICTURE) for n in range(3)),
        *((f"a{n}.txt", str(n)) for n in range(3)),
    ]
    assert read(write_shard(tmp_path / "a.tar", shard)) == ([["0"], ["1"], ["2"]], {})


def test_halves_that_wait_do_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, "MOST_WAITING_BYTES", 3 * len(PICTURE))
    lonely = [(f"a{number}.jpg", PICTURE) for number in range(10)]
    late = [("a0.txt", "too late"), ("a9.txt", "in time")]
    found, counts = read(write_shard(tmp_path / "a.tar", lonely + late))
    assert found == [["in time"]]
    assert counts == {pairs.NO_CAPTION: 9, pairs.NO_PICTURE: 1}


def test_a_text_goes_before_json_unless_it_is_empty(tmp_path):
    shard = [
        ("0.jpg", PICTURE), ("0.json", '{"caption": "of json"}'), ("0.txt", "of text"),
        ("1.jpg", PICTURE), ("1.json", '{"caption": "of json"}'), ("1.txt", ""),
    ]  # fmt: skip
    assert read(write_shard(tmp_path / "a.tar", shard)) == ([["of text"], ["of json"]], {})


def test_a_shard_without_a_pair_names_what_it_holds(tmp_path):
    shard = write_shard(
        tmp_path / "a.tar", [("1.png", PICTURE), ("2.txt", "a car"), ("x.cls", "1")]
    )
    with pytest.raises(UserError) as caught:
        read(shard)
    for part in ("3 files", "'1.png', '2.txt', 'x.cls'", pairs.NO_CAPTION, "expected NAME.jpg"):
        assert part in str(caught.value)
    assert read(write_shard(tmp_path / "empty.tar", [])) == ([], {pairs.EMPTY_SHARD: 1})


@pytest.mark.parametrize(
    "content",
    [b"", b"no tar " * 5000, gzip.compress(b"no tar " * 500, mtime=0)],
    ids=["empty", "text", "packed text"],
)
def test_a_file_that_is_no_tar_is_refused(tmp_path, content):
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.tar' of --train-data is no tar file"):
        read(path)


def test_compressed_tars_and_pipes_are_read(tmp_path):
    path = Path(write_shard(tmp_path / "a.tar", numbered_pairs(3)))
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read(packed) == read(f"pipe:cat {path}") == ([["0"], ["1"], ["2"]], {})
    with pytest.raises(UserError, match="no tar file"):
        read(f"pipe:cat {tmp_path}/missing.tar")


def test_a_cut_off_tar_gives_what_it_has(tmp_path):
    path = Path(write_shard(tmp_path / "a.tar", numbered_pairs(3)))
    whole = path.read_bytes()
    # 3 pairs are 2 * 3 headers of 512 bytes, and contents padded to 512 or more.
    for size in (whole.index(b"00002.jpg") + 700, whole.index(b"00002.jpg") + 100):
        path.write_bytes(whole[:size])
        assert read(path) == ([["0"], ["1"]], {members.CUT_OFF: 1})


def test_a_damaged_place_costs_no_more_than_its_file(tmp_path):
    """CPython 3.11's tarfile ends at a header that is none, without a word."""
    path = Path(write_shard(tmp_path / "a.tar", numbered_pairs(3)))
    whole = bytearray(path.read_bytes())
    place = whole.index(b"00001.txt")
    whole[place : place + 512] = b"\xaa" * 512
    path.write_bytes(whole)
    assert read(path) == ([["0"], ["2"]], {members.DAMAGED: 1, pairs.NO_CAPTION: 1})


def test_tars_written_one_after_the_other_are_all_read(tmp_path):
    """CPython 3.11's tarfile ends behind the first."""
    parts = [Path(write_shard(tmp_path / f"{n}.tar", numbered_pairs(2, 2 * n))) for n in (0, 1)]
    both = tmp_path / "both.tar"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert read(both) == ([["0"], ["1"], ["2"], ["3"]], {})
