"""Protocols by name, and the sets that they are defined on."""

from __future__ import annotations

from benchmarks.datasets.evaluation_set import EvaluationSet
from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.sclip import sclip
from benchmarks.protocols.tcl import tcl
from runtime.errors import UserError

PROTOCOLS = {"tcl": tcl, "sclip": sclip}
DATASETS = (
    *("voc21", "voc20", "context60", "context59"),
    *("coco-object", "coco-stuff", "cityscapes", "ade20k"),
)


def protocol_of(name: str, dataset: EvaluationSet) -> Protocol:
    """What a protocol fixes on a set.

    Raises:
        UserError: it says nothing of that set.
    """
    if dataset.name not in DATASETS:
        raise UserError(
            f"--protocol {name} says nothing of {dataset.name}; expected --dataset "
            f"{', '.join(DATASETS)}"
        )
    return PROTOCOLS[name](dataset.name, dataset.words)
