"""The bundle's text encoder, opened only when a name is not in the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.backends.open import open_backend
from runtime.backends.protocol import Backend, expect_tensors
from runtime.bundle import TEXT_ENCODER_FILE, TOKENIZER_FILE, Bundle
from runtime.errors import BundleError, MgcaError, UserError
from runtime.text.open_tokenizer import PromptTokenizer, open_tokenizer

if TYPE_CHECKING:
    import numpy as np

# Names are few and prompts short: a batch of this many bounds memory at real CLIP's width.
_PROMPTS_PER_RUN = 32
_REMEDY = "export the bundle again with python -m export"


class TextEncoder:
    """Prompts to raw text embeddings, on the CPU. Opening loads the model; a context manager."""

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        text = bundle.manifest.text
        self._width = bundle.manifest.embedding_width
        self.tokenizer: PromptTokenizer = open_tokenizer(
            bundle.file(TOKENIZER_FILE), text.context_length, text.tokenizer
        )
        self.backend: Backend = open_backend(
            bundle, "onnxruntime-cpu", file=TEXT_ENCODER_FILE, threads=threads
        )
        expect_tensors(
            TEXT_ENCODER_FILE,
            self.backend,
            inputs={"tokens": ("int64", ("n", "length"))},
            outputs={"embedding": ("float32", ("n", bundle.manifest.embedding_width))},
        )

    def encode(self, prompts: Sequence[str]) -> np.ndarray:
        """Embeddings float32 (n, D), neither normalised nor centred, of n prompts."""
        import numpy as np

        batches = []
        for start in range(0, len(prompts), _PROMPTS_PER_RUN):
            tokens = self.tokenizer(prompts[start : start + _PROMPTS_PER_RUN])
            if isinstance(self.backend.inputs["tokens"].shape[1], str):
                # Attention is causal and the end token holds the embedding, or padding is masked:
                # it only costs.
                used = (tokens != self.tokenizer.pad_id).any(axis=0).nonzero()[0]
                tokens = tokens[:, : int(used[-1]) + 1]
            batches.append(self._run(np.ascontiguousarray(tokens)))
        return np.concatenate(batches)

    def _run(self, tokens: np.ndarray) -> np.ndarray:
        """One batch; what the graph declares need not be what it gives."""
        import numpy as np

        try:
            rows = self.backend.run({"tokens": tokens})["embedding"]
        except UserError:
            raise
        except MgcaError as error:  # on the CPU, with tokens that the bundle's own file made
            raise BundleError(f"{TEXT_ENCODER_FILE} does not run: {error}; {_REMEDY}") from error
        found = f"{rows.dtype} {rows.shape}"
        if found != f"float32 {(len(tokens), self._width)}" or not np.isfinite(rows).all():
            raise BundleError(
                f"{TEXT_ENCODER_FILE} gives {found}, expected finite float32 "
                f"{(len(tokens), self._width)}; {_REMEDY}"
            )
        return rows

    def close(self) -> None:
        """Let go of the model."""
        self.backend.close()
