"""A graph looked at before any engine sees it: its operators, tensors and numbers.

Engines are made for graphs that an exporter wrote. What they were never meant for is told here, as
ValueErrors, out of the file's own fields; weights are only measured, never read.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable, Iterator
from pathlib import Path

from runtime.bundle.graph_tensors import check_tensor, read_tensor
from runtime.bundle.limits import ELEMENTS, GRAPH_BYTES, NODES, OPSET
from runtime.bundle.operators import (
    AT_LEAST_ONE,
    DIVISOR_AT,
    DOMAINS,
    OPERATORS,
    SHAPES_AT,
    SMALL_AT,
    SMALL_ATTRIBUTES,
)
from runtime.bundle.protobuf import (
    Span,
    fields,
    integers,
    number_of,
    signed,
    span_of,
    text_of,
)

# An attribute of one number, or of each in a list; a side that padding adds.
_LARGEST = (1 << 31) - 1
_LARGEST_SMALL = 1 << 16

__all__ = ["check_graph"]


def check_graph(path: Path, size_of: Callable[[str], int | None]) -> None:
    """Raise ValueError, with the reason, for a graph that no export writes.

    Args:
        path: the ONNX file.
        size_of: bytes of a file of weights beside it, by its location; None if there is none.
    """
    if path.stat().st_size > GRAPH_BYTES:
        raise ValueError(f"larger than {GRAPH_BYTES >> 30} GiB")
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        try:
            graph = _only_graph(data)
            _Graph(data, size_of).check(graph)
        except IndexError:
            raise ValueError("cut short") from None


def _only_graph(data: mmap.mmap) -> Span:
    graphs: list[Span] = []
    for field, value in fields(data, 0, len(data)):
        if field == 7:
            graphs.append(span_of(value))
        elif field in (20, 25):
            raise ValueError("it holds functions or training steps of its own")
        elif field == 8:
            _check_version(data, span_of(value))
    if len(graphs) != 1:
        raise ValueError(f"{len(graphs)} graphs, expected one")
    return graphs[0]


def _check_version(data: mmap.mmap, span: Span) -> None:
    """Engines count up to the version that an operator set says it has."""
    for field, value in fields(data, *span):
        if field == 2 and not 1 <= signed(number_of(value)) <= OPSET:
            raise ValueError(f"operator set {signed(number_of(value))}, expected at most {OPSET}")


class _Graph:
    """One graph being looked at: which values there are, and the small constants among them."""

    def __init__(self, data: mmap.mmap, size_of: Callable[[str], int | None]) -> None:
        self.data = data
        self.size_of = size_of
        self.made: set[str] = {""}
        self.constants: dict[str, tuple[float, ...]] = {}
        self.long: set[str] = set()
        self.nodes: list[Span] = []

    def check(self, graph: Span) -> None:
        for field, value in fields(self.data, *graph):
            if field == 1:
                self.nodes.append(span_of(value))
            elif field == 5:
                self.made.add(self.tensor(span_of(value)))
            elif field == 15:
                raise ValueError("it holds sparse tensors")
            elif field in (11, 12, 13):
                name = self.value(span_of(value))
                if field == 11:
                    self.made.add(name)
        if len(self.nodes) > NODES:
            raise ValueError(f"{len(self.nodes)} nodes, expected at most {NODES}")
        for node in self.nodes:
            self.node(node)

    def tensor(self, span: Span, name: str | None = None) -> str:
        """Check a tensor and remember it if it is a few whole numbers; its name, or this one."""
        tensor = read_tensor(self.data, span)
        check_tensor(tensor, self.size_of)
        name = tensor.name if name is None else name
        if tensor.values is not None:
            self.constants[name] = tensor.values
        elif tensor.is_whole:
            self.long.add(name)
        return name

    def node(self, span: Span) -> None:
        inputs: list[str] = []
        outputs: list[str] = []
        attributes: list[Span] = []
        operator = ""
        for field, value in fields(self.data, *span):
            if field == 1:
                inputs.append(text_of(self.data, value))
            elif field == 2:
                outputs.append(text_of(self.data, value))
            elif field == 4:
                operator = text_of(self.data, value)
            elif field == 5:
                attributes.append(span_of(value))
            elif field == 7 and text_of(self.data, value) not in DOMAINS:
                domain = text_of(self.data, value)[:60]
                raise ValueError(f"it asks for the operators of {domain!r}")
        if operator not in OPERATORS:
            raise ValueError(f"it holds the operator {operator[:60]!r}, which no export writes")
        for name in inputs:
            if name not in self.made:
                raise ValueError(f"{operator} reads {name[:60]!r}, which nothing before it makes")
        for attribute in attributes:
            self.attribute(attribute, operator, outputs)
        self.sizes(operator, inputs)
        for name in outputs:
            if name in self.made and name:
                raise ValueError(f"two nodes make {name[:60]!r}")
            self.made.add(name)

    def attribute(self, span: Span, operator: str, outputs: list[str]) -> None:
        name, numbers, tensors = "", [], 0
        for field, value in fields(self.data, *span):
            if field == 1:
                name = text_of(self.data, value)
            elif field == 3:
                numbers.append(signed(number_of(value)))
            elif field == 8:
                numbers.extend(integers(self.data, value))
            elif field in (5, 10):
                made = outputs[0] if operator == "Constant" and outputs else None
                self.tensor(span_of(value), made)
                tensors += 1
            elif field in (6, 11, 22, 23):
                raise ValueError(f"{operator} holds a graph or a sparse tensor of its own")
        if tensors > 1:  # protobuf would make one of them
            raise ValueError(f"{operator} has {tensors} tensors in {name[:60]}")
        most = _LARGEST_SMALL if name in AT_LEAST_ONE | SMALL_ATTRIBUTES else _LARGEST
        least = 1 if name in AT_LEAST_ONE else -most
        if not all(least <= number <= most for number in numbers):
            raise ValueError(f"{operator} has {name[:60]} {numbers[:4]}, out of any use")

    def sizes(self, operator: str, inputs: list[str]) -> None:
        """Refuse what would become larger than a machine, where the graph says so in numbers."""
        place = SHAPES_AT.get(operator)
        if place is not None and place < len(inputs):
            sides = self.constants.get(inputs[place], ())
            if math.prod(max(side, 1) for side in sides) > ELEMENTS or min(sides, default=0) < -1:
                raise ValueError(f"{operator} asks for the shape {list(sides)[:9]}")
        place = SMALL_AT.get(operator)
        if place is not None and place < len(inputs):
            added = self.constants.get(inputs[place], ())
            if not all(abs(number) <= _LARGEST_SMALL for number in added):
                raise ValueError(f"{operator} asks for {list(added)[:9]} more")
        place = DIVISOR_AT.get(operator)
        if place is not None and place < len(inputs):
            self.divisor(operator, inputs[place])
        if operator == "Range" and all(name in self.constants for name in inputs):
            values = [self.constants[name] for name in inputs]
            if len(values) != 3 or not all(len(one) == 1 for one in values) or values[2] == (0,):
                raise ValueError("a Range from where to where?")
            if abs(values[1][0] - values[0][0]) > ELEMENTS:
                raise ValueError(f"Range asks for {abs(values[1][0] - values[0][0])} numbers")

    def divisor(self, operator: str, name: str) -> None:
        """Processors stop a program that divides a whole number by nothing."""
        numbers = self.constants.get(name, ())
        whole = all(isinstance(number, int) for number in numbers)
        if name in self.long or (whole and not all(number >= 1 for number in numbers)):
            raise ValueError(f"{operator} divides by {list(numbers)[:9] or name[:60]}")

    def value(self, span: Span) -> str:
        """Name of an input or output; the sides it declares must be sides."""
        name = ""
        for field, value in fields(self.data, *span):
            if field == 1:
                name = text_of(self.data, value)
            elif field == 2:
                for side in self.declared(span_of(value)):
                    if not 0 <= side <= _LARGEST:
                        raise ValueError(f"{name[:60]!r} has a side of {side}")
        return name

    def declared(self, span: Span) -> Iterator[int]:
        for kind, tensor in fields(self.data, *span):
            if kind in (4, 5, 8, 9):
                raise ValueError("it takes or gives what is no tensor")
            for place, shape in fields(self.data, *span_of(tensor)) if kind == 1 else ():
                for _, side in fields(self.data, *span_of(shape)) if place == 2 else ():
                    for what, number in fields(self.data, *span_of(side)):
                        if what == 1:
                            yield signed(number_of(number))
