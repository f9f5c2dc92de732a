"""Output paths: checked before work starts, replaced only once there is something to put there.

The rules, for every output file and folder:

- A missing folder is made, unless its first existing ancestor is the root of the file system:
  a path such as ``/no/such/folder`` is a slip of the pen, nearly always.
- What cannot be written is refused before any work, and the check leaves nothing behind.
- A file that exists stays untouched until the first new content is ready. The new content is
  written beside it and renamed over it at that moment; writing goes on in the renamed file, so
  that after a kill the file is where it was asked for.
- A file that another run is writing is refused, and one that is removed while it is written is told
  at the end.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from runtime.errors import MgcaError, UserError
from runtime.sinks.place_lock import is_being_written, lock_handle, refuse_being_written

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims

__all__ = ["OutputFile", "check_folder", "make_folder"]


def check_folder(folder: Path, flag: str) -> None:
    """Refuse a folder that can neither be written to nor made; leaves no trace."""
    made = make_folder(folder, flag)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"{flag}: folder {folder} cannot be written to ({error.strerror}); "
            "give one that you may write to"
        ) from None
    finally:
        for path in reversed(made):
            path.rmdir()


def make_folder(folder: Path, flag: str) -> list[Path]:
    """Make ``folder`` and its missing parents; gives those it made, outermost first."""
    missing: list[Path] = []
    existing = folder.absolute()
    while not os.path.lexists(existing):
        missing.append(existing)
        existing = existing.parent
    if not existing.is_dir():
        raise UserError(f"{flag}: {existing} is not a folder; give another place to write to")
    if missing and existing == Path(existing.anchor):
        raise UserError(
            f"{flag}: folder {missing[-1]} does not exist; check the path, or make it first"
        )
    made: list[Path] = []
    try:
        for path in reversed(missing):
            try:
                path.mkdir()
            except FileExistsError:  # another output has made it meanwhile
                if not path.is_dir():
                    raise
            else:
                made.append(path)
    except OSError as error:
        for path in reversed(made):
            with contextlib.suppress(OSError):  # another output has put something into it
                path.rmdir()
        raise UserError(
            f"{flag}: folder {folder} cannot be made ({error.strerror}); "
            "give one that you may write to"
        ) from None
    return made


def is_special(path: str | Path) -> bool:
    """Whether a path is there and no plain file: a device, a pipe, a folder."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


class OutputFile:
    """One file to be written, under the rules of this module.

    ``open`` gives an unbuffered binary handle, ``publish`` puts the file in its place, ``close``
    removes what was never published. Devices and pipes are written to directly.
    """

    def __init__(self, path: str | Path, flag: str) -> None:
        self.flag = flag
        self.given = str(path)
        # The real path of a shell's >(command) is a name that nobody can open.
        self.path = Path(path if is_special(path) else os.path.realpath(path))
        self.handle: BinaryIO | None = None
        self._beside: Path | None = None

    def check(self, claims: Claims) -> None:
        """Claim the file; raises ``UserError`` if it could not or must not be written."""
        if not self.given or self.path.name == "":
            raise UserError(f"{self.flag} is empty; give the name of a file to write")
        if self.path.is_dir() or self.given.endswith(os.sep):
            raise UserError(f"{self.flag} {self.given} is a folder; give the name of a file")
        claims.claim_file(self.flag, self.given)
        if self.is_special():
            return
        check_folder(self.path.parent, self.flag)
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise UserError(f"{self.flag} {self.given} is write-protected; give another name")
        refuse_being_written(self.flag, self.given, self.path)

    def is_special(self) -> bool:
        """Whether the path is a device or a pipe: never renamed over."""
        return is_special(self.path)

    def open(self) -> BinaryIO:
        """Open for writing, beside the final place."""
        try:
            if self.is_special():
                self.handle = open(self.path, "wb", buffering=0)
            else:
                make_folder(self.path.parent, self.flag)
                # Containers that share a folder all have the same process number.
                mark = f"{os.getpid()}.{secrets.token_hex(3)}"
                self._beside = self.path.with_name(f".{self.path.name}.{mark}.part")
                self.handle = open(self._beside, "wb", buffering=0)
                lock_handle(self.handle.fileno())
        except OSError as error:
            raise self.failure(error) from None
        return self.handle

    def publish(self) -> None:
        """Put the file in its place. Writing to the handle goes on; a second call does nothing."""
        if self._beside is None:
            return
        if is_being_written(self.path):  # it began since the check
            raise MgcaError(
                f"{self.flag} {self.given} is being written by another run; give each run its own"
            )
        try:
            os.replace(self._beside, self.path)
        except OSError as error:
            raise self.failure(error) from None
        self._beside = None

    def write_all(self, content: bytes) -> None:
        """Write all of ``content``: an unbuffered handle may take only a part at a time."""
        assert self.handle is not None
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self.handle.write(rest) :]
        except OSError as error:
            raise self.failure(error) from None

    def append_whole(self, content: bytes) -> None:
        """The same at the file's end, of which nothing stays if it cannot all be written."""
        assert self.handle is not None
        at = self.handle.tell() if self.handle.seekable() else None
        try:
            self.write_all(content)
        except MgcaError:
            if at is not None:
                with contextlib.suppress(OSError):  # devices and pipes have no length
                    self.handle.truncate(at)
            raise

    def close(self) -> None:
        """Close the handle; remove the file beside if it was never published.

        Raises:
            MgcaError: the file was removed or replaced by somebody while it was written.
        """
        handle, self.handle = self.handle, None
        beside, self._beside = self._beside, None
        gone = False
        try:
            if handle is not None:
                state = os.fstat(handle.fileno())
                gone = stat.S_ISREG(state.st_mode) and state.st_nlink == 0
                handle.close()
        except OSError as error:
            raise self.failure(error) from None
        finally:
            if beside is not None:
                beside.unlink(missing_ok=True)
        if gone and beside is None:
            raise MgcaError(
                f"{self.flag} {self.given} was removed or replaced while it was written; "
                "what it held is lost"
            )

    def failure(self, error: OSError) -> MgcaError:
        """The error for a write that failed while running (exit code 1)."""
        reason = error.strerror or str(error)
        return MgcaError(
            f"{self.flag} {self.given} could not be written ({reason}); "
            "free some space or give another place"
        )
