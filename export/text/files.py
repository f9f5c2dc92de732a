"""The text files of a bundle: encoder, tokenizer, vocabulary; built once for all precisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from open_clip import CLIP
from torch import Tensor

from export.even_spacing import evenly_spaced
from export.graph.rewrites.round_like_half import round_like_half
from export.graph.staged_graph import StagedGraph, save_graph
from export.graph.tracing import trace_to_onnx
from export.precision.half_range import find_beyond_half, measure_magnitudes
from export.precision.variants import in_precision
from export.progress import Progress, say
from export.text.encoder import TextEncoder, TokenTable
from export.text.tokenizer import build_tokenizer_json
from export.text.vocabulary import check_against_open_clip, cut_padding, embed_vocabulary
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.bundle import (
    TEXT_ENCODER_FILE,
    TOKENIZER_FILE,
    VOCABULARY_FILE,
    Vocabulary,
    write_vocabulary,
)
from runtime.errors import MgcaError
from runtime.text.prompting import embed_names
from runtime.text.tokenizer import Tokenizer
from training.model.clip import tokenizer_for

LEAST_TEXT_COSINE = 0.99
_COMPARED_NAMES = 32


@dataclass(frozen=True)
class TextSide:
    """What the bundles of one export carry for words.

    Attributes:
        vocabulary: names and their exact embeddings.
        prompts: the prompt templates.
        context_length: tokens a prompt may have.
        files: the files that are the same in every precision, by their names in the bundle.
        encoder: the traced fp32 text encoder; None to leave it out.
        token_table: how its token table is stored; None without the encoder.
    """

    vocabulary: Vocabulary
    prompts: Sequence[str]
    context_length: int
    files: Mapping[str, Path]
    encoder: StagedGraph | None
    token_table: TokenTable | None


def build_text_side(
    clip: CLIP,
    names: Sequence[str],
    prompts: Sequence[str],
    text_center: Tensor,
    *,
    token_table: TokenTable | None,
    opset: int,
    work: Path,
    progress: Progress,
) -> TextSide:
    """Embed the names, write the vocabulary and (unless left out) trace the encoder.

    Args:
        clip: whose text tower encodes.
        names: distinct class names.
        prompts: templates with one ``{}`` each.
        text_center: float32 (D,), taken off every embedding.
        token_table: how the encoder stores its token table; None leaves the encoder out.
        opset: the ONNX operator set.
        work: a folder; the files that every precision shares stay in it.
        progress: wraps the loop over batches of names.

    Raises:
        MgcaError: the text tower written for export is not open_clip's.
    """
    exact = TextEncoder(clip).eval()
    own = check_against_open_clip(exact, clip, [p.replace("{}", "cat") for p in prompts])
    if own < 0.99999:
        raise MgcaError(
            f"the text tower differs from open_clip's (cosine {own:.6f}): a fault of the export"
        )
    tokenizer = tokenizer_for(clip)
    vocabulary = embed_vocabulary(names, prompts, exact, tokenizer, text_center, progress)
    files = {VOCABULARY_FILE: work / VOCABULARY_FILE}
    write_vocabulary(files[VOCABULARY_FILE], vocabulary)
    encoder = None
    if token_table is not None:
        files[TOKENIZER_FILE] = work / TOKENIZER_FILE
        files[TOKENIZER_FILE].write_bytes(build_tokenizer_json())
        module = TextEncoder(clip, token_table).eval()
        encoder = _trace_encoder(module, clip.context_length, work, opset)
    say(f"text: {len(names)} names ready")
    return TextSide(vocabulary, prompts, clip.context_length, files, encoder, token_table)


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
    return files, {"token_table": text.token_table, **measured}


def measure_text_parity(
    files: Mapping[str, Path], vocabulary: Vocabulary, prompts: Sequence[str], context_length: int
) -> dict[str, float]:
    """Encode some names as the device will, and compare with the exact embeddings.

    Returns:
        ``cosine_mean`` and ``cosine_min`` over the names, after prompts and centre.
    """
    chosen = evenly_spaced(len(vocabulary.names), _COMPARED_NAMES)
    names = [vocabulary.names[index] for index in chosen]
    tokenizer = Tokenizer(files[TOKENIZER_FILE], context_length)
    with OnnxRuntimeBackend(files[TEXT_ENCODER_FILE], "cpu") as backend:

        def encode(texts: list[str]) -> np.ndarray:
            feeds = _token_batches(tokenizer, texts)
            return np.concatenate([backend.run(feed)["embedding"] for feed in feeds])

        rows = embed_names(names, prompts, encode, vocabulary.text_center)
    similar = (rows.astype(np.float64) * vocabulary.embeddings[chosen]).sum(axis=1)
    return {
        "cosine_mean": round(float(similar.mean()), 7),
        "cosine_min": round(float(similar.min()), 7),
    }


def _measure_as_devices_do(
    text: TextSide, files: Mapping[str, Path], model: onnx.ModelProto, folder: Path
) -> dict[str, float]:
    """Measure the written encoder; of half precision a graph that rounds wherever a device does."""
    rounding, path = onnx.ModelProto(), folder / "rounding-text.onnx"
    rounding.CopyFrom(model)
    if round_like_half(rounding):
        save_graph(rounding, path)
        files = {**files, TEXT_ENCODER_FILE: path}
    measured = measure_text_parity(files, text.vocabulary, text.prompts, text.context_length)
    path.unlink(missing_ok=True)
    return measured


def _nodes_beyond_half(text: TextSide, folder: Path, *, keeps: bool) -> frozenset[str]:
    """The encoder's nodes that must stay in fp32, by a run on the compared names."""
    assert text.encoder is not None
    names = text.vocabulary.names
    chosen = [names[index] for index in evenly_spaced(len(names), _COMPARED_NAMES)]
    prompts = [prompt.replace("{}", name) for name in chosen for prompt in text.prompts]
    tokenizer = Tokenizer(text.files[TOKENIZER_FILE], text.context_length)
    feeds = _token_batches(tokenizer, prompts)
    magnitudes = measure_magnitudes(text.encoder.model, feeds, folder / "magnitudes-text.onnx")
    found = find_beyond_half(text.encoder, magnitudes, ())
    return found.admit("text encoder fp16", keeps=keeps)


def _token_batches(tokenizer: Tokenizer, texts: list[str]) -> Iterator[dict[str, np.ndarray]]:
    """Inputs of the encoder, 32 texts each."""
    for start in range(0, len(texts), 32):
        tokens = cut_padding(torch.from_numpy(tokenizer(texts[start : start + 32])))
        yield {"tokens": np.ascontiguousarray(tokens)}


def _trace_encoder(
    encoder: TextEncoder, context_length: int, work: Path, opset: int
) -> StagedGraph:
    # Three different texts, their ends (the largest id) inside the shortest length.
    tokens = torch.arange(3 * min(8, context_length)).reshape(3, -1)
    tokens[:, 1] = encoder.embed.table.shape[0] - 1
    model = trace_to_onnx(
        encoder,
        (tokens,),
        work,
        inputs=["tokens"],
        outputs=["embedding"],
        dynamic={
            "tokens": {
                0: torch.export.Dim("n", min=1, max=4096),
                1: torch.export.Dim("length", min=2, max=context_length),
            }
        },
        opset=opset,
    )
    return StagedGraph(model, {node.name: "text" for node in model.graph.node})
