"""Enlarging as products with matrices is PyTorch's own bilinear enlarging."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.model.resample import enlarge  # noqa: E402


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 5), (2, 3), (7, 4), (22, 28)])
@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_as_interpolate(size_hw: tuple[int, int], factor: int) -> None:
    maps = torch.randn(2, 5, *size_hw, generator=torch.Generator().manual_seed(0))
    wanted = torch.nn.functional.interpolate(
        maps, scale_factor=float(factor), mode="bilinear", align_corners=False
    )
    torch.testing.assert_close(enlarge(maps, factor), wanted)


def test_gradients_and_half_precision() -> None:
    maps = torch.randn(1, 3, 4, 5, requires_grad=True)
    enlarge(maps, 4).sum().backward()
    assert maps.grad is not None
    torch.testing.assert_close(maps.grad.sum(), torch.tensor(16.0 * maps.numel()))
    assert enlarge(maps.half(), 4).dtype == torch.float16
