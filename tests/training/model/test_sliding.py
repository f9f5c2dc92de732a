"""Windows of one large image: cut, seen as a batch, joined; against sums and counts."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.model.segmenter import TraceableSegmenter  # noqa: E402
from training.model.sliding import Sliding  # noqa: E402


def test_what_overlaps_is_averaged() -> None:
    sliding = Sliding((40, 24), (16, 16), 12)
    assert sliding.starts_xy == ([0, 12, 24], [0, 8]) and sliding.count == 6
    image = torch.rand(1, 3, 24, 40)
    windows = sliding.cut(image)
    maps = torch.nn.functional.avg_pool2d(windows, 4) + torch.arange(6).reshape(6, 1, 1, 1)
    total, count = torch.zeros(3, 6, 10), torch.zeros(6, 10)
    for number, (top, left) in enumerate((y, x) for y in (0, 2) for x in (0, 3, 6)):
        total[:, top : top + 4, left : left + 4] += maps[number]
        count[top : top + 4, left : left + 4] += 1
    torch.testing.assert_close(sliding.join(maps), total / count)
    # What the windows agree on comes back as it was.
    whole = torch.nn.functional.avg_pool2d(image, 4)[0]
    torch.testing.assert_close(sliding.join(torch.nn.functional.avg_pool2d(windows, 4)), whole)


@pytest.mark.parametrize("crop_wh", [(48, 16), (16, 32)])
def test_windows_lie_inside(crop_wh: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="do not cover 40x24 from inside"):
        Sliding((40, 24), crop_wh, 8)
    with pytest.raises(ValueError, match="every 17 pixels"):
        Sliding((40, 24), (16, 16), 17)


def test_a_single_window_is_the_frame(clip) -> None:
    from training.model.mgca import MgcaModel, ModelConfig
    from training.model.units import UnitSettings

    model = MgcaModel(clip, ModelConfig(decoder_depth=1)).eval()
    size_wh = (64, 64)
    frame = torch.randint(0, 255, (1, 64, 64, 3), dtype=torch.uint8)
    text = torch.nn.functional.normalize(torch.randn(3, model.encoder.embedding_width), dim=1)
    with torch.inference_mode():
        whole = TraceableSegmenter(model, size_wh, UnitSettings(seeds=4))(frame, text)
        one = Sliding(size_wh, size_wh, 64)
        seen = TraceableSegmenter(model, size_wh, UnitSettings(seeds=4), sliding=one)(frame, text)
    torch.testing.assert_close(seen[3], whole[3], atol=1e-5, rtol=0)
