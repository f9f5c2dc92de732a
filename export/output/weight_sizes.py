"""How many bytes the parts of an export take, counted on the model before anything is written."""

from __future__ import annotations

from torch import nn

from export.output.disk_space import WeightSizes
from export.source import ExportSource
from export.text.encoder import TokenTable

_LEFT_OF_TABLE = {"fp32": 1.0, "fp16": 0.5, "int8": 0.3}
# The parts of a bundle that grow neither with the weights nor with the names: the tokenizer.
_OTHER_BYTES = 4 * 2**20


def measure_weights(
    source: ExportSource, token_table: TokenTable | None, names: int
) -> WeightSizes:
    """Count the bytes of a model's parts.

    Args:
        source: what is exported.
        token_table: how the text encoder stores its token table; None: it is left out.
        names: how many names are stored ready encoded.
    """
    decoder: nn.Module = source.model.decoder  # type: ignore[assignment]
    sees = set(source.encoder.parameters()) | set(decoder.parameters())
    table, *others = source.text_tower.weights
    reads = set(others) - sees
    left_of_table = 0.0 if token_table is None else _LEFT_OF_TABLE[token_table]
    return WeightSizes(
        seeing=_bytes_of(sees),
        reading=0 if token_table is None else _bytes_of(reads),
        table=round(_bytes_of({table}) * left_of_table),
        others=names * source.encoder.embedding_width * 4 + _OTHER_BYTES,
    )


def _bytes_of(parameters: set[nn.Parameter]) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in parameters)
