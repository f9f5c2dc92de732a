"""One process, or several under torchrun."""

from __future__ import annotations

import os
from typing import Any, TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from runtime.errors import UserError

Value = TypeVar("Value")


class Processes:
    """This process among its peers, as a context manager that joins and leaves the group.

    Losses see the negatives of their own process only; gradients are averaged over processes.

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
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the group."""
        if self.count > 1 and distributed.is_initialized():
            distributed.destroy_process_group()

    def gather(self, value: Value) -> list[Value]:
        """What each process has, in the order of their ranks; every one must ask."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values

    def wrap(self, module: nn.Module) -> nn.Module:
        """DDP around a module when there are several processes."""
        if self.count == 1:
            return module
        return DistributedDataParallel(module, find_unused_parameters=True)
