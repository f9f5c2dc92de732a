"""What every backend offers, and the checks that stand in front of all of them.

The protocol leaves room for engines that own device memory:

- arrays go in and come out on the host; a backend that keeps device buffers, captured graphs or
  pinned memory allocates them once, when it is opened, and hides them;
- an input array that is not writeable may be remembered by its identity: the text rows stay the
  same between two frames, and need not be uploaded again;
- arrays that come out belong to the caller: they are never overwritten by a later run, so that
  one frame can be drawn while the next one runs;
- ``outputs`` names what is wanted, so that nothing else is downloaded;
- one ``run`` at a time: a backend is not called from two threads at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from runtime.errors import BundleError, MgcaError

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Backend",
    "ClosingBackend",
    "NotReadyError",
    "TensorSpec",
    "check_feeds",
    "check_wanted",
    "expect_tensors",
    "shape_text",
]

Self = TypeVar("Self", bound="ClosingBackend")


class NotReadyError(MgcaError):
    """A backend cannot run now, but is being made ready: worth another try at the next start."""


@dataclass(frozen=True)
class TensorSpec:
    """A tensor's dtype (numpy's name) and shape; a text in the shape names a dynamic side."""

    dtype: str
    shape: tuple[int | str, ...]

    def accepts(self, array: np.ndarray) -> bool:
        """Whether an array has this dtype, this rank and every fixed side."""
        return (
            array.dtype.name == self.dtype
            and array.ndim == len(self.shape)
            and all(
                isinstance(side, str) or side == found
                for side, found in zip(self.shape, array.shape, strict=True)
            )
        )

    def __str__(self) -> str:
        return f"{self.dtype} {shape_text(self.shape)}"


@runtime_checkable
class Backend(Protocol):
    """A loaded graph. Use it as a context manager, or call ``close``."""

    @property
    def name(self) -> str:
        """The backend's name as ``--backend`` takes it, such as ``onnxruntime``."""

    @property
    def provider(self) -> str:
        """What really runs the graph, such as ``CPUExecutionProvider``: asked after loading."""

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """Inputs of the graph by name, read from the model itself."""

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """Outputs of the graph by name, read from the model itself."""

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Run once: every input by name in, the named outputs (default: all) out.

        Raises :class:`MgcaError` naming the tensor and both shapes when an input does not fit.
        """

    def close(self) -> None:
        """Let go of the model and its memory; a second call does nothing."""

    def __enter__(self) -> Backend: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class ClosingBackend:
    """The context manager's half of the protocol, for backends to inherit."""

    def close(self) -> None:
        """Let go of the model and its memory."""
        raise NotImplementedError

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def check_feeds(specs: Mapping[str, TensorSpec], feeds: Mapping[str, np.ndarray]) -> None:
    """Raise :class:`MgcaError` unless the feeds are exactly the inputs, each of its spec."""
    for name in feeds.keys() - specs.keys():
        raise MgcaError(f"the graph has no input {name}; expected {', '.join(specs)}")
    for name, spec in specs.items():
        if name not in feeds:
            raise MgcaError(f"input {name} is missing; expected {spec}")
        array = feeds[name]
        if not spec.accepts(array):
            raise MgcaError(
                f"input {name} is {array.dtype.name} {shape_text(array.shape)}, expected {spec}"
            )


def check_wanted(specs: Mapping[str, TensorSpec], outputs: Sequence[str] | None) -> tuple[str, ...]:
    """The outputs that are wanted, None for all; :class:`MgcaError` for one that is not there."""
    names = tuple(specs if outputs is None else outputs)
    for name in names:
        if name not in specs:
            raise MgcaError(f"the graph has no output {name}; expected {', '.join(specs)}")
    return names


def expect_tensors(
    file: str,
    backend: Backend,
    inputs: Mapping[str, tuple[str, tuple[int | str, ...]]],
    outputs: Mapping[str, tuple[str, tuple[int | str, ...]]],
) -> None:
    """Raise :class:`BundleError` unless a graph has these tensors, by name, dtype and shape.

    Where a text stands in the expected shape, the graph may have a dynamic or any fixed side;
    where a number stands in an *output*, the graph may say dynamic (exporters often do not know).
    An output more than expected is allowed, an input more is not.
    """
    extra = backend.inputs.keys() - inputs.keys()
    for name in sorted(extra):
        raise BundleError(
            f"{file}: the graph asks for an input {name}, expected {', '.join(inputs)}; "
            "export the bundle again with python -m export"
        )
    for kind, wanted, found in (
        ("input", inputs, backend.inputs),
        ("output", outputs, backend.outputs),
    ):
        for name, (dtype, shape) in wanted.items():
            spec = TensorSpec(dtype, shape)
            if name not in found:
                raise BundleError(
                    f"{file}: the graph has no {kind} {name}, expected {spec}; "
                    "export the bundle again with python -m export"
                )
            if not _fits(found[name], spec, dynamic_allowed=kind == "output"):
                raise BundleError(
                    f"{file}: {kind} {name} is {found[name]}, expected {spec}; "
                    "export the bundle again with python -m export"
                )


def shape_text(shape: Sequence[int | str]) -> str:
    """A shape as messages show it.

    >>> shape_text((1, "K", 3))
    '(1, K, 3)'
    """
    return "(" + ", ".join(map(str, shape)) + ")"


def _fits(found: TensorSpec, wanted: TensorSpec, dynamic_allowed: bool) -> bool:
    if found.dtype != wanted.dtype or len(found.shape) != len(wanted.shape):
        return False
    return all(
        isinstance(side, str) or side == real or (dynamic_allowed and isinstance(real, str))
        for side, real in zip(wanted.shape, found.shape, strict=True)
    )
