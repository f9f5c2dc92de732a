"""Words in other templates than the bundle's own, and words as they are typed."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from runtime.bundle import Bundle, TemplateSet
from runtime.errors import UserError
from runtime.text.embedder import TextEmbedder
from runtime.text.encoder import TextEncoder
from runtime.text.queries import prepare_queries
from runtime.text.template_sets import TEMPLATE_SETS, read_templates, template_set
from runtime.text.wording import Wording

LONG = TemplateSet("long", ("a {}.", "the long list of {}s"))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def test_the_sets() -> None:
    prompts = {name: template_set(name).prompts for name in TEMPLATE_SETS}
    assert (len(set(prompts["imagenet"])), len(set(prompts["tcl"]))) == (80, 9)
    assert set(prompts["openai"]) <= set(prompts["imagenet"])
    assert all(one.count("{}") == 1 for some in prompts.values() for one in some)
    assert [name for name in TEMPLATE_SETS if template_set(name).mean_first] == ["tcl"]
    assert read_templates("bundle") is None


def test_a_set_out_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# ours\na {} seen from above\n\n{}\n")
    found = read_templates(str(path))
    assert found is not None and found.name.startswith("file:mine.txt-")
    assert found.prompts == ("a {} seen from above", "{}")
    for content, says in ((b"a car\n", "the line 'a car'"), (b"# none\n", "0 lines"), (b"\xff{}",
        "is not UTF-8")):  # fmt: skip
        path.write_bytes(content)
        with pytest.raises(UserError, match=says):
            read_templates(str(path))
    with pytest.raises(UserError, match=r"neither a set nor a file.*bundle, streetworld.*tcl"):
        read_templates("imagnet")


def test_prompts_are_averaged_after_or_before_they_are_normalised(bundle: Bundle) -> None:
    encoder = TextEncoder(bundle)
    first, second = encoder.encode(["a car.", "the long list of cars"]).astype(np.float64)
    encoder.close()
    own = TextEmbedder(bundle)
    asking = own.asking(Wording(LONG))
    after, before = _unit(first) + _unit(second), first + second
    (found,) = asking.embed(["car"], allow_unknown=True)
    assert found == pytest.approx(_unit(after), abs=1e-6)
    mean_first = Wording(TemplateSet("long", LONG.prompts, mean_first=True))
    (found,) = own.asking(mean_first).embed(["car"], allow_unknown=True)
    assert found == pytest.approx(_unit(before), abs=1e-6)
    assert np.abs(_unit(after) - found).max() > 1e-4
    own.close()


def test_what_is_ready_in_one_set_is_not_taken_for_another(bundle: Bundle) -> None:
    own = TextEmbedder(bundle)
    other = own.asking(Wording(LONG))
    ready = own.embed(["red"])
    assert np.abs(other.embed(["red"]) - ready).max() > 1e-3
    np.testing.assert_array_equal(own.embed(["red"]), ready)
    same = TemplateSet("by another name", own.templates.prompts)
    assert own.asking(Wording(same)) is own and other.asking(Wording()) is own
    assert own.asking(Wording(LONG)) is other
    own.close()


def test_other_templates_need_a_text_encoder(make_bundle) -> None:
    files = {"text_encoder.onnx": None, "tokenizer.json": None}
    embedder = TextEmbedder(make_bundle(files=files, background_words=("green",)))
    with pytest.raises(UserError, match=r"no text encoder.*own templates \(two\), not in long;"):
        prepare_queries(embedder, "red", "none", False, Wording(LONG))
    exact = prepare_queries(embedder, "red", "none", False, Wording(exact=True))
    assert exact.words == ("red",)


def test_words_as_they_are_typed(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    embedder = TextEmbedder(bundle)
    with pytest.raises(UserError, match="one word to this model"):
        prepare_queries(embedder, "red,reds", "none", True)
    with pytest.raises(UserError, match=r"also one of the classes.*--exact-words"):
        prepare_queries(embedder, "red,green", "blue,red", True)
    asked = Wording(exact=True)
    queries = prepare_queries(embedder, "red,reds", "none", True, asked)
    assert np.abs(queries.text[0] - queries.text[1]).max() > 1e-3
    with caplog.at_level(logging.WARNING, "mgca.words"):
        queries = prepare_queries(embedder, "red,green", "blue,red", True, asked)
    assert "'red': both of a class and of the background" in caplog.text
    assert queries.words == ("red", "red", "green", "blue")
    assert queries.label_of_row.tolist() == [255, 0, 1, 255]
    assert queries.wording == asked and queries.background == ("blue", "red")
    embedder.close()
