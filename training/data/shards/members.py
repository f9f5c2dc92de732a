"""The files in a tar shard, one after the other, from a file or a stream.

Python's ``tarfile`` ends without a word where a header is damaged or missing, and behind the first
of several archives that were written one after the other; here such places are read across, and
counted.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from webdataset.gopen import gopen

from runtime.errors import UserError

CUT_OFF = "shards cut off before their end"
DAMAGED = "shards with damaged places"
TOO_LARGE = "files larger than 256 MiB"
LINKS = "links and devices"
OF_THE_SYSTEM = "files of an operating system"

LARGEST_MEMBER = 256 * 2**20
# What webdataset keeps for itself, and what file managers leave behind.
_METADATA = re.compile(r"__[^/]*__$")
_OF_THE_SYSTEM = re.compile(r"(^|/)(\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini|__MACOSX/.*)$")

PassOver = Callable[[str, str], None]


def read_members(shard: str, pass_over: PassOver) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file, in the shard's order.

    Args:
        shard: a path, or any address that webdataset opens (``https:``, ``pipe:``, …).
        pass_over: told of what is left out: its kind, and its name.

    Raises:
        UserError: the shard cannot be opened, or is no tar file.
    """
    try:
        stream = gopen(shard)
    except (OSError, ValueError) as error:
        raise UserError(
            f"shard '{shard}' of --train-data cannot be opened ({error}); expected a tar file"
        ) from error
    with _closed_after(stream):
        headers = _Headers()
        try:
            archive = tarfile.open(fileobj=stream, mode="r|*", tarinfo=headers.watched())
        except (tarfile.TarError, OSError, EOFError) as error:
            raise UserError(
                f"shard '{shard}' of --train-data is no tar file ({error}); expected a tar of "
                "pictures and captions, e.g. 'cc3m/{00000..00331}.tar'"
            ) from error
        # From here on a damaged header, or the end of the first of several archives, is read
        # across. It was off for the first one: else any file would be an empty archive.
        archive.ignore_zeros = True
        try:
            yield from _contents(archive, pass_over)
            whole = headers.ended
        except (tarfile.TarError, OSError, EOFError):
            whole = False
        if not whole:
            pass_over(CUT_OFF, "")
        if headers.damaged:
            pass_over(DAMAGED, "")


@contextmanager
def _closed_after(stream: IO[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        # A command that failed says so again here; its archive lacks its end, which is counted.
        with suppress(OSError):
            stream.close()


class _Headers:
    """What the headers of an archive said.

    Attributes:
        ended: the last one was the archive's end.
        damaged: one was none.
    """

    def __init__(self) -> None:
        self.ended = False
        self.damaged = False

    def watched(self) -> type[tarfile.TarInfo]:
        """A header that tells this object how it was read."""
        seen = self

        class Watched(tarfile.TarInfo):
            @classmethod
            def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Any:
                is_whole = len(buf) == tarfile.BLOCKSIZE
                seen.ended = seen.ended if not buf else is_whole and not any(buf)
                try:
                    return super().frombuf(buf, encoding, errors)
                except tarfile.HeaderError:
                    seen.damaged |= is_whole and any(buf)
                    raise

        return Watched


def _contents(archive: tarfile.TarFile, pass_over: PassOver) -> Iterator[tuple[str, bytes]]:
    while (info := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]  # else all headers stay in memory
        name = info.name.removeprefix("./")
        if info.isdir() or _METADATA.match(name):
            continue
        if _OF_THE_SYSTEM.search(name):
            pass_over(OF_THE_SYSTEM, name)
        elif not info.isreg():
            pass_over(LINKS, name)
        elif info.size > LARGEST_MEMBER:
            pass_over(TOO_LARGE, name)
        elif (file := archive.extractfile(info)) is not None:
            yield name, file.read()
