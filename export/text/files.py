"""The text files of a bundle: encoder, tokenizer, vocabulary; built once for all precisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export.even_spacing import evenly_spaced
from export.graph.rewrites.round_like_half import round_like_half
from export.graph.rewrites.store_as_half import store_as_half
from export.graph.rewrites.store_as_int8 import store_as_int8
from export.graph.staged_graph import StagedGraph, save_graph
from export.graph.tracing import trace_to_onnx
from export.precision.half_range import find_beyond_half, measure_magnitudes
from export.precision.variants import in_precision
from export.progress import Progress, say
from export.text.encoder import TokenTable
from export.text.phrases import parity_phrases
from export.text.tower import TextTower
from export.text.vocabulary import check_against_original, embed_vocabulary, encode_texts
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.bundle import (
    TEXT_ENCODER_FILE,
    TOKENIZER_FILE,
    VOCABULARY_FILE,
    Vocabulary,
    write_vocabulary,
)
from runtime.errors import MgcaError
from runtime.text.open_tokenizer import PromptTokenizer, open_tokenizer
from runtime.text.prompting import embed_names

LEAST_TEXT_COSINE = 0.99
# Of a sentence encoder, on each of many phrases.
LEAST_PHRASE_COSINE = 0.995
_COMPARED_NAMES = 32
_PHRASES_PER_RUN = 50


@dataclass(frozen=True)
class TextSide:
    """What the bundles of one export carry for words.

    Attributes:
        tower: the text tower, in fp32.
        vocabulary: names and their exact embeddings.
        prompts: the prompt templates.
        files: the files that are the same in every precision, by their names in the bundle.
        encoder: the traced fp32 text encoder; None to leave it out.
        token_table: how its token table is stored; None without the encoder.
        phrases: what a sentence encoder's precisions are compared on; empty for CLIP's tower.
        exact_pd: float32 (phrases, D), their embeddings by the tower in fp32.
        mean_first: whether prompts are averaged before they are normalised.
    """

    tower: TextTower
    vocabulary: Vocabulary
    prompts: Sequence[str]
    files: Mapping[str, Path]
    encoder: StagedGraph | None
    token_table: TokenTable | None
    phrases: Sequence[str]
    exact_pd: np.ndarray
    mean_first: bool = False

    @property
    def context_length(self) -> int:
        """Tokens that a prompt may have."""
        return self.tower.context_length

    def open_tokenizer(self) -> PromptTokenizer:
        """The runtime's own, from the bundle's file."""
        path = self.files[TOKENIZER_FILE]
        return open_tokenizer(path, self.context_length, self.tower.tokenizer_kind)


def build_text_side(
    tower: TextTower,
    names: Sequence[str],
    prompts: Sequence[str],
    text_center: Tensor,
    *,
    token_table: TokenTable | None,
    opset: int,
    work: Path,
    progress: Progress,
    mean_first: bool = False,
) -> TextSide:
    """Embed the names, write the vocabulary and (unless left out) trace the encoder.

    Args:
        tower: encodes the names.
        names: distinct class names.
        prompts: templates with one ``{}`` each.
        text_center: float32 (D,), taken off every embedding.
        token_table: how the encoder stores its token table; None leaves the encoder out.
        opset: the ONNX operator set.
        work: a folder; the files that every precision shares stay in it.
        progress: wraps the loop over batches of names.
        mean_first: whether prompts are averaged before they are normalised.

    Raises:
        MgcaError: the text tower written for export is not the original.
    """
    exact = tower.write("fp32")
    own = check_against_original(exact, tower, [p.replace("{}", "cat") for p in prompts])
    if own < 0.99999:
        raise MgcaError(
            f"the text tower differs from the original (cosine {own:.6f}): a fault of the export"
        )
    vocabulary = embed_vocabulary(
        names, prompts, tower, exact, text_center, progress, mean_first=mean_first
    )
    files = {VOCABULARY_FILE: work / VOCABULARY_FILE}
    write_vocabulary(files[VOCABULARY_FILE], vocabulary)
    encoder, phrases = None, []
    if token_table is not None:
        files[TOKENIZER_FILE] = work / TOKENIZER_FILE
        files[TOKENIZER_FILE].write_bytes(tower.tokenizer_json())
        encoder = _trace_encoder(tower, tower.write(token_table), work, opset)
        phrases = parity_phrases(names) if tower.is_sentence else []
    batches = progress(list(_batches(phrases, _PHRASES_PER_RUN)), "phrases") if phrases else ()
    rows = [encode_texts(batch, tower, exact) for batch in batches]
    width = vocabulary.embedding_width
    exact_pd = np.concatenate(rows) if rows else np.zeros((0, width), np.float32)
    say(f"text: {len(names)} names ready")
    return TextSide(
        tower, vocabulary, prompts, files, encoder, token_table, phrases, exact_pd, mean_first
    )


def write_text_files(
    text: TextSide, precision: str, folder: Path, *, keeps: bool = False
) -> tuple[dict[str, Path], dict[str, Any]]:
    """Write the text encoder in one precision; its figures go to the log and the manifest.

    Args:
        text: what the bundles carry for words.
        precision: of the bundle.
        folder: where the encoder's file goes.
        keeps: nodes that half precision cannot hold may stay in fp32.

    Returns:
        All text files of the bundle by name, and the encoder's parity figures (empty without one).

    Raises:
        MgcaError: the encoder's embeddings are too far from the exact ones, or its values do not
            fit into half precision and may not be kept in fp32.
    """
    if text.encoder is None:
        return dict(text.files), {}
    path = folder / TEXT_ENCODER_FILE
    # The text encoder runs on the CPU whatever runs the frames.
    own = "int8" if precision == "int8-static" else precision
    nodes = _nodes_beyond_half(text, folder, keeps=keeps) if own == "fp16" else ()
    if text.tower.is_sentence and (own == "int8" or text.token_table == "int8"):
        model = _copy(text.encoder.model)
        # The head's softmax over class names would make much of small errors.
        store_as_int8(model, but="head")
        store_as_half(model)
    else:
        model = in_precision(text.encoder, own, (), folder, keep_nodes=nodes).model
    save_graph(model, path)
    files = {**text.files, TEXT_ENCODER_FILE: path}
    measured = _measure_as_devices_do(text, files, model, folder)
    size = path.stat().st_size / 2**20
    say(
        f"text encoder {precision}: {size:.1f} MiB ({text.token_table} token table), cosine to "
        f"PyTorch mean {measured['cosine_mean']:.6f} min {measured['cosine_min']:.6f}"
    )
    if measured["cosine_min"] < LEAST_TEXT_COSINE:
        raise MgcaError(
            f"text encoder {precision}: cosine {measured['cosine_min']:.5f} with PyTorch is under "
            f"{LEAST_TEXT_COSINE}; use --token-table fp16, or --precision fp32"
        )
    phrase_min = measured.get("phrase_cosine_min", 1.0)
    if not phrase_min >= LEAST_PHRASE_COSINE:
        raise MgcaError(
            f"text encoder {precision}: cosine {phrase_min:.5f} with PyTorch on one of "
            f"{len(text.phrases)} phrases is under {LEAST_PHRASE_COSINE}; use --token-table fp16, "
            "or --precision fp32"
        )
    return files, {"token_table": text.token_table, **measured}


def measure_text_parity(text: TextSide, files: Mapping[str, Path]) -> dict[str, Any]:
    """Encode some names, and phrases, as the device will, and compare with the exact embeddings.

    Args:
        text: what the bundles carry for words.
        files: the bundle's, by name; the encoder's is measured.

    Returns:
        ``cosine_mean`` and ``cosine_min`` over the names, after prompts and centre; of a sentence
        encoder ``phrases``, their number, ``phrase_cosine_mean`` and ``phrase_cosine_min`` too.
    """
    vocabulary = text.vocabulary
    chosen = evenly_spaced(len(vocabulary.names), _COMPARED_NAMES)
    names = [vocabulary.names[index] for index in chosen]
    tokenizer = text.open_tokenizer()
    with OnnxRuntimeBackend(files[TEXT_ENCODER_FILE], "cpu") as backend:

        def encode(texts: Sequence[str]) -> np.ndarray:
            feeds = _token_batches(text.tower, tokenizer, texts)
            return np.concatenate([backend.run(feed)["embedding"] for feed in feeds])

        center = vocabulary.text_center
        rows = embed_names(names, text.prompts, encode, center, text.mean_first)
        phrases = encode(text.phrases) if text.phrases else None
    figures = _cosines(rows, vocabulary.embeddings[chosen], "cosine")
    if phrases is None:
        return figures
    return {
        **figures,
        "phrases": len(text.phrases),
        **_cosines(phrases, text.exact_pd, "phrase_cosine"),
    }


def _cosines(rows: np.ndarray, exact: np.ndarray, name: str) -> dict[str, float]:
    similar = (rows.astype(np.float64) * exact).sum(axis=1)
    similar /= np.linalg.norm(rows.astype(np.float64), axis=1) * np.linalg.norm(exact, axis=1)
    return {
        f"{name}_mean": round(float(similar.mean()), 7),
        f"{name}_min": round(float(similar.min()), 7),
    }


def _measure_as_devices_do(
    text: TextSide, files: Mapping[str, Path], model: onnx.ModelProto, folder: Path
) -> dict[str, Any]:
    """Measure the written encoder; of half precision a graph that rounds wherever a device does."""
    rounding, path = _copy(model), folder / "rounding-text.onnx"
    if round_like_half(rounding):
        save_graph(rounding, path)
        files = {**files, TEXT_ENCODER_FILE: path}
    measured = measure_text_parity(text, files)
    path.unlink(missing_ok=True)
    return measured


def _nodes_beyond_half(text: TextSide, folder: Path, *, keeps: bool) -> frozenset[str]:
    """The encoder's nodes that must stay in fp32, by a run on the compared names."""
    assert text.encoder is not None
    names = text.vocabulary.names
    chosen = [names[index] for index in evenly_spaced(len(names), _COMPARED_NAMES)]
    prompts = [prompt.replace("{}", name) for name in chosen for prompt in text.prompts]
    feeds = _token_batches(text.tower, text.open_tokenizer(), prompts)
    magnitudes = measure_magnitudes(text.encoder.model, feeds, folder / "magnitudes-text.onnx")
    found = find_beyond_half(text.encoder, magnitudes, ())
    return found.admit("text encoder fp16", keeps=keeps)


def _token_batches(
    tower: TextTower, tokenizer: PromptTokenizer, texts: Sequence[str]
) -> Iterator[dict[str, np.ndarray]]:
    """Inputs of the encoder, 32 texts each."""
    for batch in _batches(texts, 32):
        tokens = tower.cut(torch.from_numpy(tokenizer(batch)))
        yield {"tokens": np.ascontiguousarray(tokens)}


def _batches(texts: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(texts), size):
        yield list(texts[start : start + size])


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def _trace_encoder(tower: TextTower, encoder: nn.Module, work: Path, opset: int) -> StagedGraph:
    free = {0: torch.export.Dim("n", min=1, max=4096)}
    if not tower.fixed_length:
        free[1] = torch.export.Dim("length", min=2, max=tower.context_length)
    model = trace_to_onnx(
        encoder,
        (tower.example,),
        work,
        inputs=["tokens"],
        outputs=["embedding"],
        dynamic={"tokens": free},
        opset=opset,
    )
    return StagedGraph(model, {node.name: "text" for node in model.graph.node})
