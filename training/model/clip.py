"""Load the frozen CLIP that everything else stands on.

Our own tiny configuration lives beside this file in ``configs/`` and is registered with open_clip,
so that ``mgca-tiny`` and ``ViT-B-16`` go through the same call. Weights come by tag (``openai``),
from a local file, or not at all (``None``: random, for pre-training and tests).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import torch
from open_clip import CLIP, add_model_config, create_model, get_model_config, get_pretrained_cfg
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import QuickGELU

from runtime.errors import UserError
from training.model.activation import (
    Activation,
    activation_of_name,
    activation_of_tag,
    check_tag,
    choose_activation,
)
from training.model.misfit import describe_misfit
from training.model.obstacles import check_name, has_timm_tower, refuse_obstacles
from training.model.stem import ConvStem
from training.model.weights import READ_ERRORS, put_weights, read_weights
from training.model.weights_file import refuse_foreign

CONFIG_DIR = Path(__file__).parent / "configs"

# OpenAI's normalisation, which open_clip uses by default and which we use for our own CLIP too: one
# preprocessing for every model. RGB, of values in [0, 1].
IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)


def is_ours(clip_name: str) -> bool:
    """Whether a CLIP is one of our own small ones, trained on StreetWorld's captions."""
    return (CONFIG_DIR / f"{clip_name}.json").exists()


def register_configs() -> None:
    """Make our model configurations known to open_clip (idempotent)."""
    if get_model_config("mgca-tiny") is None:
        add_model_config(CONFIG_DIR)


@contextlib.contextmanager
def _asked_for_random_weights() -> Iterator[None]:
    """Within, open_clip does not warn that a model has random weights: they were asked for, mostly
    because trained ones go in next.
    """

    def other(record: logging.LogRecord) -> bool:
        return "initialized randomly" not in record.getMessage()

    # open_clip logs to the root logger itself.
    root = logging.getLogger()
    root.addFilter(other)
    try:
        yield
    finally:
        root.removeFilter(other)


def load_clip(
    name: str,
    pretrained: str | None = None,
    activation: str | None = None,
    *,
    any_tower: bool = False,
) -> CLIP:
    """Build a CLIP by its open_clip name and load its weights.

    Args:
        name: an open_clip model name, ours (``mgca-tiny``) included. It must have a ViT image
            tower whose patches can meet the text (:mod:`training.model.obstacles`).
        pretrained: an open_clip tag (``openai``, ``laion2b_s34b_b88k``; may need the network once),
            the path of a local weights file, or None for random weights.
        activation: ``quickgelu`` or ``gelu``; None: as the tag's weights, or what the file holds,
            were trained with; as the architecture has it where weights are random or our own.
        any_tower: take towers of timm's too, and text towers of their own class (EVA, SigLIP);
            training reads open_clip's own.

    Returns:
        The model on the CPU, in fp32 and eval mode, every parameter frozen.

    Raises:
        UserError: unknown name, a tower that is not a ViT, weights that are not there or do not
            fit, or of which nobody says what activation they were trained with.
    """
    register_configs()
    check_name(name)
    refuse_obstacles(name, any_tower=any_tower)
    try:
        model = _build(name, pretrained, activation)
    except READ_ERRORS as error:
        raise UserError(
            f"weights '{pretrained}' could not be loaded into {name}: {describe_misfit(error)}; "
            "expected weights of that very architecture (a local file works without a network)"
        ) from error
    model.eval()
    model.requires_grad_(False)
    return model


def _build(name: str, pretrained: str | None, asked: str | None) -> CLIP:
    own = activation_of_name(name)
    if pretrained is None:
        chosen = choose_activation(name, asked, None, "", default=own)
        return _create(name, None, chosen)
    if not get_pretrained_cfg(name, pretrained) and Path(pretrained).exists():
        expected = f"a file of weights for {name}, or a tag such as openai"
        what = f"weights '{pretrained}' could not be loaded into {name}: it"
        refuse_foreign(Path(pretrained), what, expected)
    if not is_file(name, pretrained):
        check_tag(name, pretrained)
        told = activation_of_tag(name, pretrained)
        chosen = choose_activation(name, asked, told, f"tag '{pretrained}'", default=own)
        return _create(name, pretrained, chosen)
    weights = read_weights(Path(pretrained))
    # Files for our own architectures are our own weights; timm's towers have one activation each.
    default = own if is_ours(name) or has_timm_tower(name) else None
    chosen = choose_activation(
        name, asked, weights.activation, f"the file '{pretrained}'", default=default
    )
    model = _create(name, None, chosen)
    put_weights(model, weights)
    return model


def is_file(name: str, pretrained: str) -> bool:
    """Whether weights are a local file, and not a tag of the model: open_clip, too, looks for a
    tag first.
    """
    return not get_pretrained_cfg(name, pretrained) and Path(pretrained).is_file()


def _create(name: str, tag: str | None, activation: Activation) -> CLIP:
    """The architecture, with the weights of a tag or random ones."""
    quick = activation == "quickgelu"
    with _asked_for_random_weights() if tag is None else contextlib.nullcontext():
        # What force_quick_gelu can only switch on, the model's own argument switches either way;
        # the first keeps open_clip from warning of a mismatch that is none.
        model = create_model(
            name, pretrained=tag, precision="fp32", force_quick_gelu=quick, quick_gelu=quick
        )
    if is_ours(name):
        model.visual.conv1 = ConvStem(model.visual.conv1.out_channels)
    return model


def activation_of(model: CLIP) -> Activation:
    """The activation of a CLIP's towers, which no weight of the state tells."""
    return "quickgelu" if uses_quick_gelu(model) else "gelu"


def uses_quick_gelu(model: CLIP) -> bool:
    """True when the towers' activation is QuickGELU, which no weight of the state tells."""
    return any(isinstance(module, QuickGELU) for module in model.modules())


def tokenizer_for(model: CLIP) -> SimpleTokenizer:
    """open_clip's tokenizer at this model's context length, or a text tower's own: strings ->
    int64 (n, context_length).
    """
    if hasattr(model, "text") and hasattr(model.text, "tokenizer"):
        return model.text.tokenizer
    return SimpleTokenizer(context_length=model.context_length)


def encode_text(model: CLIP, tokens: torch.Tensor) -> torch.Tensor:
    """Encode token ids, skipping the padding at the end.

    open_clip always runs the full context. With a causal mask the end-of-text token never sees what
    follows it, so cutting the columns after the longest caption changes nothing and saves most of
    the work: 12 tokens instead of 77.

    Args:
        model: a CLIP with a causal text tower.
        tokens: int64 (n, context_length), with the end-of-text token (the largest id) in each row.

    Returns:
        (n, D) embeddings, not normalised.
    """
    longest = int(tokens.argmax(dim=1).max()) + 1
    tokens = tokens[:, :longest]
    x = model.token_embedding(tokens) + model.positional_embedding[:longest]
    x = model.transformer(x, attn_mask=model.attn_mask[:longest, :longest])
    x = model.ln_final(x)
    x = x[torch.arange(x.shape[0], device=x.device), tokens.argmax(dim=-1)]
    projection = model.text_projection
    return projection(x) if isinstance(projection, torch.nn.Linear) else x @ projection
