"""Make a virtual environment with pip: ``python make_environment.py FOLDER``.

Some systems ship Python without ensurepip (Debian, until python3-venv is installed): pip's wheel is
then fetched from PyPI, checked against PyPI's SHA-256, and installs itself.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

PYPI = "https://pypi.org/pypi/pip/json"


def fetch_pip(folder: Path) -> Path:
    """Download pip's newest wheel into ``folder``."""
    with urlopen(PYPI, timeout=60) as answer:
        files = json.load(answer)["urls"]
    wheel = next(file for file in files if file["filename"].endswith(".whl"))
    with urlopen(urljoin(PYPI, wheel["url"]), timeout=60) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != wheel["digests"]["sha256"]:
        raise ValueError("pip's wheel does not have the SHA-256 that PyPI says")
    path = folder / wheel["filename"]
    path.write_bytes(content)
    return path


def main(folder: str) -> int:
    """Make the environment; on failure leave nothing behind and say what to do."""
    try:
        venv.create(folder, symlinks=True)
        python = str(Path(folder) / "bin" / "python")
        ready = subprocess.run([python, "-m", "ensurepip"], capture_output=True, check=False)
        if ready.returncode != 0:
            with tempfile.TemporaryDirectory() as downloads:
                wheel = fetch_pip(Path(downloads))
                install = [python, f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)]
                subprocess.run(install, check=True)
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        print(
            f"make: {sys.executable} could not make {folder} ({' '.join(str(error).split())}); "
            "install its venv module (Debian: apt install python3-venv) or name another Python: "
            "make PYTHON=/path/to/python3",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
