"""The catalog names code and tests that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations.catalog import MUTATIONS, Mutation

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.lint
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.path)
def test_what_is_changed_stands_there_once(mutation: Mutation) -> None:
    text = (REPOSITORY / mutation.path).read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1 and mutation.new != mutation.old
    assert (REPOSITORY / mutation.tests.partition("::")[0]).exists()
