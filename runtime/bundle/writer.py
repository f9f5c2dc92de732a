"""Writing a bundle: beside its place first, then one rename, so that a half bundle never exists."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from runtime.bundle.exchange import exchange
from runtime.bundle.folder import (
    Bundle,
    is_plain_name,
    load_bundle,
    read_manifest,
    sha256_of,
    unlisted_files,
)
from runtime.bundle.manifest import MANIFEST_FILE, FileRecord, Manifest
from runtime.errors import BundleError, UserError


def write_bundle(
    folder: str | os.PathLike[str],
    manifest: Manifest,
    files: Mapping[str, bytes | Path],
    *,
    moved: Collection[str] = (),
) -> Bundle:
    """Write a bundle and open it again, checked.

    ``files`` maps names inside the bundle to their content or to a file to copy; sizes and hashes
    are put into the manifest here. An older bundle in that place is replaced in one rename; a
    folder that holds anything else is refused and left as it is (:class:`BundleError`), and so is
    a bundle beside whose files the user has put others. Too little disk or a place that cannot be
    written raises :class:`UserError`. Whatever fails, what was there before stays.

    The files named in ``moved`` are moved instead of copied, so that large weights never lie on the
    disk twice: they are the caller's own and gone afterwards, even where the writing fails.
    """
    target = Path(folder).expanduser()
    target = target.resolve()
    check_replaceable(target)
    for name in files:
        if not is_plain_name(name):
            raise BundleError(f"{name!r} cannot be a file of a bundle; expected a plain name")
    fresh = target.parent / f".{target.name}.{secrets.token_hex(6)}.partial"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_space(target.parent, {n: f for n, f in files.items() if n not in moved})
        fresh.mkdir()
        _fill(fresh, manifest, files, moved)
        load_bundle(fresh)
        _swap(fresh, target)
    except OSError as error:
        raise UserError(
            f"bundle {target} cannot be written ({error.strerror or error}); "
            "choose a folder that can be"
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return load_bundle(target, verify=False)


def check_replaceable(target: Path) -> None:
    """Raise :class:`BundleError` unless the place is free, empty, or holds a bundle and no more."""
    if not target.exists():
        return
    if not target.is_dir():
        raise BundleError(f"{target} is a file; expected a folder for the bundle; choose another")
    if not any(target.iterdir()):
        return
    try:
        # Resolved, as load_bundle does: a relative path contains nothing resolved.
        target = target.resolve()
        others = unlisted_files(target, read_manifest(target))
    except BundleError:
        raise BundleError(
            f"{target} holds something that is not a bundle; expected a new or empty folder, "
            "or an older bundle to replace; choose another"
        ) from None
    if others:
        raise BundleError(
            f"{target} holds {others[0]}, which is not part of the bundle there; "
            "move it elsewhere or choose another folder"
        )


def _check_space(parent: Path, files: Mapping[str, bytes | Path]) -> None:
    needed = sum(
        len(source) if isinstance(source, bytes) else source.stat().st_size
        for source in files.values()
    )
    free = shutil.disk_usage(parent).free
    if needed > free:
        raise UserError(
            f"too little disk at {parent}: the bundle needs {needed / 1e6:.1f} MB, "
            f"{free / 1e6:.1f} MB are free; free some or choose another folder"
        )


def _fill(
    folder: Path,
    manifest: Manifest,
    files: Mapping[str, bytes | Path],
    moved: Collection[str],
) -> None:
    records = {}
    for name, source in sorted(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, bytes):
            path.write_bytes(source)
        elif name in moved:
            shutil.move(source, path)
        else:
            shutil.copyfile(source, path)
        records[name] = FileRecord(path.stat().st_size, sha256_of(path))
    complete = replace(manifest, files=records)
    (folder / MANIFEST_FILE).write_text(complete.to_json(), encoding="utf-8")


def _swap(fresh: Path, target: Path) -> None:
    """Put the fresh folder in the target's place; a kill in between leaves one of the two there."""
    if not target.exists():
        try:
            os.rename(fresh, target)
        except OSError:
            if not target.exists():
                raise
            check_replaceable(target)  # another export has put its own there meanwhile
        else:
            return
    if exchange(fresh, target):
        return  # the older one stands in the fresh one's place now, and is removed with it
    old = fresh.with_suffix(".old")
    os.rename(target, old)
    try:
        os.rename(fresh, target)
    except BaseException:
        os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)
