"""Narrow models of the architectures that open_clip takes from timm: EVA-02, SigLIP, PE-Core.

They are registered with both libraries under names of their own.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

EVA, EVA_SHALLOW, SIGLIP, PE = "test-eva", "test-eva-shallow", "test-siglip", "test-pe"
WIDTH, HEADS, PATCH, GRID = 48, 3, 8, 4
_TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
_VISION = {"image_size": GRID * PATCH, "timm_model_pretrained": False}
CONFIGS = {
    EVA: {
        "embed_dim": 40,
        "custom_text": True,
        "vision_cfg": {**_VISION, "timm_model_name": "mgca_test_eva", "timm_pool": "token",
                       "timm_proj": None},
        "text_cfg": _TEXT,
    },
    EVA_SHALLOW: {
        "embed_dim": 40,
        "custom_text": True,
        "vision_cfg": {**_VISION, "timm_model_name": "mgca_test_eva_shallow",
                       "timm_pool": "token", "timm_proj": None},
        "text_cfg": _TEXT,
    },
    SIGLIP: {
        "embed_dim": WIDTH,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {**_VISION, "timm_model_name": "mgca_test_siglip", "timm_pool": "map",
                       "timm_proj": "none"},
        "text_cfg": {**_TEXT, "vocab_size": 64, "context_length": 64,
                     "hf_tokenizer_name": "nobody/no-tokenizer",
                     "tokenizer_kwargs": {"clean": "canonicalize"}, "no_causal_mask": True,
                     "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": 1e-6},
                     "act_kwargs": {"approximate": "tanh"}},
    },
    PE: {
        "embed_dim": 40,
        "custom_text": True,
        "vision_cfg": {**_VISION, "timm_model_name": "mgca_test_pe", "timm_pool": "map",
                       "timm_proj": None},
        "text_cfg": _TEXT,
    },
}  # fmt: skip


def register(folder: Path) -> None:
    """Make the names known to open_clip and timm."""
    from open_clip import add_model_config

    _register_trunks()
    for name, config in CONFIGS.items():
        (folder / f"{name}.json").write_text(json.dumps(config))
    add_model_config(folder)


@lru_cache(maxsize=1)
def _register_trunks() -> None:
    from timm.models import register_model
    from timm.models.eva import Eva
    from timm.models.vision_transformer import VisionTransformer

    shape = {"img_size": GRID * PATCH, "patch_size": PATCH, "embed_dim": WIDTH, "num_heads": HEADS}

    def own(options: dict) -> dict:
        return {name: options[name] for name in ("num_classes", "global_pool") if name in options}

    # EVA-02's: timm's eva02_base_patch16_clip_224, narrower.
    def mgca_test_eva(pretrained: bool = False, depth: int = 12, **options) -> Eva:
        return Eva(
            **shape, depth=depth, qkv_fused=False, mlp_ratio=4 * 2 / 3, swiglu_mlp=True,
            scale_mlp=True, scale_attn_inner=True, use_rot_pos_emb=True, ref_feat_shape=(6, 6),
            **own(options),
        )  # fmt: skip

    def mgca_test_eva_shallow(pretrained: bool = False, **options) -> Eva:
        return mgca_test_eva(pretrained, depth=3, **options)

    # vit_base_patch16_siglip_224, narrower.
    def mgca_test_siglip(pretrained: bool = False, **options) -> VisionTransformer:
        return VisionTransformer(**shape, depth=3, class_token=False, **own(options))

    # vit_pe_core_base_patch16_224, narrower.
    def mgca_test_pe(pretrained: bool = False, **options) -> Eva:
        return Eva(
            **shape, depth=3, attn_type="rope", use_pre_transformer_norm=True,
            use_rot_pos_emb=True, ref_feat_shape=(GRID, GRID), rope_grid_offset=1.0,
            rope_grid_indexing="xy", attn_pool_num_heads=HEADS, attn_pool_mlp_ratio=4.0,
            **own(options),
        )  # fmt: skip

    for make in (mgca_test_eva, mgca_test_eva_shallow, mgca_test_siglip, mgca_test_pe):
        register_model(make)


def build(name: str, seed: int = 3):
    """The model, its weights random and large enough that patches differ."""
    import open_clip
    import torch

    torch.manual_seed(seed)
    model = open_clip.create_model(name, pretrained=None).eval().requires_grad_(False)
    for weight in model.visual.parameters():
        weight.add_(torch.randn_like(weight) * 0.1)
    return model
