"""One cell of the table at a time: a method exported once, a set scored once."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import accuracy
from benchmarks.protocols.registry import PROTOCOLS
from benchmarks.reproduce.plan import Plan, read_score
from runtime.bundle import load_bundle
from runtime.errors import BundleError

# Names to store ready encoded: the protocols encode words of their own.
_STORED = ("person", "car", "tree", "sky")
_RANDOM_FILE = "random.pt"

__all__ = ["Cells"]


@dataclass(frozen=True)
class Cells:
    """Makes bundles and scores below a folder, those that are not there yet.

    Attributes:
        plan: what is exported and how it is scored.
        out: the folder.
        backend: that runs the bundles.
        threads: of the backend, or None.
    """

    plan: Plan
    out: Path
    backend: str
    threads: int | None
    _ids: dict[str, str] = field(default_factory=dict)

    def bundle(self, dense: str) -> tuple[Path, str]:
        """The bundle of a method, exported if it is not there, and its id."""
        path = self.out / "bundles" / dense
        if dense not in self._ids:
            found = self._bundle_id(path, dense)
            if found is None:
                _say(f"{dense}: exporting")
                self._export(dense, path)
                found = self._bundle_id(path, dense)
                assert found is not None, "an export leaves what it was asked for"
            self._ids[dense] = found
        return path, self._ids[dense]

    def score(self, dense: str, dataset: str, root: Path) -> dict[str, Any]:
        """The record of a method on a set, made if it is not there."""
        bundle, bundle_id = self.bundle(dense)
        path = self.out / "scores" / f"{dense}-{dataset}.json"
        record = read_score(path, bundle_id)
        if record is not None:
            return record
        _say(f"{dense} on {dataset}")
        flags = [
            "--bundle", str(bundle), "--dataset", dataset, "--root", str(root), "--units", "pixel",
            "--protocol", self.plan.protocol, "--backend", self.backend, "--json", str(path),
            *([] if self.threads is None else ["--threads", str(self.threads)]),
        ]  # fmt: skip
        parser = accuracy.build_parser()
        arguments = parser.parse_args(flags)
        arguments.command_line = " ".join([*parser.prog.split(), *flags])
        with contextlib.redirect_stdout(sys.stderr):
            accuracy.measure(arguments)
        record = read_score(path, bundle_id)
        assert record is not None, "just written"
        return record

    def _bundle_id(self, path: Path, dense: str) -> str | None:
        """None: there is no bundle of this plan."""
        try:
            bundle = load_bundle(path)
        except (BundleError, OSError):
            return None
        clip = bundle.manifest.clip
        side = self._side()
        right = (clip.name, clip.dense, bundle.manifest.precision, bundle.manifest.input.size_wh)
        if right != (self.plan.clip, dense, self.plan.precision, (side, side)):
            return None
        return bundle.id

    def _export(self, dense: str, path: Path) -> None:
        from export.cli import parse_arguments
        from export.job import export_bundles

        names = self.out / "names.txt"
        names.write_text("\n".join(_STORED) + "\n")
        side = self._side()
        flags = [
            "--training-free", "--clip", self.plan.clip, "--pretrained", self._weights(),
            "--dense", dense, "--position-resize", self.plan.position_resize,
            "--size", f"{side}x{side}", "--precision", self.plan.precision,
            "--vocabulary", str(names), "--out", str(path),
        ]  # fmt: skip
        if self.plan.activation is not None:
            flags += ["--activation", self.plan.activation]
        if self.plan.is_random:
            flags += ["--gate", "cosine", "--frames", "1"]
        with contextlib.redirect_stdout(sys.stderr):
            export_bundles(parse_arguments(flags))

    def _side(self) -> int:
        return PROTOCOLS[self.plan.protocol]("voc20", ("aeroplane",)).crop

    def _weights(self) -> str:
        """The weights as the export takes them; random ones are drawn once, and kept."""
        if not self.plan.is_random:
            return self.plan.pretrained
        path = self.out / _RANDOM_FILE
        if not path.exists():
            import torch

            from training.model.clip import load_clip

            torch.manual_seed(0)
            clip = load_clip(self.plan.clip, None, self.plan.activation, any_tower=True)
            beside = path.with_suffix(".part")
            torch.save(clip.state_dict(), beside)
            beside.replace(path)
        return str(path)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
