from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.errors import BundleError
from runtime.text.tokenizer import Tokenizer, byte_symbols, clean
from tests.support.varied_strings import varied_strings


def clip_tokenizer_json(merges_file: Path) -> dict[str, Any]:
    """What the module's first words ask for, built here on its own out of CLIP's merges."""
    lines = gzip.decompress(merges_file.read_bytes()).decode().split("\n")[1:48895]
    symbols = sorted(byte_symbols(), key=lambda symbol: (ord(symbol) >= 256, ord(symbol)))
    tokens = [*symbols, *(symbol + "</w>" for symbol in symbols)]
    tokens += [line.replace(" ", "") for line in lines] + ["<start_of_text>", "<end_of_text>"]
    vocab = {token: number for number, token in enumerate(tokens)}
    model = {"type": "BPE", "vocab": vocab, "merges": lines, "end_of_word_suffix": "</w>"}
    return {"version": "1.0", "added_tokens": [], "model": model}


@pytest.fixture(scope="module")
def clip_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    open_clip = pytest.importorskip("open_clip")
    from open_clip.tokenizer import default_bpe

    assert open_clip.tokenize is not None
    path = tmp_path_factory.mktemp("clip") / "tokenizer.json"
    path.write_text(json.dumps(clip_tokenizer_json(Path(default_bpe()))))
    return Tokenizer(path, 77)


@pytest.mark.parametrize("count", [1000, pytest.param(4000, marks=pytest.mark.slow)])
def test_identical_to_open_clip(clip_tokenizer: Tokenizer, count: int) -> None:
    import open_clip

    strings = varied_strings(count)
    assert len(set(strings)) >= 0.85 * count
    ours = clip_tokenizer(strings)
    theirs = open_clip.tokenize(strings).numpy()
    different = np.flatnonzero((ours != theirs).any(axis=1))
    assert [strings[row] for row in different[:5]] == []
    assert ours.dtype == theirs.dtype == np.int64


def test_identical_to_open_clip_when_cut(clip_tokenizer: Tokenizer, tmp_path: Path) -> None:
    import open_clip

    strings = varied_strings(500)
    short = Tokenizer.__new__(Tokenizer)
    short.__dict__.update(clip_tokenizer.__dict__, context_length=8)
    np.testing.assert_array_equal(short(strings), open_clip.tokenize(strings, 8).numpy())


def test_small_vocabulary_by_hand(graphs: Any, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(graphs.tokenizer())
    tokenizer = Tokenizer(path, 6)
    # 512 byte symbols, "ca" 512, "car</w>" 513, start 514, end 515; a letter is its byte - 33.
    assert tokenizer.encode("Car") == [513]
    assert tokenizer.encode(" cab ") == [512, 256 + ord("b") - 33]
    assert tokenizer(["car a", "cabcabcab", ""]).tolist() == [
        [514, 513, 256 + ord("a") - 33, 515, 0, 0],
        [514, 512, ord("b") - 33, 512, ord("b") - 33, 515],
        [514, 515, 0, 0, 0, 0],
    ]


def test_clean() -> None:
    assert clean("  Tom &amp;amp; JERRY\n\t!") == "tom & jerry !"
    assert clean("schÃ¶n") == "schön"


def test_foreign_tokenizers_are_refused(graphs: Any, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    good = json.loads(graphs.tokenizer())
    word_level = {**good, "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
    no_end = json.loads(graphs.tokenizer())
    no_end["model"]["vocab"]["<end>"] = no_end["model"]["vocab"].pop("<end_of_text>")
    no_suffix = json.loads(graphs.tokenizer())
    no_suffix["model"].update(end_of_word_suffix=None, merges=["c a"])
    cases = {
        "not json": "is not a tokenizer file (",
        "{}": "is not a tokenizer file (",
        json.dumps(word_level): "holds a WordLevel model, expected BPE",
        json.dumps(no_end): "is not CLIP's tokenizer (no <end_of_text> in its vocabulary)",
        json.dumps(no_suffix): "is not CLIP's tokenizer (no </w> suffix)",
    }
    for text, expected in cases.items():
        path.write_text(text)
        with pytest.raises(BundleError) as caught:
            Tokenizer(path)
        assert str(caught.value).startswith(f"{path} {expected}")
        assert str(caught.value).endswith("; export the bundle again with python -m export")
