"""The pairs in a shard: pictures and captions that have the same name.

A name is what stands before the last dot (``IMG_2024.05.01`` of ``IMG_2024.05.01.jpg``). webdataset
breaks at the first one, which makes all of a camera's files one sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from runtime.errors import UserError
from training.data.shards import captions
from training.data.shards.captions import NoCaptionError, read_captions
from training.data.shards.members import read_members
from training.data.tally import Tally

PICTURE_ENDINGS = (
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "tif", "tiff", "ppm", "pgm", "pnm", "pbm",
    "jp2", "gif", "avif", "heic", "heif", "jxl", "tga", "qoi", "pam", "pfm", "hdr", "exr",
)  # fmt: skip
"""Endings of pictures, the preferred first where a sample has several."""
# 0001.image.jpg and 0001.caption.txt belong together, too.
ROLES = frozenset(("image", "img", "picture", "photo", "rgb", "caption", "captions", "text", "txt"))

DUPLICATE = "files of a name that was there before"
NO_CAPTION = "pictures without a caption"
NO_PICTURE = "captions without a picture"
OTHERS = "files that are neither picture nor caption"
# Of a download that was cut off from the network for a while, or has found dead addresses only.
EMPTY_SHARD = "shards without a file in them"
# Halves of pairs that wait for the other half, which a shard need not have right beside them.
MOST_WAITING_BYTES = 256 * 2**20
NAMES_IN_MESSAGES = 4


@dataclass(frozen=True)
class EncodedPair:
    """A picture as it lies in the shard, with its captions.

    Attributes:
        name: ``SHARD: MEMBER`` of the picture.
        picture: content of its file.
        captions: at least one.
    """

    name: str
    picture: bytes
    captions: list[str]

    @property
    def ending(self) -> str:
        """Of the picture's file, with its dot."""
        return "." + split_name(self.name)[1]


def split_name(name: str) -> tuple[str, str]:
    """Key and ending of a member.

    >>> split_name("a/IMG_2024.05.JPG"), split_name("7.caption.txt"), split_name("7.jpg.txt")
    (('a/IMG_2024.05', 'jpg'), ('7', 'txt'), ('7', 'txt'))
    """
    folder, slash, file = name.rpartition("/")
    key, dot, ending = file.rpartition(".")
    if not dot:
        return name, ""
    ending = ending.lower()
    before, dot, role = key.rpartition(".")
    is_picture_name = ending in captions.ENDINGS and role.lower() in PICTURE_ENDINGS
    if before and (role.lower() in ROLES or is_picture_name):
        key = before
    return folder + slash + key, ending


@dataclass
class _Sample:
    """The members of one name; contents by ending."""

    first_name: str
    pictures: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    captions: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return bool(self.pictures and self.captions)

    @property
    def bytes(self) -> int:
        parts = (*self.pictures.values(), *self.captions.values())
        return sum(len(content) for _, content in parts)


class _Shard:
    """Puts the members of a shard together."""

    def __init__(self, shard: str, tally: Tally) -> None:
        self.shard = shard
        self.tally = tally
        self.waiting: dict[str, _Sample] = {}
        self.waiting_bytes = 0
        self.done: set[str] = set()
        self.names: list[str] = []
        self.members = 0

    def pass_over(self, kind: str, name: str) -> None:
        self.tally.pass_over(kind, f"{self.shard}: {name}" if name else self.shard)

    def pairs(self) -> Iterator[EncodedPair]:
        last = None
        for name, content in read_members(self.shard, self.pass_over):
            self.members += 1
            if len(self.names) < NAMES_IN_MESSAGES:
                self.names.append(name)
            key, ending = split_name(name)
            if last is not None and key != last:
                yield from self._take_if_whole(last)
            if self._put(key, ending, name, content):
                last = key
            self._drop_oldest()
        for key in list(self.waiting):
            yield from self._take_if_whole(key)
        for key in list(self.waiting):
            self._drop(key)

    def _put(self, key: str, ending: str, name: str, content: bytes) -> bool:
        if ending not in PICTURE_ENDINGS and ending not in captions.ENDINGS:
            kind = f"{OTHERS} (.{ending})" if ending else f"{OTHERS} (no ending)"
            self.pass_over(kind, name)
            return False
        sample = self.waiting.setdefault(key, _Sample(name))
        parts = sample.pictures if ending in PICTURE_ENDINGS else sample.captions
        if key in self.done or ending in parts:
            self.pass_over(DUPLICATE, name)
            if key in self.done:
                del self.waiting[key]
            return False
        parts[ending] = name, content
        self.waiting_bytes += len(content)
        return True

    def _take_if_whole(self, key: str) -> Iterator[EncodedPair]:
        sample = self.waiting.get(key)
        if sample is None or not sample.is_whole:
            return
        self._forget(key)
        self.done.add(key)
        name, picture = sample.pictures[min(sample.pictures, key=PICTURE_ENDINGS.index)]
        trouble = None
        for ending in sorted(sample.captions, key=captions.ENDINGS.index):
            caption_name, content = sample.captions[ending]
            try:
                found = read_captions(ending, content)
            except NoCaptionError as error:
                trouble = trouble or (str(error), caption_name)
                continue
            yield EncodedPair(f"{self.shard}: {name}", picture, found)
            return
        assert trouble is not None
        self.pass_over(*trouble)

    def _drop_oldest(self) -> None:
        while self.waiting_bytes > MOST_WAITING_BYTES and len(self.waiting) > 1:
            self._drop(next(iter(self.waiting)))

    def _drop(self, key: str) -> None:
        sample = self._forget(key)
        self.pass_over(NO_CAPTION if sample.pictures else NO_PICTURE, sample.first_name)

    def _forget(self, key: str) -> _Sample:
        sample = self.waiting.pop(key)
        self.waiting_bytes -= sample.bytes
        return sample


def read_pairs(shard: str, tally: Tally) -> Iterator[EncodedPair]:
    """The pairs of one shard, in its order; none of one that is empty, which is counted.

    Args:
        shard: as in :func:`training.data.shards.members.read_members`.
        tally: where what is passed over is counted.

    Raises:
        UserError: the shard cannot be read, or holds files and no pair.
    """
    counted = Tally()
    reading = _Shard(shard, counted)
    found = False
    for pair in reading.pairs():
        found = True
        yield pair
    is_empty = not reading.members and not counted.passed_over
    if is_empty:
        reading.pass_over(EMPTY_SHARD, "")
    tally.add(counted)
    if not found and not is_empty:
        raise UserError(no_pair_message(shard, reading.names, reading.members, counted))


def no_pair_message(shard: str, names: list[str], members: int, tally: Tally) -> str:
    """What to say of a shard without a single pair."""
    seen = ", ".join(f"'{name}'" for name in names)
    held = f"its {members} files are such as {seen}" if members else "it holds no such file"
    passed = f"; passed over: {tally.describe()}" if tally.passed_over else ""
    return (
        f"shard '{shard}' of --train-data has no picture with a caption: {held}{passed}; expected "
        "NAME.jpg (or png, webp, …) and NAME.txt or NAME.json with its caption, for each NAME"
    )
