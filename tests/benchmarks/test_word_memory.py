"""Peak memory against the number of words: how words are made, and the bound that is claimed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.word_memory import main, parse_words, random_queries
from runtime.errors import UserError


def test_words_are_classes_first_and_background_after() -> None:
    queries = random_queries(300, 8)
    assert len(queries.class_names) == 254 and len(queries.background) == 46
    assert queries.label_of_row[:254].tolist() == list(range(254))
    assert (queries.label_of_row[254:] == 255).all()
    np.testing.assert_allclose(np.linalg.norm(queries.text, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("text", ["", "0", "1,x", "1025"])
def test_numbers_that_no_graph_takes(text: str) -> None:
    with pytest.raises(UserError, match="expected numbers from 1 to 1024"):
        parse_words(text)


@pytest.mark.slow
def test_a_thousand_words_cost_little_more_than_one(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    assert main(["--words", "1,1024", "--json", str(path)]) == 0
    one, many = json.loads(path.read_text())["peaks"]
    # All scores of 1024 words on the demo's grid are 28 MB, and the graph held three such tensors.
    assert many["peak_mib"] - one["peak_mib"] < 56
