"""A frozen CLIP's image tower, read patch by patch.

Shape legend: b images, p patches (hp x wp), c encoder width, d embedding width.
"""

from __future__ import annotations

from open_clip import CLIP
from torch import Tensor, nn

from training.model.dense.blocks import (
    attend_and_transform,
    attend_and_watch,
    embed_patches,
    embed_tokens,
)
from training.model.dense.features import DenseFeatures, to_map
from training.model.dense.methods import DENSE_MODES, METHODS
from training.model.dense.positions import POSITION_RESIZES, position_embedding
from training.model.dense.trunk import DenseMethod, Trunk, place_in
from training.model.timm import read_visual

# How towers are read unless a method is named, by how they pool; others: clearclip.
DEFAULT_OF_POOLING = {"avg": "tokens", "map": "maskclip"}


class DenseEncoder(nn.Module):
    """The image tower of a frozen CLIP, read patch by patch.

    Args:
        clip: an open_clip model with a ViT tower.
        mode: one of :data:`DENSE_MODES`; None picks ``tokens`` for towers that pool by averaging,
            ``maskclip`` for those that pool by attention, else ``clearclip``.
        early_block: index of the block whose output is handed on as ``early``.
        pooled_blocks: so many of the first blocks attend to averages of 2 x 2 patches; the last
            block does only where it is read as it is (``tokens``).
        position_resize: how position embeddings come to another grid
            (training.model.dense.positions).

    Raises:
        ValueError: an unknown mode or resize.
    """

    def __init__(
        self,
        clip: CLIP,
        mode: str | None = None,
        early_block: int = 1,
        pooled_blocks: int = 0,
        position_resize: str = "size",
    ) -> None:
        super().__init__()
        visual = read_visual(clip.visual)
        if mode is None:
            mode = DEFAULT_OF_POOLING.get(visual.pool_type, "clearclip")
        if position_resize not in POSITION_RESIZES:
            raise ValueError(
                f"position resize '{position_resize}' is unknown; expected one of "
                f"{', '.join(POSITION_RESIZES)}"
            )
        self.visual = visual
        self.early_block = early_block
        self.pooled_blocks = pooled_blocks
        self.position_resize = position_resize
        self.prefix: int = getattr(visual, "prefix", 1)
        self.patch_size = int(visual.patch_size[0])
        self.width = int(visual.conv1.out_channels)
        self.embedding_width = int(visual.output_dim)
        # Filled by fix_size for export: the interpolated embedding becomes a constant of the graph.
        self.fixed_position_pc: Tensor | None = None
        self.read_as(mode)

    def read_as(self, mode: str) -> None:
        """Read the tower by another method from now on; ValueError for one that is unknown, or
        that this tower does not allow.
        """
        if mode not in DENSE_MODES:
            raise ValueError(
                f"dense mode '{mode}' is unknown; expected one of {', '.join(DENSE_MODES)}"
            )
        self.mode = mode
        self.method = METHODS[mode]()
        if self.visual.pool_type == "map":
            self.method = self._of_pooling_head(mode)
        if self.method.watches and self.pooled_blocks >= len(self.visual.transformer.resblocks) - 1:
            raise ValueError(
                f"dense mode '{mode}' reads how patches attend to themselves in the block before "
                "the last, which attends to averages here; choose another"
            )

    def _of_pooling_head(self, mode: str) -> DenseMethod:
        """The method where attention pools behind the last block: the pooling head's value path
        frees its patches, and ``maskclip`` leaves the last block as it is.
        """
        if mode == "tokens":
            raise ValueError(
                "dense mode 'tokens' is for towers that average their patches, and this one pools "
                "by attention, of which 'maskclip' takes the value path; choose that"
            )
        if self.method.needs_class and not self.prefix:
            raise ValueError(
                f"dense mode '{mode}' looks at the class token, and this tower has none; choose "
                "maskclip, clearclip, sclip or naclip"
            )
        return METHODS["tokens"]() if mode == "maskclip" else self.method

    def fix_size(self, size_wh: tuple[int, int]) -> None:
        """Precompute the position embedding for one input size (pixels), as export wants it."""
        grid_hw = (size_wh[1] // self.patch_size, size_wh[0] // self.patch_size)
        self.fixed_position_pc = self._position(grid_hw).detach().clone()
        self._set_rotation(grid_hw)

    def forward(self, images_b3hw: Tensor) -> DenseFeatures:
        """Encode normalised images.

        Args:
            images_b3hw: float (b, 3, h, w), RGB, normalised with CLIP's mean and std; h and w
                multiples of the patch size.

        Returns:
            Dense features on the patch grid.

        Raises:
            ValueError: a size that the patch does not divide.
        """
        grid_hw = self._grid_of(images_b3hw)
        position_pc = self.fixed_position_pc
        if position_pc is None:
            position_pc = self._position(grid_hw)
        self._set_rotation(grid_hw)
        first_bpc = embed_patches(self.visual, images_b3hw, position_pc)
        trunk, early_bpc = self._run_trunk(first_bpc, grid_hw)
        embeddings_bpd = embed_tokens(self.visual, self.method(trunk))
        return DenseFeatures(
            embeddings_bdhw=to_map(embeddings_bpd, grid_hw),
            early_bchw=to_map(trunk.patches_of(early_bpc), grid_hw),
            late_bchw=to_map(trunk.patches_of(trunk.late_bpc), grid_hw),
        )

    def _set_rotation(self, grid_hw: tuple[int, int]) -> None:
        rotation = getattr(self.visual, "rotation", None)
        if rotation is not None:
            rotation.set_grid(grid_hw)

    def _run_trunk(self, x_bpc: Tensor, grid_hw: tuple[int, int]) -> tuple[Trunk, Tensor]:
        """All blocks but the last: what a method reads, and the early tokens (b, 1 + p, c)."""
        blocks, pooled = self.visual.transformer.resblocks, self.pooled_blocks
        depth = len(blocks)
        wanted = {place: place_in(depth, place) for place in self.method.reads}
        # Outputs that nobody reads are let go of: training has large batches.
        kept: dict[int, Tensor] = {}
        watched_bpp, early_bpc = None, x_bpc
        for index, block in enumerate(blocks[:-1]):
            if self.method.watches and index == depth - 2:
                x_bpc, watched_bpp = attend_and_watch(block, x_bpc)
            else:
                x_bpc = attend_and_transform(block, x_bpc, grid_hw if index < pooled else None)
            if index == self.early_block:
                early_bpc = x_bpc
            if index in wanted.values():
                kept[index] = x_bpc
        trunk = Trunk(
            block=blocks[-1],
            late_bpc=x_bpc,
            hidden={place: kept[index] for place, index in wanted.items()},
            watched_bpp=watched_bpp,
            grid_hw=grid_hw,
            pooled_hw=grid_hw if pooled >= depth else None,
            prefix=self.prefix,
        )
        return trunk, early_bpc

    def _grid_of(self, images_b3hw: Tensor) -> tuple[int, int]:
        height, width = images_b3hw.shape[-2:]
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(
                f"input of {width}x{height} pixels is not a multiple of the patch size "
                f"{self.patch_size}; "
                "choose another --size"
            )
        return height // self.patch_size, width // self.patch_size

    def _position(self, grid_hw: tuple[int, int]) -> Tensor:
        return position_embedding(self.visual, grid_hw, self.position_resize)
