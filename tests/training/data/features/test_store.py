"""Stored features come back, survive an interruption, and never fill a disk."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from runtime.errors import MgcaError, UserError  # noqa: E402
from training.data.features import FeatureStore, store  # noqa: E402

VIEWS = 5


@dataclass(frozen=True)
class Answers:
    maps_bchw: Tensor
    vector_bd: Tensor


def answers(first, last):
    """View n says n."""
    n = torch.arange(first, last).float()
    return Answers(n.reshape(-1, 1, 1, 1).expand(-1, 2, 3, 4), n.reshape(-1, 1).expand(-1, 6))


def make(folder, views=VIEWS):
    return FeatureStore.for_features(folder / "a", views, answers(0, 1))


def test_what_is_stored_comes_back(tmp_path):
    made = make(tmp_path)
    assert made.count_filled() == 0 and made.bytes_of_view == 2 * (2 * 3 * 4 + 6)
    made.check_room()
    made.fill([answers(0, 2), answers(2, 5)])
    assert made.count_filled() == VIEWS
    read = make(tmp_path).read(torch.tensor([4, 0, 4]))
    assert isinstance(read, Answers) and read.maps_bchw.dtype == torch.float32
    assert read.maps_bchw.shape == (3, 2, 3, 4) and read.vector_bd.shape == (3, 6)
    assert read.maps_bchw[:, 1, 2, 3].tolist() == read.vector_bd[:, 5].tolist() == [4, 0, 4]


def interrupted(blocks):
    yield from blocks
    raise KeyboardInterrupt


def test_an_interrupted_filling_goes_on(tmp_path):
    made = make(tmp_path)
    made.check_room()
    with pytest.raises(KeyboardInterrupt):
        made.fill(interrupted([answers(0, 3)]))
    # A block of which one file was written, and not noted.
    with (tmp_path / "a/vector_bd.f16").open("ab") as file:
        file.write(b"\x7f" * 12)
    assert made.count_filled() == 3
    made.fill([answers(3, 5)])
    assert made.read(torch.arange(5)).vector_bd[:, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"views": 99}', b"[]", b'{"views": null}'])
def test_a_broken_note_is_not_trusted(tmp_path, content):
    made = make(tmp_path)
    made.check_room()
    made.fill([answers(0, 3)])
    (tmp_path / "a/filled.json").write_bytes(content)
    assert made.count_filled() in (0, 3)
    with (tmp_path / "a/maps_bchw.f16").open("r+b") as file:
        file.truncate(50)
    assert made.count_filled() in (0, 1)


def test_large_values_stay_finite(tmp_path):
    made = FeatureStore.for_features(tmp_path / "a", 1, answers(0, 1))
    made.check_room()
    made.fill([Answers(torch.full((1, 2, 3, 4), 1e6), torch.full((1, 6), -1e6))])
    assert made.read(torch.tensor([0])).vector_bd[0, 0] == -65504


def test_what_does_not_fit_is_refused_beforehand(tmp_path):
    with pytest.raises(UserError, match=r"take .* GB, and .* GB free; expected fewer"):
        make(tmp_path, 10**13).check_room()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"set data.cache_dir"):
        make(tmp_path / "file").check_room()


def test_a_disk_that_becomes_full(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    made = make(tmp_path)
    made.check_room()
    made.fill([answers(0, 2)])
    monkeypatch.setattr(store, "write_whole", refuse)
    with pytest.raises(MgcaError, match=r"No space left .* after 2 of 5 views, which are kept"):
        made.fill([answers(2, 5)])
    assert made.count_filled() == 2


def test_only_tensors_are_stored(tmp_path):
    with pytest.raises(TypeError, match="'vector_bd' is a int; expected a tensor"):
        FeatureStore.for_features(tmp_path, 1, Answers(torch.zeros(1, 2), 3))
