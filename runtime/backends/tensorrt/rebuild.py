"""A stale engine built again in the background, while the frames run on another backend.

``python -m runtime.backends.tensorrt.rebuild BUNDLE`` is what runs there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path

from runtime.backends.tensorrt.library import TensorRt
from runtime.bundle import SEGMENTER_FILE, Bundle, load_bundle
from runtime.cache import cache_folder, read_record, record_key, write_record
from runtime.errors import MgcaError

_KIND = "rebuild"

log = logging.getLogger(__name__)

__all__ = ["main", "start_rebuild"]


def start_rebuild(bundle: Bundle, library: TensorRt) -> bool:
    """Build a bundle's engine in a process of its own, at low priority; False if it failed before.

    It outlives this process. Two of them wait for one another, and the second finds it done.
    """
    key = _key(bundle, library.version)
    failed = (read_record(_KIND, key) or {}).get("failed")
    if failed:
        log.warning("the engine of %s is stale, and building it failed: %s", bundle.id, failed)
        return False
    folder = cache_folder() / _KIND
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{key}.log").open("wb") as output:
            subprocess.Popen(
                [sys.executable, "-m", __name__, str(bundle.path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C on us is not meant for it
                cwd=Path(__file__).parents[3],
            )
    except OSError as error:
        log.warning("the engine of %s is stale and cannot be built again: %s", bundle.id, error)
        return False
    log.warning(
        "the engine of %s is stale; it is being built again, another backend serves meanwhile",
        bundle.id,
    )
    return True


def main(arguments: list[str]) -> int:
    """Build the engine of the bundle whose folder is the only argument."""
    from runtime.backends.tensorrt.engine import find_stale_engine, obtain_engine
    from runtime.backends.tensorrt.library import open_tensorrt
    from runtime.backends.tensorrt.settings import EngineSettings

    bundle = load_bundle(arguments[0])
    library, cuda = open_tensorrt(to_build=True)
    try:
        # As the stale one was built; a broken one is found out by its plan, and built again.
        stale = find_stale_engine(bundle)
        settings = None if stale is None else EngineSettings.from_json(stale.built.get("settings"))
        entry, _ = obtain_engine(bundle, library, cuda, settings)
    except MgcaError as error:
        # Remembered, so that not every start of the runtime tries it again.
        write_record(_KIND, _key(bundle, library.version), {"failed": str(error)})
        print(error, file=sys.stderr)
        return error.exit_code
    finally:
        cuda.close()
    print(f"engine {entry.digest} of {bundle.id}")
    return 0


def _key(bundle: Bundle, version: str) -> str:
    sha256 = bundle.graph_sha256(SEGMENTER_FILE)
    return record_key({"onnx_sha256": sha256, "tensorrt": version})


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        os.nice(10)  # another backend serves meanwhile, on the same cores
    sys.exit(main(sys.argv[1:]))
