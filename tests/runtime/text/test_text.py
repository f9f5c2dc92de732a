from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runtime.bundle import Bundle, Vocabulary
from runtime.errors import UnknownClassError, UserError
from runtime.text.background import choose_background, same_thing
from runtime.text.classes import ClassEntry, parse_classes, read_classes_file
from runtime.text.embedder import TextEmbedder
from runtime.text.prompting import embed_names, fill_prompts, pool_prompts


def test_parse_classes() -> None:
    assert parse_classes("person, traffic  light ,car = car|van| taxi") == (
        ClassEntry("person", ("person",)),
        ClassEntry("traffic light", ("traffic light",)),
        ClassEntry("car", ("car", "van", "taxi")),
    )
    assert parse_classes(["ego=my car|hood", "sky"])[0] == ClassEntry("ego", ("my car", "hood"))
    assert len(parse_classes([f"c{number}" for number in range(254)])) == 254


def test_an_entry_reads_back_as_it_is_written() -> None:
    typed = ["person", "car=car|van", "ego=hood"]
    assert [str(entry) for entry in parse_classes(typed)] == typed


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("", "the list of classes is empty; expected names such as person,car"),
        ([], "the list of classes is empty; expected names such as person,car"),
        (" , ", "the list of classes is empty; expected names such as person,car"),
        ("car,,sky", "classes: '' holds an empty name; expected name or name=word|word"),
        ("car=", "classes: 'car=' holds an empty name; expected name or name=word|word"),
        ("=car", "classes: '=car' holds an empty name; expected name or name=word|word"),
        ("car=car||van", "classes: 'car=car||van' holds an empty name; expected name or name=word|word"),  # noqa: E501
        ("car|van", "classes: 'car|van' gives synonyms without a name; write car=car|van"),
        ("car,sky,Car", "classes: 'Car' is there twice; expected each name and word once"),
        ("car=car|van,bus=bus|VAN", "classes: 'VAN' is there twice; expected each name and word once"),  # noqa: E501
        ("a\x00b", "classes: 'a\\x00b' is not readable text; expected names in UTF-8"),
        ("\udcff", "classes: '\\udcff' is not readable text; expected names in UTF-8"),
        ([3], "the list of classes is empty; expected names such as person,car"),
        (["car", 3], "classes should be texts, found 3; give names such as person"),
        (
            [f"c{number}" for number in range(255)],
            "255 classes given, at most 254 fit a stream; give fewer, "
            "or join some under one name: car=car|van",
        ),
    ],
)  # fmt: skip
def test_bad_class_lists(classes: str | list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_classes(classes)
    assert str(caught.value) == message
    assert caught.value.exit_code == 2


def test_classes_file(tmp_path: Path) -> None:
    path = tmp_path / "street.txt"
    path.write_text("\ufeff# street\nperson\n\ncar=car|van  # wheels\n", encoding="utf-8")
    assert read_classes_file(path) == ["person", "car=car|van"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"street\.txt is not UTF-8 text; expected one name a line"):
        read_classes_file(path)
    path.write_text("# nothing\n")
    with pytest.raises(UserError, match="holds no name; expected one name a line"):
        read_classes_file(path)
    with pytest.raises(UserError, match=r"cannot be read \(No such file or directory\)"):
        read_classes_file(tmp_path / "gone")


def test_prompts_are_averaged_then_centred_by_hand() -> None:
    assert fill_prompts(["car", "a{}b"], ["one {}.", "{}"]) == [
        "one car.",
        "car",
        "one a{}b.",
        "a{}b",
    ]
    encoded = np.array([[[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]]])  # L2n: (.6, .8, 0), (0, 0, 1)
    center = np.array([0.3, 0.0, 0.5], dtype=np.float32)
    # mean (.3, .4, .5) minus the centre: (0, .4, 0), normalised (0, 1, 0)
    np.testing.assert_allclose(pool_prompts(encoded, center), [[0.0, 1.0, 0.0]], atol=1e-6)
    rows = embed_names(["x"], ["{}", "a {}"], lambda prompts: encoded[0], center)
    assert rows.dtype == np.float32 and rows.shape == (1, 3)
    np.testing.assert_allclose(rows, [[0.0, 1.0, 0.0]], atol=1e-6)


def test_a_name_that_equals_the_centre_is_not_nan() -> None:
    assert np.isfinite(pool_prompts(np.ones((1, 1, 1)), np.ones(1))).all()


def test_known_names(bundle: Bundle) -> None:
    embedder = TextEmbedder(bundle)
    for name in (
        "yellow",  # in the vocabulary though not trained
        "Red",
        "red bus",
        "the red bus with a traffic light",
    ):
        assert embedder.is_known(name), name
    for name in ("purple", "purple bus", "bus stop", "traffic", "the", "on a", "light traffic"):
        assert not embedder.is_known(name), name


def test_an_open_vocabulary_knows_every_name(make_bundle: Callable[..., Bundle]) -> None:
    assert TextEmbedder(make_bundle(trained_words=None)).is_known("qwertz")


def test_looked_up_names_need_no_encoder(bundle: Bundle, vocabulary: Vocabulary) -> None:
    embedder = TextEmbedder(bundle)
    rows = embedder.embed(["Blue", "red", "blue"])
    np.testing.assert_array_equal(rows, vocabulary.embeddings[[2, 0, 2]])
    assert embedder._encoder is None


def test_no_more_words_are_kept_than_a_bound(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that was let go is encoded again, as it was."""
    monkeypatch.setattr("runtime.text.embedder.MOST_ENCODED", 3)
    embedder = TextEmbedder(bundle)
    words = [f"word {letter}" for letter in "abcde"]
    first = embedder.embed(words, allow_unknown=True)
    assert list(embedder._encoded) == words[2:]
    assert np.array_equal(embedder.embed(words[:1], allow_unknown=True), first[:1])
    embedder.close()


def test_encoded_on_the_device_by_hand(bundle: Bundle) -> None:
    # "a bus." and "the bus." through the hand-made tokenizer and encoder of conftest.
    def tokens(word: str) -> list[int]:
        return [*(ord(letter) - 33 for letter in word[:-1]), 256 + ord(word[-1]) - 33]

    def embedding(*words: str) -> np.ndarray:
        ids = np.array([514, *(number for word in words for number in tokens(word)), 515])
        longest = 10  # start, t, h, e, b, u, s, ., end is 9; the batch is cut to its longest
        ids = np.pad(ids, (0, max(0, longest - 1 - len(ids))))
        row = np.array([(ids % 7 + 1).mean(), (ids % 5 + 1).mean(), 1.0])
        return row / np.linalg.norm(row)

    mean = (embedding("a", "bus", ".") + embedding("the", "bus", ".")) / 2
    row = TextEmbedder(bundle).embed(["bus"])[0]
    np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_unknown_names_are_refused_with_the_nearest(bundle: Bundle) -> None:
    embedder = TextEmbedder(bundle)
    with pytest.raises(UnknownClassError) as caught:
        embedder.embed(["red", "gren"])
    assert str(caught.value) == (
        "class 'gren' is unknown to this model; the nearest it knows: green; use one of them, or "
        "allow_unknown=True to try it anyway"
    )
    with pytest.raises(UnknownClassError) as caught:
        embedder.embed(["zzzz"])
    assert str(caught.value) == (
        "class 'zzzz' is unknown to this model; it knows 6 names: red, green, blue, yellow, "
        "crimson, dark red; use one of them, or allow_unknown=True to try it anyway"
    )
    assert embedder.embed(["zzzz"], allow_unknown=True).shape == (1, 3)
    with pytest.raises(UnknownClassError):
        embedder.embed(["zzzz"])  # also after it has been encoded once


def test_without_an_encoder_only_the_vocabulary(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(files={"text_encoder.onnx": None, "tokenizer.json": None})
    with pytest.raises(UnknownClassError) as caught:
        TextEmbedder(bundle).embed(["red bus"])
    assert str(caught.value) == (
        "class 'red bus' is not in the bundle's vocabulary, and the bundle has no text encoder; "
        "the nearest it knows: red; use one of them, or export a bundle with the text encoder"
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("car", "Cars", True),
        ("purple bus", "bus", True),
        ("bus", "school bus", True),
        ("bus stop", "bus", False),
        ("grass", "gras", False),
        ("glasses", "glass", False),
        ("zebras", "animal", True),
        ("zebra", "horse", False),
        ("hot dog", "animal", False),
        ("hot dog", "food", True),
        ("firefighter", "person", True),
        ("bus", "bu", False),
        ("car", "scar", False),
    ],
)
def test_same_thing(one: str, other: str, same: bool) -> None:
    assert same_thing(one, other) is same and same_thing(other, one) is same


def test_background_without_near_synonyms(make_bundle: Callable[..., Bundle]) -> None:
    embedder = TextEmbedder(make_bundle(background_words=("green", "blue", "red")))
    # crimson lies at cosine 0.98 from red and 0.2 from green; dark red is a kind of red.
    assert choose_background("auto", parse_classes("crimson"), embedder) == ("green", "blue")
    assert choose_background("auto", parse_classes("dark red"), embedder) == ("green", "blue")
    assert choose_background("AUTO", parse_classes("Blue"), embedder) == ("green", "red")
    assert choose_background("auto", parse_classes("x=red|green|blue"), embedder) == ()


def test_words_of_the_list_are_different_things(bundle: Bundle) -> None:
    # crimson and dark red stand in the list together, 0.969 apart: no less than that is a synonym.
    embedder = TextEmbedder(bundle)
    assert choose_background("auto", parse_classes("crimson"), embedder) == (
        "green",
        "blue",
        "dark red",
    )
    assert choose_background("auto", parse_classes("red"), embedder) == ("green", "blue")


def test_background_bound_without_a_centre(make_bundle: Callable[..., Bundle]) -> None:
    from runtime.bundle import TextInfo

    # yellow lies at 0.889 from dark red: the same thing among centred texts only.
    for centered, kept in ((True, ("blue",)), (False, ("blue", "dark red"))):
        text = TextInfo(12, "e" * 64, centered)
        bundle = make_bundle(f"b{centered}", background_words=("blue", "dark red"), text=text)
        assert choose_background("auto", parse_classes("yellow"), TextEmbedder(bundle)) == kept


def test_background_of_the_users_own(bundle: Bundle) -> None:
    embedder = TextEmbedder(bundle)
    red = parse_classes("red")
    assert choose_background("none", red, embedder) == ()
    assert choose_background([], red, embedder) == ()
    assert choose_background("blue, dark red", red, embedder) == ("blue", "dark red")
    assert choose_background(["green"], red, embedder) == ("green",)
    with pytest.raises(UserError) as caught:
        choose_background("blue,RED", red, embedder)
    assert str(caught.value) == (
        "background word 'RED' is also one of the classes; expected other words; "
        "take it out of one list (--exact-words has it in both, as published protocols do)"
    )
    with pytest.raises(UnknownClassError, match="class 'wall' is unknown to this model"):
        choose_background("wall", red, embedder)
    assert choose_background("wall", red, embedder, allow_unknown=True) == ("wall",)


def test_a_vocabulary_of_another_width_is_refused(
    make_bundle: Callable[..., Bundle], vocabulary: Vocabulary
) -> None:
    with pytest.raises(UserError, match="another embedding width"):
        TextEmbedder(make_bundle(embedding_width=4))
    assert replace(vocabulary).embedding_width == 3
