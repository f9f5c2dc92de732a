"""The bundle's text encoder, opened only when a name is not in the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.backends.open import open_backend
from runtime.backends.protocol import Backend, expect_tensors
from runtime.bundle import TEXT_ENCODER_FILE, TOKENIZER_FILE, Bundle
from runtime.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np

# Names are few and prompts short: a batch of this many bounds memory at real CLIP's width.
_PROMPTS_PER_RUN = 32


class TextEncoder:
    """Prompts to raw text embeddings, on the CPU. Opening loads the model; a context manager."""

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        text = bundle.manifest.text
        self.tokenizer = Tokenizer(bundle.file(TOKENIZER_FILE), text.context_length)
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
                # Attention is causal and the end token holds the embedding: padding only costs.
                tokens = tokens[:, : int((tokens != 0).any(axis=0).nonzero()[0][-1]) + 1]
            batches.append(self.backend.run({"tokens": np.ascontiguousarray(tokens)})["embedding"])
        return np.concatenate(batches)

    def close(self) -> None:
        """Let go of the model."""
        self.backend.close()
