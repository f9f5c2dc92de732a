"""The gradient of one contrast over a batch that several processes share, or that one process
computes part after part.

Every image of the batch is a negative for every other, wherever it is computed. After GradCache
(Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup"): the
portions are surveyed, their pieces (training.losses.portions) are gathered, each process computes
the losses of all of them and the gradient by its own pieces, and passes that on to the weights;
DDP averages over processes. With several portions a process surveys each of them twice: first for
the pieces alone, which needs no more memory than one portion, then for the gradient. What was drawn
at random the first time is drawn again the second.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from training.data.batches import Batch
from training.engine.distributed import Processes
from training.losses.noun_level import Join
from training.losses.portions import Pieces, join_pieces, split_batch

Autocast = contextlib.AbstractContextManager[Any]
# Leaves gradients at the weights of an objective, and gives its losses.
Backward = Callable[[nn.Module, Batch, Autocast], dict[str, Tensor]]


class PortionedObjective(Protocol):
    """An objective that can be computed in portions: ``MgcaObjective`` and ``ClipObjective``."""

    joins_areas: bool

    def prepare(self, parts: Sequence[Batch], peers: Processes) -> Any:
        """What all portions have to know of each other."""

    def measure_areas(self, batch: Batch, plan: Any, own: int) -> Tensor:
        """What a survey wants to be added up beforehand."""

    def survey(self, batch: Batch, plan: Any, own: int, join: Join | None) -> Pieces:
        """A portion's pieces."""

    def compare(self, pieces: Pieces, plan: Any) -> dict[str, Tensor]:
        """The losses of all pieces."""


def backward_whole(objective: nn.Module, batch: Batch, autocast: Autocast) -> dict[str, Tensor]:
    """The losses of a batch that one process computes as a whole; gradients are at the weights."""
    with autocast:
        losses: dict[str, Tensor] = objective(batch)
    losses["loss"].backward()
    return losses


class PortionedBackward:
    """The losses of a batch that is shared out; gradients are at the weights, averaged.

    Args:
        processes: those that have a part of the batch.
        parts: portions that each of them computes one after the other.
    """

    def __init__(self, processes: Processes, parts: int = 1) -> None:
        self.processes = processes
        self.parts = parts

    def __call__(self, wrapped: nn.Module, batch: Batch, autocast: Autocast) -> dict[str, Tensor]:
        """Named losses of the batches of all processes.

        Args:
            wrapped: a :class:`PortionedObjective`, in DDP where there are several processes.
            batch: this process's, on its device.
            autocast: of forward passes.
        """
        if self.parts == 1 and self.processes.count == 1:
            return backward_whole(wrapped, batch, autocast)
        objective: Any = wrapped.module if isinstance(wrapped, DistributedDataParallel) else wrapped
        parts = split_batch(join_nouns(batch, self.processes), self.parts)
        with autocast:
            plan = objective.prepare(parts, self.processes)
        if self.parts == 1:
            with autocast:
                pieces = wrapped(parts[0], plan, 0, self.processes.add_up)
            losses, gradients = self._compare(objective, plan, pieces)
            pass_back(pieces, gradients)
            return losses
        look = _Looks(objective, parts, plan, autocast, self.processes)
        losses, gradients = self._compare(objective, plan, join_pieces(look.first()))
        begin = dict.fromkeys(gradients, 0)
        for own in range(self.parts):
            last = own == self.parts - 1
            with contextlib.nullcontext() if last else _unsynchronised(wrapped):
                pieces = look.again(wrapped, own)
                mine = {
                    name: rows[begin[name] : begin[name] + len(pieces[name])]
                    for name, rows in gradients.items()
                }
                pass_back(pieces, mine)
            begin = {name: at + len(pieces[name]) for name, at in begin.items()}
        return losses

    def _compare(
        self, objective: PortionedObjective, plan: Any, pieces: Pieces
    ) -> tuple[dict[str, Tensor], Pieces]:
        """The losses of all portions, and their gradient by this process's pieces, so scaled that
        the average over processes is the whole gradient.
        """
        leaves = {name: piece.detach().requires_grad_() for name, piece in pieces.items()}
        gathered = self.processes.gather_all(list(leaves.values()))
        rank, whole = self.processes.rank, {}
        for (name, leaf), rows in zip(leaves.items(), gathered, strict=True):
            whole[name] = torch.cat([*rows[:rank], leaf, *rows[rank + 1 :]])
        losses = objective.compare(whole, plan)
        losses["loss"].backward()
        share = self.processes.count
        gradients = {
            name: leaf.grad * share for name, leaf in leaves.items() if leaf.grad is not None
        }
        return losses, gradients


class _Looks:
    """Two surveys of each portion that draw the same at random."""

    def __init__(
        self,
        objective: PortionedObjective,
        parts: Sequence[Batch],
        plan: Any,
        autocast: Autocast,
        processes: Processes,
    ) -> None:
        self.objective = objective
        self.parts = parts
        self.plan = plan
        self.autocast = autocast
        self.device = processes.device
        self.draws: list[tuple[Tensor, Tensor | None]] = []
        self.total: Tensor | None = None
        if objective.joins_areas:
            self.total = processes.add_up(self._areas())

    @torch.no_grad()
    def _areas(self) -> Tensor:
        before, sums = self._state(), []
        for own, part in enumerate(self.parts):
            with self.autocast:
                sums.append(self.objective.measure_areas(part, self.plan, own))
        self._restore(before)
        return torch.stack(sums).sum(0)

    @torch.no_grad()
    def first(self) -> list[Pieces]:
        """The pieces of all portions, without a graph."""
        pieces = []
        for own, part in enumerate(self.parts):
            self.draws.append(self._state())
            with self.autocast:
                pieces.append(self.objective.survey(part, self.plan, own, self._join))
        return pieces

    def again(self, wrapped: nn.Module, own: int) -> Pieces:
        """The pieces of one of them, with its graph."""
        self._restore(self.draws[own])
        with self.autocast:
            pieces: Pieces = wrapped(self.parts[own], self.plan, own, self._join)
        return pieces

    def _join(self, sums: Tensor) -> Tensor:
        return sums if self.total is None else self.total

    def _state(self) -> tuple[Tensor, Tensor | None]:
        cuda = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        return torch.get_rng_state(), cuda

    def _restore(self, state: tuple[Tensor, Tensor | None]) -> None:
        torch.set_rng_state(state[0])
        if state[1] is not None:
            torch.cuda.set_rng_state(state[1], self.device)


def pass_back(pieces: Pieces, gradients: Pieces) -> None:
    """Pass a gradient by pieces on to what they come from."""
    names = [name for name in gradients if pieces[name].requires_grad]
    torch.autograd.backward([pieces[name] for name in names], [gradients[name] for name in names])


def join_nouns(batch: Batch, processes: Processes) -> Batch:
    """A batch with the nouns of the batches of all processes; each noun stands in the sentence of
    the first process that names it.
    """
    if processes.count == 1:
        return batch
    tokens_ul = batch.noun_tokens_ul
    rows = [] if tokens_ul is None else tokens_ul.tolist()
    names = batch.noun_names or tuple(map(str, rows))
    sentences: dict[str, list[int]] = {}
    for one in processes.gather(dict(zip(names, rows, strict=True))):
        sentences = one | sentences
    if not sentences:
        return batch
    union, device = sorted(sentences), batch.images_bhw3.device
    named_bu = torch.zeros(len(batch.images_bhw3), len(union), dtype=torch.bool, device=device)
    if batch.named_bu is not None:
        columns = torch.tensor([union.index(name) for name in names], device=device)
        named_bu[:, columns] = batch.named_bu
    tokens = torch.tensor([sentences[name] for name in union], device=device)
    return dataclasses.replace(
        batch, noun_tokens_ul=tokens, named_bu=named_bu, noun_names=tuple(union)
    )


def _unsynchronised(wrapped: nn.Module) -> contextlib.AbstractContextManager[Any]:
    if isinstance(wrapped, DistributedDataParallel):
        return wrapped.no_sync()
    return contextlib.nullcontext()
