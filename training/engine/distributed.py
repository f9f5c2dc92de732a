"""One process, or several under torchrun."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from runtime.errors import MgcaError, UserError
from training.engine.heartbeat import Heartbeat

Value = TypeVar("Value")


class Processes:
    """This process among its peers, as a context manager that joins and leaves the group.

    Losses are those of the batches of all of them (training.engine.portions); each has the same
    weights, and images and texts of its own.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.

    Attributes:
        rank: number of this process, from 0.
        count: how many there are.
        device: where this one computes.
    """

    def __init__(self, device: str = "auto") -> None:
        self.rank = int(os.environ.get("RANK", 0))
        self.count = int(os.environ.get("WORLD_SIZE", 1))
        self._heartbeat: Heartbeat | None = None
        if device not in ("auto", "cpu") and not device.startswith("cuda"):
            raise UserError(f"device is '{device}'; expected auto, cpu or cuda")
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise UserError(
                "device is 'cuda' but torch sees no GPU; use --set device=cpu or install a CUDA "
                "build"
            )
        cuda = device != "cpu" and torch.cuda.is_available()
        self.device = (
            torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
            if cuda
            else torch.device("cpu")
        )

    @property
    def is_first(self) -> bool:
        """True in the process that prints and saves."""
        return self.rank == 0

    def __enter__(self) -> Processes:
        """Join the group when there is one."""
        if self.count > 1:
            if self.device.type == "cuda":
                torch.cuda.set_device(self.device)
            distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
            self._heartbeat = Heartbeat(self.rank, self.count)
            self._heartbeat.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, _trace: object) -> None:
        """Leave the group.

        Raises:
            MgcaError: this process fails because another one is lost; it says which.
        """
        if self._heartbeat is None:
            return
        if isinstance(error, RuntimeError) and not isinstance(error, MgcaError):
            # What torch says of a lost peer names an address at best.
            verdict = self._heartbeat.wait_for_verdict()
            self._heartbeat.stop()
            if verdict:
                raise MgcaError(verdict) from error
        self._heartbeat.stop()
        if error is None and distributed.is_initialized():
            distributed.destroy_process_group()

    def gather(self, value: Value) -> list[Value]:
        """What each process has, in the order of their ranks; every one must ask."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values

    def gather_rows(self, rows: Tensor) -> list[Tensor]:
        """The rows (m, ...) of each process, by rank; m may differ. They have no gradient.

        Every one must ask.
        """
        return self.gather_all([rows])[0]

    def gather_all(self, several: Sequence[Tensor]) -> list[list[Tensor]]:
        """:meth:`gather_rows` of several tensors."""
        if self.count == 1:
            return [[rows] for rows in several]
        mine = torch.tensor([len(rows) for rows in several], device=several[0].device)
        counts = [torch.empty_like(mine) for _ in range(self.count)]
        distributed.all_gather(counts, mine)
        rows_of = torch.stack(counts, dim=1).tolist()
        return [self._gather(rows, many) for rows, many in zip(several, rows_of, strict=True)]

    def _gather(self, rows: Tensor, counts: list[int]) -> list[Tensor]:
        plain = rows.detach().to(torch.uint8) if rows.dtype == torch.bool else rows.detach()
        filled = plain.new_zeros(max(counts), *plain.shape[1:])
        filled[: len(plain)] = plain
        gathered = [torch.empty_like(filled) for _ in range(self.count)]
        distributed.all_gather(gathered, filled)
        return [one[:many].to(rows.dtype) for one, many in zip(gathered, counts, strict=True)]

    def add_up(self, values: Tensor) -> Tensor:
        """The sum of what all processes have, all of the same shape; no gradient."""
        total = values.detach().clone()
        if self.count > 1:
            distributed.all_reduce(total)
        return total

    def wrap(self, module: nn.Module) -> nn.Module:
        """DDP around a module when there are several processes."""
        if self.count == 1:
            return module
        return DistributedDataParallel(module, find_unused_parameters=True)
