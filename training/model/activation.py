"""Which activation weights were trained with: QuickGELU, x σ(1.702 x), or plain GELU.

No weight's shape or value tells, and the other one gives other features without an error. OpenAI's
CLIPs, and a few trained after them, have QuickGELU; most of LAION's and DataComp's have not.
"""

from __future__ import annotations

from typing import Literal, get_args

from open_clip import get_model_config, get_pretrained_cfg, list_pretrained_tags_by_model

from runtime.errors import UserError

Activation = Literal["quickgelu", "gelu"]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
# Names of open_clip's that say which activation the architecture has.
QUICK_ENDING = "-quickgelu"

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "activation_of_name",
    "activation_of_tag",
    "check_tag",
    "choose_activation",
]


def activation_of_name(name: str) -> Activation:
    """What an architecture has by open_clip's own configuration of it."""
    return _as_word(bool((get_model_config(name) or {}).get("quick_gelu")))


def activation_of_tag(name: str, tag: str) -> Activation | None:
    """What the weights of a tag were trained with, None for what is no tag of this model.

    open_clip keeps it beside the tag. Where a tag says nothing, the architecture's configuration is
    what those weights were trained in.
    """
    config = get_pretrained_cfg(name, tag)
    if not config:
        return None
    if "quick_gelu" in config:
        return _as_word(bool(config["quick_gelu"]))
    return activation_of_name(name)


def check_tag(name: str, tag: str) -> None:
    """See that open_clip has a tag for this model; raises ``UserError``."""
    if get_pretrained_cfg(name, tag):
        return
    plain = name.removesuffix(QUICK_ENDING)
    if plain != name and get_pretrained_cfg(plain, tag):
        raise UserError(
            f"weights '{tag}' were trained with plain GELU, {name} has QuickGELU; expected the "
            f"architecture that they were trained in: {plain}"
        )
    tags = ", ".join(list_pretrained_tags_by_model(name)) or "(this model has no tags)"
    raise UserError(
        f"weights '{tag}' for {name} are neither a file nor a known tag; expected a local file or "
        f"one of: {tags}"
    )


def choose_activation(
    name: str, asked: str | None, told: Activation | None, by: str, *, default: Activation | None
) -> Activation:
    """The activation to build a CLIP with.

    Args:
        name: open_clip's name of the architecture; one with QuickGELU is a statement, too.
        asked: what the user said, or None.
        told: what the weights say of themselves, or None.
        by: who says so, for messages, such as ``tag 'openai'``.
        default: where nobody says anything; None: that is an error.

    Raises:
        UserError: nobody says it, or two say different things.
    """
    said: dict[str, Activation | None] = {by: told, "--activation": _known(asked)}
    if activation_of_name(name) == "quickgelu":  # the others are the names of either kind
        said[f"the architecture {name}"] = "quickgelu"
    found = {who: what for who, what in said.items() if what is not None}
    if len(set(found.values())) > 1:
        claims = ", ".join(f"{who} says {what}" for who, what in found.items())
        raise UserError(
            f"two activations for one model: {claims}; expected the one that the weights were "
            f"trained with ({name.removesuffix(QUICK_ENDING)} can have either)"
        )
    for what in found.values():
        return what
    if default is None:
        raise UserError(
            f"{by} does not say whether it was trained with QuickGELU (as OpenAI's were) or plain "
            "GELU, and the wrong one gives other features; expected --activation quickgelu or gelu "
            "(python -m training.run: --set model.activation=quickgelu)"
        )
    return default


def _known(asked: str | None) -> Activation | None:
    for activation in ACTIVATIONS:
        if asked == activation:
            return activation
    if asked is None:
        return None
    raise UserError(f"activation '{asked}' is unknown; expected {' or '.join(ACTIVATIONS)}")


def _as_word(quick: bool) -> Activation:
    return "quickgelu" if quick else "gelu"
