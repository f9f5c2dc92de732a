"""The text files of a bundle: encoder, tokenizer, vocabulary; built once for all precisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from open_clip import CLIP

from export.frames import evenly_spaced
from export.graph import trace_to_onnx
from export.progress import Progress
from export.settings import ExportSettings
from export.stages import strip_exporter_records
from export.subject import Subject
from export.text_encoder import TextEncoder
from export.tokenizer import build_tokenizer_json
from export.vocabulary import check_against_open_clip, cut_padding, embed_vocabulary
from runtime.backends.onnxruntime import OnnxRuntimeBackend
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

LEAST_TEXT_COSINE = 0.99
_COMPARED_NAMES = 32


@dataclass(frozen=True)
class TextSide:
    """What a bundle carries for words.

    Attributes:
        vocabulary: names and exact embeddings.
        files: the files by their names in the bundle.
        parity: figures of the text encoder against PyTorch, for the manifest.
        summary: the same in a few words.
    """

    vocabulary: Vocabulary
    files: Mapping[str, Path]
    parity: Mapping[str, Any]
    summary: str


def build_text_side(
    subject: Subject,
    names: Sequence[str],
    settings: ExportSettings,
    work: Path,
    progress: Progress,
) -> TextSide:
    """Embed the names, write the vocabulary and (unless left out) encoder and tokenizer.

    Raises:
        MgcaError: the text encoder as exported is not the one in PyTorch.
    """
    clip, templates = subject.clip, subject.templates
    exact = TextEncoder(clip).eval()
    own = check_against_open_clip(exact, clip, [p.replace("{}", "cat") for p in templates.prompts])
    if own < 0.99999:
        raise MgcaError(
            f"the text tower differs from open_clip's (cosine {own:.6f}): a fault of the export"
        )
    vocabulary = embed_vocabulary(
        names, templates.prompts, exact, clip.context_length, subject.text_center, progress
    )
    files = {VOCABULARY_FILE: work / VOCABULARY_FILE}
    write_vocabulary(files[VOCABULARY_FILE], vocabulary)
    if not settings.text_encoder:
        return TextSide(vocabulary, files, {}, "no text encoder")
    files[TEXT_ENCODER_FILE] = work / TEXT_ENCODER_FILE
    files[TOKENIZER_FILE] = work / TOKENIZER_FILE
    _write_encoder(
        TextEncoder(clip, settings.token_table).eval(),
        clip,
        files[TEXT_ENCODER_FILE],
        settings.opset,
    )
    files[TOKENIZER_FILE].write_bytes(build_tokenizer_json())
    measured = measure_text_parity(files, vocabulary, templates.prompts, clip.context_length)
    lowest = measured["cosine_min"]
    parity = {"token_table": settings.token_table, **measured}
    if lowest < LEAST_TEXT_COSINE:
        raise MgcaError(
            f"text encoder with {settings.token_table} token table: cosine {lowest:.5f} with "
            f"PyTorch is under {LEAST_TEXT_COSINE}; use --token-table fp16"
        )
    size = files[TEXT_ENCODER_FILE].stat().st_size / 2**20
    summary = (
        f"encoder {size:.1f} MiB ({settings.token_table} token table), cosine to PyTorch mean "
        f"{parity['cosine_mean']:.6f} min {lowest:.6f}"
    )
    return TextSide(vocabulary, files, parity, summary)


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
            parts = []
            for start in range(0, len(texts), 32):
                tokens = cut_padding(torch.from_numpy(tokenizer(texts[start : start + 32])))
                parts.append(backend.run({"tokens": np.ascontiguousarray(tokens)})["embedding"])
            return np.concatenate(parts)

        rows = embed_names(names, prompts, encode, vocabulary.text_center)
    similar = (rows.astype(np.float64) * vocabulary.embeddings[chosen]).sum(axis=1)
    return {
        "cosine_mean": round(float(similar.mean()), 7),
        "cosine_min": round(float(similar.min()), 7),
    }


def _write_encoder(encoder: TextEncoder, clip: CLIP, path: Path, opset: int) -> None:
    tokens = torch.zeros(3, min(8, clip.context_length), dtype=torch.int64)
    tokens[:, 4] = 1
    model = trace_to_onnx(
        encoder,
        (tokens,),
        path,
        inputs=["tokens"],
        outputs=["embedding"],
        dynamic={
            "tokens": {
                0: torch.export.Dim("n", min=1, max=4096),
                1: torch.export.Dim("length", min=2, max=clip.context_length),
            }
        },
        opset=opset,
    )
    strip_exporter_records(model)
    onnx.save(model, str(path))
