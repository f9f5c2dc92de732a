"""A process that adds up numbers with its peers until one of them is lost.

``python -m tests.support.waiting_process FOLDER [SILENCE_S]``; each writes ``FOLDER/RANK.pid``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> None:
    """Add up, and never end by itself but after some minutes."""
    import torch

    from training.engine import heartbeat
    from training.engine.distributed import Processes

    folder, silence_s = arguments
    heartbeat.BEAT_S, heartbeat.SILENCE_S, heartbeat.GRACE_S = 0.5, float(silence_s), 2.0
    with Processes("cpu") as processes:
        end = time.monotonic() + 300
        told = Path(folder) / f"{processes.rank}.pid"
        while processes.add_up(torch.tensor(float(time.monotonic() < end))) > 0:
            if not told.exists():  # once: who reads it must not find it emptied
                told.with_suffix(".part").write_text(str(os.getpid()))
                told.with_suffix(".part").rename(told)
            time.sleep(0.05)


if __name__ == "__main__":
    from runtime.command import run_command

    sys.exit(run_command("waiting", main))
