"""One run of ``mgca-rt`` with every output that writes files, ended by a fault at some moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FRAMES = 60
#: What a run takes longer than hangs.
LIMIT_S = 120.0
POLL_S = 0.002
#: A process that may write no file larger than its first argument says, then is mgca-rt.
LIMITED = (
    "import resource, runpy, sys; most = int(sys.argv.pop(1)); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)); "
    "runpy.run_module('runtime', run_name='__main__')"
)

__all__ = ["Ending", "Workplace"]


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        code: the exit code; negative: the signal that ended it; None: it hung and was killed.
        stderr: what it said.
        seconds: how long it took.
        first_s: when its first line stood on disk, None if none did.
    """

    code: int | None
    stderr: str
    seconds: float
    first_s: float | None = None


class Workplace:
    """A bundle, a cache and a folder of outputs, over which run follows run.

    Args:
        folder: where all of it lies.
        bundle: the model's folder.
        size: of the pictures, ``WxH``.
    """

    def __init__(self, folder: Path, bundle: Path, size: str = "96x64") -> None:
        self.outputs = folder / "outputs"
        self.outputs.mkdir()
        self._cache = folder / "cache"
        self._bundle, self._size = bundle, size

    @property
    def lines(self) -> Path:
        """The file that gets a line a frame."""
        return self.outputs / "a.jsonl"

    def command(self) -> list[str]:
        """The flags of a run into every output."""
        at = self.outputs
        return [
            *("--bundle", str(self._bundle), "--test-pattern", f"{self._size}@25", "--live", "no"),
            *("--max-frames", str(FRAMES), "--classes", "red,yellow", "--background", "none"),
            *("--backend", "onnxruntime-cpu", "--threads", "1", "--quiet"),
            *("--out", str(at / "o.mp4"), "--label-video", str(at / "l.mkv")),
            *("--label-dir", str(at / "labels"), "--voc", str(at / "voc")),
            *("--pictures", f"{at / 'pictures'}/", "--picture-every", "7"),
            *("--jsonl", str(self.lines), "--coco", str(at / "c.json")),
            *("--record", str(at / "rec"), "--segment", "1s", "--keep", "1MB"),
            *("--report", str(at / "r.json")),
        ]

    def run(self) -> Ending:
        """A run that nothing disturbs."""
        with self._started() as (process, began):
            return self._wait(process, began, watched=True)

    def run_until(self, seconds: float, number: signal.Signals) -> Ending:
        """A run that gets a signal so long after its start, if it still runs then."""
        with self._started() as (process, began):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, began + seconds - time.monotonic()))
            if process.poll() is None:
                process.send_signal(number)
            return self._wait(process, began)

    def run_with_files_of(self, most_bytes: int) -> Ending:
        """A run no file of which can hold more: as a disk that is full at that moment."""
        with self._started(("-c", LIMITED, str(most_bytes))) as (process, began):
            return self._wait(process, began)

    @contextlib.contextmanager
    def _started(
        self, start: Sequence[str] = ("-m", "runtime")
    ) -> Iterator[tuple[subprocess.Popen[str], float]]:
        environment = {**os.environ, "MGCA_CACHE": str(self._cache), "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        process = subprocess.Popen(
            [sys.executable, *start, *self.command()],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process, time.monotonic()
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def _wait(self, process: subprocess.Popen[str], began: float, watched: bool = False) -> Ending:
        first_s = self._watch(process, began) if watched else None
        try:
            _, stderr = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return Ending(None, "", LIMIT_S)
        return Ending(process.returncode, stderr, time.monotonic() - began, first_s)

    def _watch(self, process: subprocess.Popen[str], began: float) -> float | None:
        """When its first line stands on disk."""
        while process.poll() is None and time.monotonic() - began < LIMIT_S:
            if self.lines.exists():
                return time.monotonic() - began
            time.sleep(POLL_S)
        return None
