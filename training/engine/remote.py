"""Runs that are kept at an address of fsspec's: ``s3://bucket/runs``, ``gs://…``, ``file://…``.

A run works in a folder of this machine and copies what has changed to its address whenever it has
saved. So a network that is slow or gone costs no checkpoint, and an address needs no more of a file
system than that files can be put there and read.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from runtime.cache import cache_folder
from runtime.errors import MgcaError, UserError
from training.engine.folder import FIGURES, LAST, SETTINGS

# Where what is put appears whole by itself, and renaming means copying.
OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci"))
ATTEMPTS, PAUSE_S = 3, 2.0


def is_address(place: str) -> bool:
    """Whether a place is an address rather than a path.

    >>> is_address("s3://bucket/runs"), is_address("runs"), is_address("C://runs")
    (True, False, False)
    """
    protocol, found, _ = place.partition("://")
    return bool(found) and len(protocol) > 1


def open_address(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path on it.

    Raises:
        UserError: nothing that is installed knows such addresses.
    """
    import fsspec

    try:
        return fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise UserError(
            f"address '{address}' cannot be used ({error}); expected a protocol of fsspec's whose "
            "package is installed, e.g. pip install s3fs for s3://"
        ) from error


def working_folder(address: str) -> Path:
    """Where runs of an address are worked on, on this machine."""
    return cache_folder() / "runs" / hashlib.sha256(address.encode()).hexdigest()[:16]


class RemoteRun:
    """A run's files at an address.

    Args:
        address: of the run.
        folder: where it is worked on.
        say: is told of an attempt that failed.
    """

    def __init__(self, address: str, folder: Path, say: Callable[[str], None]) -> None:
        self.address = address
        self.folder = folder
        self.say = say
        self.files, self.path = open_address(address)
        protocol = self.files.protocol
        protocols = {protocol} if isinstance(protocol, str) else set(protocol)
        self._puts_whole = bool(protocols & OBJECT_STORES)
        self._sent: dict[str, tuple[int, int]] = {}

    def fetch_record(self) -> None:
        """Copy here what a resumed run adds to: settings and figures, where they are not here."""
        for name in (SETTINGS, FIGURES):
            path = self.folder / name
            if path.exists() or not self.files.exists(f"{self.path}/{name}"):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            self.files.get_file(f"{self.path}/{name}", str(path))

    def send(self) -> bool:
        """Copy what has changed, the checkpoint last; False: it did not succeed, and was told."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._send()
                return True
            except Exception as error:  # each file system raises its own
                self.say(
                    f"'{self.address}' cannot be written ({_describe(error)}), attempt {attempt}"
                )
                time.sleep(PAUSE_S if attempt < ATTEMPTS else 0.0)
        return False

    def send_all(self) -> None:
        """:meth:`send`, at the end of a run.

        Raises:
            MgcaError: it did not succeed; what is missing lies on this machine.
        """
        if not self.send():
            raise MgcaError(
                f"'{self.address}' does not have all of the run; it is whole in '{self.folder}': "
                "copy it from there"
            )

    def _send(self) -> None:
        found = [path for path in self.folder.rglob("*") if path.is_file()]
        found = [path for path in found if not path.name.startswith(".")]
        for path in sorted(found, key=lambda path: (path.name == LAST, path)):
            state = path.stat()
            name, stamp = (
                path.relative_to(self.folder).as_posix(),
                (state.st_size, state.st_mtime_ns),
            )
            if self._sent.get(name) != stamp:
                self._put(path, f"{self.path}/{name}")
                self._sent[name] = stamp

    def _put(self, path: Path, target: str) -> None:
        self.files.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
        if self._puts_whole:
            self.files.put_file(str(path), target)
            return
        self.files.put_file(str(path), f"{target}.part")
        self.files.mv(f"{target}.part", target)


def fetch_checkpoint(address: str) -> Path:
    """Copy a checkpoint to this machine.

    Raises:
        UserError: there is none.
    """
    files, path = open_address(address)
    place = working_folder(address)
    place.mkdir(parents=True, exist_ok=True)
    try:
        files.get_file(path, str(place / LAST))
    except Exception as error:  # each file system raises its own
        raise UserError(
            f"checkpoint '{address}' cannot be read ({_describe(error)}); expected a last.pt that "
            "python -m training.run has written"
        ) from error
    return place / LAST


def newest_remote(address: str) -> str:
    """The address of the ``last.pt`` written last below an address.

    Raises:
        UserError: there is none, or the address cannot be read.
    """
    files, path = open_address(address)
    try:
        found = {one: files.modified(one) for one in files.glob(f"{path}/*/{LAST}")}
    except Exception as error:  # each file system raises its own
        raise UserError(f"address '{address}' cannot be read ({_describe(error)})") from error
    if not found:
        raise UserError(
            f"--resume latest: no {LAST} below '{address}'; expected a run that saved one; start "
            "without --resume"
        )
    return str(files.unstrip_protocol(max(found, key=lambda one: found[one])))


def _describe(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
