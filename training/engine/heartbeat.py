"""Processes that tell each other that they live: one that is lost ends the job, by name, in less
than a minute.

Without it the others wait: for a machine that is gone, half an hour with gloo. ``torchrun`` sees
processes of its own machine die; it sees none that hang, and other machines only through their own
``torchrun``.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from datetime import timedelta

from torch.distributed import TCPStore

# Seconds between two signs of life; without one for so long, a process counts as lost; what the
# others then have to save and to say so, before they are ended.
BEAT_S, SILENCE_S, GRACE_S = 2.0, 30.0, 10.0
GONE = "gone"


class Heartbeat:
    """Signs of life of this process and its peers, in the store that they have met at.

    Args:
        rank: number of this process.
        count: how many there are.

    Attributes:
        verdict: which process was lost, as a sentence; None while all live.
    """

    def __init__(self, rank: int, count: int) -> None:
        self.rank = rank
        self.count = count
        self.verdict: str | None = None
        self._decided = threading.Event()
        self._stopped = threading.Event()
        self._store = TCPStore(
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            timeout=timedelta(seconds=SILENCE_S),
        )
        self._round = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        self._thread = threading.Thread(target=self._watch, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to tell, and to watch the others."""
        self._store.set(self._key("host", self.rank), socket.gethostname())
        self._thread.start()

    def stop(self) -> None:
        """Say that this process leaves, so that nobody misses it."""
        self._stopped.set()
        self._thread.join(BEAT_S + 1.0)
        try:
            self._store.set(self._key("beat", self.rank), GONE)
        except RuntimeError:  # whoever kept the store has left before
            pass

    def wait_for_verdict(self) -> str | None:
        """Who was lost, where a peer does not answer any more; None: all of them live."""
        self._decided.wait(SILENCE_S + 2 * BEAT_S)
        return self.verdict

    def _key(self, kind: str, rank: int) -> str:
        return f"mgca/{self._round}/{kind}/{rank}"

    def _watch(self) -> None:
        now = time.monotonic()
        heard = {rank: (b"", now) for rank in range(self.count) if rank != self.rank}
        beats = 0
        while not self._stopped.wait(BEAT_S):
            beats += 1
            try:
                self._store.set(self._key("beat", self.rank), str(beats))
                for rank, (last, _) in heard.items():
                    beat = self._read(self._key("beat", rank))
                    if beat != last or beat == GONE.encode():
                        heard[rank] = (beat, time.monotonic())
            except RuntimeError:
                self._decide(
                    f"process 0, or the machine {os.environ['MASTER_ADDR']} where all meet"
                )
                return
            silent = [r for r, (_, at) in heard.items() if time.monotonic() - at > SILENCE_S]
            if silent:
                self._decide(" and ".join(self._name(rank) for rank in silent))
                return

    def _read(self, key: str) -> bytes:
        return self._store.get(key) if self._store.check([key]) else b""

    def _name(self, rank: int) -> str:
        host = self._read(self._key("host", rank)).decode() or "a machine that never joined"
        return f"process {rank} (of {self.count}, on {host})"

    def _decide(self, lost: str) -> None:
        """Say who was lost, and end this process where it does not end by itself."""
        self.verdict = (
            f"{lost} has given no sign of life for {SILENCE_S:.0f} seconds: the job ends; see what "
            "it last said, and go on with --resume latest"
        )
        self._decided.set()
        if not self._stopped.wait(GRACE_S):
            print(f"error: {self.verdict}", file=sys.stderr, flush=True)
            os._exit(1)
