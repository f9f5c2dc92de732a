"""From a tower's tokens to the space in which the text lives, one patch at a time."""

from __future__ import annotations

from torch import Tensor, nn


class TokenHead(nn.Module):
    """Of towers that pool by their class token: the last norm and the projection, of every patch.

    Args:
        trunk: timm's tower.
        after: what open_clip puts behind it.
    """

    def __init__(self, trunk: nn.Module, after: nn.Module) -> None:
        super().__init__()
        self.norm, self.fc_norm = trunk.norm, trunk.fc_norm
        self.project, self.after = trunk.head, after

    def forward(self, tokens_bnc: Tensor) -> Tensor:
        """(b, n, c) -> (b, n, d)."""
        return self.after(self.project(self.fc_norm(self.norm(tokens_bnc))))


class PoolingHead(nn.Module):
    """Of towers that pool by attention (SigLIP): the value path of the pooling head.

    The head mixes the values of all patches by one learned query, projects the mixture and adds an
    MLP of it. MaskCLIP's idea (Zhou et al. 2022) there: each patch is attended to alone, so that
    the mixture is its own value, and all that follows is as trained.

    Args:
        trunk: timm's tower.
        after: what open_clip puts behind it.
    """

    def __init__(self, trunk: nn.Module, after: nn.Module) -> None:
        super().__init__()
        pool = trunk.attn_pool
        width = int(pool.kv.in_features)  # type: ignore[union-attr, arg-type]
        self.norm, self.fc_norm = trunk.norm, trunk.fc_norm
        self.value = nn.Linear(width, width, bias=pool.kv.bias is not None)  # type: ignore[union-attr]
        self.value.weight = _frozen(pool.kv.weight[width:])  # type: ignore[union-attr, index]
        if self.value.bias is not None:
            self.value.bias = _frozen(pool.kv.bias[width:])  # type: ignore[union-attr, index]
        self.out_proj, self.mlp_norm, self.mlp = pool.proj, pool.norm, pool.mlp  # type: ignore[union-attr]
        self.project, self.after = trunk.head, after

    def forward(self, tokens_bnc: Tensor) -> Tensor:
        """(b, n, c) -> (b, n, d)."""
        x_bnc = self.out_proj(self.value(self.norm(tokens_bnc)))  # type: ignore[operator]
        x_bnc = x_bnc + self.mlp(self.mlp_norm(x_bnc))  # type: ignore[operator]
        return self.after(self.project(self.fc_norm(x_bnc)))


def _frozen(weight: Tensor) -> nn.Parameter:
    return nn.Parameter(weight.detach(), requires_grad=False)
