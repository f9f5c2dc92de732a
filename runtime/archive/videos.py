"""Which videos an archive holds, and what each is called in the outputs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from runtime.archive.store import Found, Store
from runtime.errors import UserError
from runtime.sources.decoding import is_url, open_container
from runtime.sources.video import VideoFile

#: Of a folder, files that end so are taken; a file that is named is taken in any case.
ENDINGS = frozenset(
    ".3gp .asf .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .webm .wmv "
    ".y4m".split()
)

__all__ = ["ArchiveFile", "Video", "list_videos"]


@dataclass(frozen=True)
class Video:
    """One video of an archive.

    Attributes:
        name: what it is called in the outputs: its path below the folder that was given.
        folder: the address of that folder, or of the file itself.
        file: its name in there, empty for the file itself.
        identity: changes when the file does: its size and the time of its last change.
    """

    name: str
    folder: str
    file: str
    identity: str

    def record(self) -> dict[str, str]:
        """The same as plain values; ``Video(**record)`` is the video again."""
        return dict(vars(self))

    def key(self, settings: str) -> str:
        """Sixteen hex digits of the video's content and the settings it is labelled with."""
        return hashlib.sha256(f"{self.identity} {settings}".encode()).hexdigest()[:16]


class ArchiveFile(VideoFile):
    """A video file of a store; one that is not on this machine is read over the network."""

    def __init__(self, video: Video) -> None:
        self.video = video
        self._is_remote = is_url(video.folder)
        super().__init__("/".join(filter(None, (video.folder.rstrip("/"), video.file))))

    @property
    def losses(self) -> list[str]:
        """What was wrong with a file that was read to its end, such as that it is cut off."""
        return sorted(self._warned - set(self.values))

    def open_file(self) -> Any:
        """The open container; see :meth:`VideoFile.open_file`."""
        if not self._is_remote:
            return super().open_file()
        return open_container(Store(self.video.folder).open(self.video.file))  # type: ignore[arg-type]


def list_videos(addresses: Sequence[str], out: str) -> list[Video]:
    """The videos of folders and files, in order; what lies in the output folder is none.

    Raises:
        UserError: an address is not there, holds no video, or two videos have one name.
    """
    videos: dict[str, Video] = {}
    written = Store(out).path_of("")
    for address in addresses:
        store = Store(address)
        found = [one for one in store.find_files() if _is_taken(one, store, written)]
        if not found:
            raise UserError(
                f"--videos {address} holds no video; expected files that end in "
                f"{', '.join(sorted(ENDINGS))}"
            )
        for one in found:
            name = one.name or PurePosixPath(store.path_of("")).name
            video = Video(name, address, one.name, f"{one.size} {one.changed_ns}")
            if name in videos:
                raise UserError(
                    f"--videos: {videos[name].folder} and {address} both hold {name}, whose "
                    "outputs would go to one place; run them apart, each with its own --out"
                )
            videos[name] = video
    return list(videos.values())


def _is_taken(found: Found, store: Store, written: str) -> bool:
    if not found.name:
        return True
    path = PurePosixPath(found.name)
    if any(part.startswith(".") for part in path.parts) or path.suffix.lower() not in ENDINGS:
        return False
    return not f"{store.path_of(found.name)}/".startswith(f"{written.rstrip('/')}/")
