"""Which source a configuration asks for, and which mosaics it can give."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from tests.support.captioned import write_captioned  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.generated import StreetWorldSource  # noqa: E402
from training.data.registry import SOURCES, open_source  # noqa: E402
from training.data.source import Span  # noqa: E402
from training.data.streetworld import generate_pair  # noqa: E402


def tokenize(texts):
    return torch.tensor([[sum(map(ord, text)), len(text)] for text in texts])


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (DataConfig(), "streetworld", "StreetWorldSource"),
        (DataConfig(shards="pairs.tar"), "shards", "ShardSource"),
        (DataConfig(captions="captions.tsv"), "captions", "CaptionsSource"),
    ],
)
def test_a_configuration_names_its_source(tmp_path, monkeypatch, data, name, kind):
    monkeypatch.chdir(tmp_path)
    write_captioned(tmp_path, 1)
    if name == "shards":
        pytest.importorskip("webdataset")
    assert data.source == name and name in SOURCES
    assert type(open_source(data, 0)).__name__ == kind


@pytest.mark.parametrize(
    ("rank", "start", "expected"), [(0, 0, (4, 8)), (1, 0, (6, 10)), (1, 1, (10,))]
)
@pytest.mark.parametrize(("variant", "exposure"), [("singles", "v1"), ("pieces", "v2")])
def test_processes_share_the_scenes_of_the_variant(rank, start, expected, variant, exposure):
    data = DataConfig(size_wh=(32, 24), workers=0, variant=variant, exposure=exposure)
    span = Span(steps=2, start=start, batch=2, captions=1, first_seed=4)
    source = StreetWorldSource(data, 0, rank, 2)
    batches = list(source.batches(span, Collate(tokenize)))
    assert len(batches) == len(expected)
    for batch, first in zip(batches, expected, strict=True):
        drawn = [
            generate_pair(seed, variant=variant, size_wh=(32, 24), exposure=exposure)[0]
            for seed in (first, first + 1)
        ]
        assert np.array_equal(batch.images_bhw3.numpy(), drawn)


@pytest.mark.parametrize(
    ("settings", "mosaic_hw", "first", "message"),
    [
        ({"variant": "tiles"}, (3, 3), 0, None),
        ({"variant": "tiles"}, (3, 3), 27, None),
        ({"variant": "tiles"}, (1, 1), 5, None),
        ({"variant": "tiles"}, (3, 3), 28, r"first_seed 28 does not begin .* data.first_seed=27"),
        ({"variant": "tiles"}, (2, 2), 0, r"2x2.* 'tiles' are tiles of .*mosaic=\[3,3\]"),
        ({"variant": "mixed"}, (2, 2), 5, None),
        ({"shards": "pairs.tar"}, (3, 3), 5, None),
        ({"shards": "pairs.tar", "variant": "tiles"}, (2, 3), 5, None),
    ],
)
def test_tiles_of_one_mosaic_are_joined_to_no_other(settings, mosaic_hw, first, message):
    source = open_source(DataConfig(**settings), 0)
    if message is None:
        source.check_mosaic(mosaic_hw, first)
        return
    with pytest.raises(UserError, match=message):
        source.check_mosaic(mosaic_hw, first)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "hills"}, "data.variant is 'hills'; expected one of evaluation, singles"),
        ({"exposure": "v3"}, "data.exposure is 'v3'; expected one of v1, v2"),
        ({"first_seed": -1}, "data.first_seed is -1"),
        ({"workers": -1}, "data.workers -1"),
        ({"passes": 0}, "data.passes is 0"),
        ({"size_wh": (8, 96)}, "data.size_wh is"),
    ],
)
def test_settings_that_cannot_be_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        DataConfig(**settings)
