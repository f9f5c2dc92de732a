"""One run over many mutants: a playground of folders, and what became of each case."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import util
from pathlib import Path
from typing import Any

from benchmarks.hostile_bundles.cache_mutations import engine_files, read_files
from benchmarks.hostile_bundles.corpus import SeedBundle, read_corpus
from benchmarks.hostile_bundles.mutant import Mutant, draw_mutant, write_mutant
from benchmarks.hostile_bundles.trial import GOOD_ENDS, End, try_bundle
from benchmarks.hostile_bundles.watch import FolderWatch
from benchmarks.hostile_bundles.worker import Limits, Outcome, run_apart
from runtime.errors import MgcaError

__all__ = ["Campaign", "Case"]


@dataclass(frozen=True)
class Case:
    """A mutant that has been tried; its number and the run's seed make it again."""

    number: int
    origin: str
    part: str
    backend: str
    outcome: Outcome

    @property
    def end(self) -> End:
        """How it ended."""
        return self.outcome.end

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "number": self.number,
            "origin": self.origin,
            "part": self.part,
            "backend": self.backend,
            **self.end.to_json(),
            "seconds": round(self.outcome.seconds, 3),
            "peak_rss_mib": round(self.outcome.peak_rss_mib, 1),
        }


class Campaign:
    """Bundles, caches and watched folders for a run.

    Args:
        root: an empty folder, which the run may fill.
        seed: what mutants are drawn from.
        limits: of each case.

    Raises:
        MgcaError: a bundle of the corpus does not run as it is, so that nothing could be learned.
    """

    def __init__(self, root: Path, seed: int, limits: Limits) -> None:
        self.root, self.seed, self.limits = root, seed, limits
        self.openvino = util.find_spec("openvino") is not None
        places = ("corpus", "case", "outside", "home", "temporary", "work", "caches")
        for name in places:
            (root / name).mkdir()
        self.outside = root / "outside"
        (self.outside / "secret.bin").write_bytes(bytes(4096))
        self.corpus: Sequence[SeedBundle] = read_corpus(root / "corpus")
        _load_libraries(self.openvino)
        self.caches = {one.name: self._good_cache(one) for one in self.corpus}
        watched = {root / name: False for name in ("home", "temporary", "work")}
        self._watch = FolderWatch({self.outside: True, **watched})

    def run(self, numbers: Iterable[int], keep: Path | None = None) -> Iterator[Case]:
        """Try mutants; those that end badly are kept below ``keep``."""
        for number in numbers:
            mutant = draw_mutant(
                self.seed,
                number,
                self.corpus,
                self.caches,
                str(self.outside),
                openvino=self.openvino,
            )
            case = self._try(mutant)
            if keep is not None and case.end.kind not in GOOD_ENDS:
                self._keep(keep / f"{self.seed}-{number}")
            yield case

    def close(self) -> None:
        """Stop watching; the folders are the caller's."""
        self._watch.close()

    def _try(self, mutant: Mutant) -> Case:
        case = self.root / "case"
        shutil.rmtree(case, ignore_errors=True)
        case.mkdir()
        write_mutant(mutant, case / "bundle", case / "cache")
        before = _states(case / "bundle")
        self._watch.events()
        outcome = self._run(case / "bundle", case / "cache", mutant.backend)
        touched = self._watch.events()
        if _states(case / "bundle") != before:
            touched.append(str(case / "bundle"))
        if touched:
            end = End("outside", f"touched {', '.join(touched[:5])}; then: {outcome.end.kind}")
            outcome = Outcome(end, outcome.peak_rss_mib, outcome.seconds, outcome.cpu_s)
        return Case(mutant.number, mutant.origin.name, mutant.part, mutant.backend, outcome)

    def _run(self, bundle: Path, cache: Path, backend: str) -> Outcome:
        trial = partial(_settle_and_try, self.root, bundle, cache, backend)
        return run_apart(trial, self.limits, self.root / "case" / "output.txt")

    def _good_cache(self, origin: SeedBundle) -> Mapping[str, bytes]:
        """What an ordinary run leaves in the cache, and an engine; the run must go well."""
        cache = self.root / "caches" / origin.name
        for backend in ("onnxruntime-cpu", *(["openvino"] if self.openvino else [])):
            end = self._run(origin.folder, cache, backend).end
            if end.kind != "ran":
                raise MgcaError(f"the good bundle {origin.name} ended with {end.kind}: {end.text}")
        return {**read_files(cache), **engine_files(origin.folder)}

    def _keep(self, place: Path) -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.root / "case", place)


def _settle_and_try(root: Path, bundle: Path, cache: Path, backend: str) -> End:
    """In the child: everything that a program asks for its own places leads into the run's."""
    os.environ.update(
        HOME=str(root / "home"), TMPDIR=str(root / "temporary"), MGCA_CACHE=str(cache)
    )
    os.chdir(root / "work")
    return try_bundle(bundle, backend)


def _load_libraries(openvino: bool) -> None:
    """Import once, in the parent, what every child needs; nothing of it may start to compute."""
    names = ["cv2", "ftfy", "onnxruntime", "regex", "safetensors.numpy", "tokenizers"]
    for name in names:
        __import__(name)
    if openvino:
        from runtime.backends.openvino import import_openvino

        import_openvino()


def _states(folder: Path) -> list[tuple[str, int, int]]:
    return sorted(
        (path.name, path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.iterdir()
    )
