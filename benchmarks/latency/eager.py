"""The checkpoint's model in PyTorch, operator by operator, in the place of a backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.backends.protocol import ClosingBackend, TensorSpec, check_feeds, check_wanted
from runtime.bundle import Bundle
from runtime.errors import MgcaError, UserError

if TYPE_CHECKING:
    import numpy as np


class EagerBackend(ClosingBackend):
    """Runs what an export would trace, with the outputs that a bundle's graph has.

    Args:
        checkpoint: written by ``python -m training.run``; None for the shipped demo's.
        bundle: exported from it; says the input size.
        threads: of PyTorch, in the whole process; None for its choice.

    Raises:
        UserError: no checkpoint of ours, or one of another shape than the bundle.
        ImportError: no torch.
    """

    name = "pytorch-eager"

    def __init__(self, checkpoint: Path | None, bundle: Bundle, threads: int | None) -> None:
        import torch

        if threads is not None:
            torch.set_num_threads(threads)
        manifest = bundle.manifest
        self.provider = f"PyTorch {torch.__version__} eager, {torch.get_num_threads()} threads"
        self._module: Any = _load_module(
            checkpoint, manifest.input.size_wh, manifest.embedding_width
        )
        width, height = manifest.input.size_wh
        grid_wh = self._module.grid_wh
        grid = (grid_wh[1], grid_wh[0])
        embedding = int(self._module.model.encoder.embedding_width)
        self.inputs = {
            "frame": TensorSpec("uint8", (1, height, width, 3)),
            "text": TensorSpec("float32", ("K", embedding)),
        }
        self.outputs = {
            "class_scores": TensorSpec("float32", (1, "K", *grid)),
            "unit_of_pixel": TensorSpec("int32", (1, *grid)),
            "unit_scores": TensorSpec("float32", (manifest.output.units, "K")),
            "pixel_scores": TensorSpec("float32", (1, "K", *grid)),
        }

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Run once; see :class:`runtime.backends.protocol.Backend`."""
        import torch

        if self._module is None:
            raise MgcaError("this backend has been closed; open it again to run it")
        check_feeds(self.inputs, feeds)
        wanted = check_wanted(self.outputs, outputs)
        text = feeds["text"] if feeds["text"].flags.writeable else feeds["text"].copy()
        with torch.inference_mode():
            found = self._module(torch.from_numpy(feeds["frame"]), torch.from_numpy(text))
        named = dict(zip(self.outputs, found, strict=True))
        return {name: named[name].numpy() for name in wanted}

    def close(self) -> None:
        """Let go of the model; a second call does nothing."""
        self._module = None


def _load_module(checkpoint: Path | None, size_wh: tuple[int, int], width: int) -> Any:
    """The traceable module of a checkpoint, in eval mode at this input size; ``width`` is that of
    the bundle's embeddings.
    """
    from export.source import SHIPPED_CHECKPOINT
    from training.engine.checkpoint import load_checkpoint
    from training.model.segmenter import TraceableSegmenter

    path = SHIPPED_CHECKPOINT if checkpoint is None else checkpoint
    loaded = load_checkpoint(path)
    try:
        module = TraceableSegmenter(
            loaded.model.eval(), size_wh, loaded.config.units, loaded.unit_space
        )
    except ValueError as error:
        raise UserError(f"--checkpoint {path} is not the bundle's: {error}") from None
    if loaded.model.encoder.embedding_width != width:
        raise UserError(
            f"--checkpoint {path} is not the bundle's: its embeddings have width "
            f"{loaded.model.encoder.embedding_width}, the bundle's {width}"
        )
    return module.eval()
