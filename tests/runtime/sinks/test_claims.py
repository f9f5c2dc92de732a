"""What outputs may claim: nothing that is read, nothing twice, nothing of the bundle's."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.errors import UserError
from runtime.sinks.claims import Claims


@pytest.fixture
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Claims:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mp4").write_bytes(b"x")
    (tmp_path / "link.mp4").symlink_to("in.mp4")
    (tmp_path / "bundle").mkdir()
    claims = Claims(["in.mp4"], "bundle")
    claims.claim_file("--out", "taken.mp4")
    claims.claim_stdout("--jsonl -")
    return claims


@pytest.mark.parametrize(
    ("claim", "given", "says"),
    [
        ("claim_file", "in.mp4", "--new in.mp4 is an input of this run; give another name"),
        ("claim_file", "link.mp4", "--new link.mp4 is an input of this run; give another name"),
        ("claim_file", "./taken.mp4", "--out and --new name the same file ./taken.mp4"),
        ("claim_file", "bundle/a/b", "--new bundle/a/b lies in the bundle"),
        ("claim_folder", "bundle", "--new bundle lies in the bundle"),
    ],
)
def test_what_is_refused(claims: Claims, claim: str, given: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        getattr(claims, claim)("--new", given)
    assert str(caught.value).startswith(says)


def test_stdout_belongs_to_one(claims: Claims) -> None:
    with pytest.raises(UserError, match="--jsonl - and --new both write to stdout"):
        claims.claim_stdout("--new")


def test_what_is_allowed(claims: Claims) -> None:
    for given in ("other.mp4", "bundle2/a", "/dev/null", "/dev/null"):
        claims.claim_file("--new", given)
    claims.claim_folder("--labels", ".")
