"""TensorRT's progress while it builds, as one share that only grows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Called with the phase that runs and the share of the build that is done, in [0, 1].
Progress = Callable[[str, float], None]

__all__ = ["Progress", "make_monitor", "show_build"]


class _Phases:
    """Phases that nest: each takes its share of the step of its parent in which it runs."""

    def __init__(self) -> None:
        self.steps: dict[str, tuple[int, int, str | None]] = {}  # name: done, all, parent

    def start(self, name: str, parent: str | None, steps: int) -> None:
        self.steps[name] = (0, max(steps, 1), parent)

    def complete(self, name: str, step: int) -> None:
        if name in self.steps:
            _, count, parent = self.steps[name]
            self.steps[name] = (min(step + 1, count), count, parent)

    def finish(self, name: str) -> None:
        self.steps.pop(name, None)

    def share(self) -> float:
        """How far the outermost phases are, what runs inside their current step included."""
        roots = [name for name, (_, _, parent) in self.steps.items() if parent not in self.steps]
        return sum(self._share_of(name) for name in roots) / len(roots) if roots else 0.0

    def _share_of(self, name: str) -> float:
        done, count, _ = self.steps[name]
        inner = [key for key, (_, _, parent) in self.steps.items() if parent == name]
        inside = sum(self._share_of(key) for key in inner) / len(inner) if inner else 0.0
        return min((done + inside) / count, 1.0)


def make_monitor(trt: Any, progress: Progress | None) -> Any:
    """A progress monitor for a builder's configuration; :meth:`finish` it after the build.

    TensorRT calls it from threads of its own, where an exception would be lost: what ``progress``
    raises stops the build, and is raised again by ``finish``.
    """

    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.phases = _Phases()
            self.furthest = 0.0
            self.stopped_by: BaseException | None = None

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self.note(phase_name, lambda: self.phases.start(phase_name, parent_phase, num_steps))

        def step_complete(self, phase_name: str, step: int) -> bool:
            self.note(phase_name, lambda: self.phases.complete(phase_name, step))
            return self.stopped_by is None

        def phase_finish(self, phase_name: str) -> None:
            self.note(None, lambda: self.phases.finish(phase_name))

        def note(self, phase: str | None, change: Callable[[], None]) -> None:
            # Ctrl-C may arrive anywhere in here: through C++ it would end the process.
            try:
                change()
                self.furthest = max(self.furthest, self.phases.share())
                if phase is not None and progress is not None and self.stopped_by is None:
                    progress(phase, self.furthest)
            except BaseException as error:
                self.stopped_by = error

        def finish(self) -> None:
            if self.stopped_by is not None:
                raise self.stopped_by

    return Monitor()


@contextmanager
def show_build(name: str) -> Iterator[Progress]:
    """A bar on stderr while an engine is built, if that is a terminal."""
    from tqdm import tqdm

    hidden = not sys.stderr.isatty()
    with tqdm(total=100, desc=name, unit="%", leave=False, delay=1, disable=hidden) as bar:

        def tell(phase: str, share: float) -> None:
            bar.set_postfix_str(phase[:40], refresh=False)
            bar.update(max(0, int(100 * share) - bar.n))

        yield tell
