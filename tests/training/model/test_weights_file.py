"""Files that hold no weights, given as weights or as a checkpoint: one line, exit code 2.

What torch says of them itself (2.15.0): text is ``KeyError(101)``, an empty file ``EOFError``, a
cut one ``[Errno 22] Invalid argument``, a web page an essay on ``weights_only``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.errors import UserError
from training.engine.checkpoint import load_checkpoint
from training.model.clip import load_clip

HALF_A_ZIP = b"PK\x03\x04" + bytes(range(256)) * 8
FILES = {
    "text": (b"hello\n", "is a text file"),
    "json": (b'{"a": 1}\n', "is a text file"),
    "page": (b"\n<!DOCTYPE html><html>404</html>", "is a web page"),
    "refusal": (b'<?xml version="1.0"?><Error/>', "is a web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
    "empty": (b"", "is empty"),
    "folder": (None, "is a folder"),
    "cut": (HALF_A_ZIP, "weights|cannot be read"),
    "noise": (bytes(range(256)) * 8, "weights|cannot be read"),
}


@pytest.mark.parametrize("ending", [".pt", ".bin", ".safetensors"])
@pytest.mark.parametrize("kind", FILES)
def test_what_it_is_stands_in_the_error(kind: str, ending: str, tmp_path: Path) -> None:
    content, words = FILES[kind]
    path = tmp_path / f"weights{ending}"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=words) as as_checkpoint:
        load_checkpoint(path)
    with pytest.raises(UserError, match=words) as as_weights:
        load_clip("mgca-tiny", str(path))
    for caught in (as_checkpoint, as_weights):
        message = str(caught.value)
        assert path.name in message and "expected" in message and len(message) < 600
        assert "KeyError" not in message


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"PK")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"cannot be read \(Permission denied\)"):
        load_checkpoint(path)
