"""A bundle's folder: opened, every path kept inside it, every size and hash checked."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from runtime.bundle.bounded_json import is_plain_text
from runtime.bundle.external_data import external_files
from runtime.bundle.graph_check import check_graph
from runtime.bundle.limits import FILES, MANIFEST_BYTES
from runtime.bundle.manifest import MANIFEST_FILE, REMEDY, FileRecord, Manifest
from runtime.bundle.vocabulary import Vocabulary, read_vocabulary, templates_sha256
from runtime.errors import BundleError
from runtime.shipped import SHIPPED, locate_bundle

SEGMENTER_FILE = "segmenter.onnx"
TEXT_ENCODER_FILE = "text_encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"
VOCABULARY_FILE = "vocabulary.safetensors"
REQUIRED_FILES = (SEGMENTER_FILE, VOCABULARY_FILE)

# What desktops and sync tools drop into any folder they show: not part of a bundle, and harmless.
_DESKTOP_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
# What file systems give a name, or a part of it, in bytes.
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Attributes:
        path: its folder, absolute, links resolved.
        manifest: what it says about itself.

    >>> from runtime.bundle import load_bundle                  # doctest: +SKIP
    >>> load_bundle("my_bundle").file("segmenter.onnx")         # doctest: +SKIP
    PosixPath('/.../my_bundle/segmenter.onnx')
    """

    path: Path
    manifest: Manifest

    @cached_property
    def id(self) -> str:
        """Model id and 12 hex digits that change when any file or field of the bundle changes."""
        digest = hashlib.sha256(self.manifest.to_json().encode()).hexdigest()
        return f"{self.manifest.model_id}@{digest[:12]}"

    def has(self, name: str) -> bool:
        """Whether the manifest lists a file of that name."""
        return name in self.manifest.files

    def file(self, name: str) -> Path:
        """Path of a listed file; :class:`BundleError` if it is not listed, gone or outside."""
        if not self.has(name):
            raise BundleError(f"bundle {self.path} has no {name}; {REMEDY}")
        return _inside(self.path, name)

    def graph_sha256(self, name: str) -> str:
        """Hex sha256 of everything that a graph of the bundle reads.

        That is the file's own where the weights lie in it; otherwise one over its own and those of
        its weight files. Raises :class:`BundleError` as :meth:`file` does.
        """
        self.file(name)
        read = {name, *_weight_files(self.path, name, self.manifest)}
        if read == {name}:
            return self.manifest.files[name].sha256
        digests = {file: self.manifest.files[file].sha256 for file in read}
        return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()

    def vocabulary(self) -> Vocabulary:
        """The precomputed names, checked against the manifest's width, prompts and encoder."""
        vocabulary = read_vocabulary(self.file(VOCABULARY_FILE))
        manifest = self.manifest
        expected = {
            "embedding width": (vocabulary.embedding_width, manifest.embedding_width),
            "prompt templates": (
                vocabulary.templates_sha256,
                templates_sha256(manifest.templates.prompts, manifest.templates.mean_first),
            ),
            "text encoder": (vocabulary.text_encoder_sha256, manifest.text.encoder_sha256),
        }
        for what, (found, wanted) in expected.items():
            if found != wanted:
                raise BundleError(
                    f"{VOCABULARY_FILE} was made with another {what} than {MANIFEST_FILE} names "
                    f"({_short(found)}, expected {_short(wanted)}); {REMEDY}"
                )
        return vocabulary


def load_bundle(path: str | os.PathLike[str], verify: bool = True) -> Bundle:
    """Open a bundle's folder, or a shipped bundle by its name, and check it.

    Always checked: the manifest, that every listed file is there with its size, that no file is
    there which is not listed, that no path leaves the folder, and that a graph reads no weights
    from elsewhere. ``verify`` also checks every sha256
    (about a second for each gigabyte). Raises :class:`BundleError`, one line.
    """
    folder = locate_bundle(path)
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise BundleError(
            f"bundle {folder} {found}; expected a folder made by python -m export, or "
            f"{' or '.join(name for name, kept in SHIPPED.items() if kept.is_dir())}; "
            "check the path given as the bundle"
        )
    folder = folder.resolve()
    manifest = read_manifest(folder)
    if len(manifest.files) > FILES:
        raise BundleError(
            f"bundle {folder} lists {len(manifest.files)} files, expected at most {FILES}; {REMEDY}"
        )
    for name, record in manifest.files.items():
        _check_file(folder, name, record, verify)
    for name in REQUIRED_FILES:
        if name not in manifest.files:
            raise BundleError(f"bundle {folder} lists no {name} in {MANIFEST_FILE}; {REMEDY}")
    if TEXT_ENCODER_FILE in manifest.files and TOKENIZER_FILE not in manifest.files:
        raise BundleError(
            f"bundle {folder} has {TEXT_ENCODER_FILE} but no {TOKENIZER_FILE}, expected both or "
            f"neither; {REMEDY}"
        )
    for name in manifest.files:
        if name.endswith(".onnx"):
            _weight_files(folder, name, manifest)
            _check_graph(folder, name, manifest)
    for name in unlisted_files(folder, manifest):
        raise BundleError(
            f"bundle {folder} holds {name}, which {MANIFEST_FILE} does not list; "
            f"move it elsewhere, or {REMEDY}"
        )
    return Bundle(folder, manifest)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder; :class:`BundleError` if there is none or it is not ours."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise BundleError(
            f"{folder} is not a bundle: it has no {MANIFEST_FILE}; "
            "give a folder made by python -m export"
        )
    path = _inside(folder, MANIFEST_FILE)
    try:
        if path.stat().st_size > MANIFEST_BYTES:
            raise BundleError(f"{path} is larger than 32 MiB, no manifest is; {REMEDY}")
        return Manifest.from_json(path.read_bytes())
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}); {REMEDY}") from None


def unlisted_files(folder: Path, manifest: Manifest) -> list[str]:
    """Files of the folder, as sorted relative paths, that the manifest does not account for."""
    known = {*manifest.files, MANIFEST_FILE}
    found = []
    for parent, folders, names in os.walk(folder):
        linked = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in [*names, *linked]:
            relative = Path(parent, name).relative_to(folder).as_posix()
            if relative not in known and name not in _DESKTOP_FILES:
                found.append(relative)
    return sorted(found)


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file, read in pieces so that memory stays flat."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def is_plain_name(name: str) -> bool:
    """Whether a listed name is a relative path that stays inside on every operating system."""
    path = PurePosixPath(name)
    return (
        bool(name)
        and not path.is_absolute()
        and path.as_posix() == name
        and ".." not in path.parts
        and not set(name) & set("\\:\0")
        and name != MANIFEST_FILE
        and len(name.encode("utf-8", "replace")) <= _LONGEST_NAME
        and is_plain_text(name)
    )


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder):
        raise BundleError(
            f"bundle {folder}: {name} leads outside the bundle; expected a file inside it; {REMEDY}"
        )
    return path


def _check_file(folder: Path, name: str, record: FileRecord, verify: bool) -> None:
    if not is_plain_name(name):
        raise BundleError(
            f"bundle {folder}: {MANIFEST_FILE} lists {name!r}, expected the name of a file inside "
            f"the bundle; {REMEDY}"
        )
    path = _inside(folder, name)
    if not path.is_file():
        raise BundleError(
            f"bundle {folder}: {name} is missing, {MANIFEST_FILE} lists it; copy it again, "
            f"or {REMEDY}"
        )
    try:
        size = path.stat().st_size
        same = size == record.bytes
        found, wanted = f"{size} bytes", f"{record.bytes}"
        if same and verify:
            digest = sha256_of(path)
            same = digest == record.sha256
            found, wanted = f"sha256 {_short(digest)}", _short(record.sha256)
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}); {REMEDY}") from None
    if not same:
        raise BundleError(
            f"bundle {folder}: {name} has changed ({found}, expected {wanted}); copy it again, "
            f"or {REMEDY}"
        )


def _weight_files(folder: Path, name: str, manifest: Manifest) -> list[str]:
    """The listed files that a graph reads weights from; BundleError if it reads any other."""
    try:
        locations = external_files(folder / name)
    except ValueError as error:
        raise BundleError(
            f"bundle {folder}: {name} is not an ONNX file ({error}); {REMEDY}"
        ) from None
    found = []
    for location in sorted(locations):
        beside = (PurePosixPath(name).parent / location).as_posix()
        if not is_plain_name(location) or beside not in manifest.files:
            raise BundleError(
                f"bundle {folder}: {name} reads weights from {location!r}, expected a file that "
                f"{MANIFEST_FILE} lists; {REMEDY}"
            )
        found.append(beside)
    return found


def _check_graph(folder: Path, name: str, manifest: Manifest) -> None:
    """BundleError for a graph that no export writes, before any engine reads it."""

    def size_of(location: str) -> int | None:
        record = manifest.files.get((PurePosixPath(name).parent / location).as_posix())
        return None if record is None else record.bytes

    try:
        check_graph(folder / name, size_of)
    except ValueError as error:
        raise BundleError(
            f"bundle {folder}: {name} is not a graph that a bundle may hold ({error}); {REMEDY}"
        ) from None


def _short(value: object) -> str:
    text = str(value)
    return text[:12] + "..." if len(text) > 16 else text
