"""The record as a page of tables: points of mIoU and boundary F-score in percent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.ablation.summary import KINDS

HEADS = {"pixel": "pixels", "groups": "fixed groups", "adaptive": "adaptive units"}
MEASURES = {"miou": "mIoU", "boundary_f": "boundary F"}


def write_page(record: Mapping[str, Any]) -> str:
    """All tables of a record, as Markdown."""
    titles = record["titles"]
    parts = [
        "# Ablation: grains and prediction units",
        f"`{record['command']}`",
        describe_setup(record),
        "## Terms of each row",
        tabulate(
            ["row", "terms and weights"],
            [[titles[name], _terms(terms)] for name, terms in record["terms"].items()],
        ),
    ]
    for dataset, tables in record["datasets"].items():
        parts += [f"## {dataset}", *dataset_tables(tables, titles, record["controls"][dataset])]
    parts += [
        "## Gradient norm of each term at the decoder",
        *gradient_tables(record["training"], titles),
    ]
    return "\n\n".join(parts) + "\n"


def describe_setup(record: Mapping[str, Any]) -> str:
    """What a reader has to know before the tables."""
    settings, hardware = record["settings"], record["hardware"]
    lines = [
        f"{settings['seeds']} seeds, {settings['steps']} steps of {settings['batch']} images, "
        f"checkpoint `{settings['checkpoint']}` (its CLIP frozen, its decoder not used). A seed "
        "means the same scenes, captions, tiles and first weights in every row.",
        describe_common_terms(settings),
        "Values are mean ± standard deviation over the seeds; differences are paired by seed, "
        "**bold** where the mean exceeds its standard deviation. Rows without training have one "
        "value.",
        "Every kind of unit chooses one of eight settings on tuning frames, for each row and seed; "
        "figures are of other frames. All are enlarged alike, bilinearly.",
        f"{hardware['cpu']}, {hardware['cores']} cores; torch {record['versions'].get('torch')}.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def describe_common_terms(settings: Mapping[str, Any]) -> str:
    """What is on in all rows and therefore cannot show in any difference."""
    # Checkpoints and records of before that renaming call it tilings; the tables always do.
    clip, losses = (
        {("tilings" if name == "tile_mixing" else name): value for name, value in part.items()}
        for part in (settings["clip"], settings["losses"])
    )
    if clip.get("pretrained"):
        trained = f"weights `{clip['pretrained']}`"
    else:
        fields = ("steps", "batch", "captions", "pooling", "noun_weight", "tilings")
        trained = "pre-training: " + ", ".join(f"{name} {_told(clip, name)}" for name in fields)
    return (
        f"In all rows: CLIP {clip.get('clip')} ({trained}). In all trained rows: tilings "
        f"{json.dumps(losses['tilings'])}, inverse temperature {losses['logit_scale']:g}."
    )


def dataset_tables(
    tables: Mapping[str, Any], titles: Mapping[str, str], controls: Mapping[str, Any]
) -> list[str]:
    """The tables of one dataset."""
    rows = tables["rows"]
    parts = []
    for name, measure in MEASURES.items():
        body = [
            [titles[row], *(_spread(kinds[kind][name]) for kind in KINDS)]
            for row, kinds in rows.items()
        ]
        parts.append(tabulate([f"{measure} %", *HEADS.values()], body))
    parts.append(_controls(rows, titles, controls))
    for name, measure in MEASURES.items():
        body = [
            [
                f"{titles[entry['row']]} − {titles[entry['before']]}",
                *(_difference(entry[kind][name]) for kind in KINDS),
            ]
            for entry in tables["differences"]
        ]
        parts.append(tabulate([f"paired difference, {measure} points", *HEADS.values()], body))
    parts.append(_kinds(tables["units_against_each_other"], titles))
    parts.append(_segmentation(rows, titles))
    parts.append(_active_units(tables["active_units"], titles))
    if tables["sensitivity"]:
        parts.append(_sensitivity(tables["sensitivity"], titles))
        row = tables["sensitivity"]["row"]
        parts.append(tabulate_tuning(tables["tuning"][row], titles[row]))
    return [part for part in parts if part]


def gradient_tables(training: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    """One table a row of the ablation: terms by step."""
    parts = []
    for row, found in training.items():
        moments = found["gradient_norms"]
        head = [titles[row], *(f"step {moment['step']:.0f}" for moment in moments)]
        names = [name for name in moments[0] if name != "step"] if moments else []
        body = [[name, *(f"{moment[name]:.3g}" for moment in moments)] for name in names]
        parts.append(tabulate(head, body))
    return parts or ["No row was trained."]


def tabulate_tuning(tuning: Sequence[Mapping[str, Any]], title: str) -> str:
    """What each kind of unit scored on the tuning frames with each setting it could choose."""
    head = [f"{title}, settings to choose from", "mIoU % on the tuning frames, mean of the seeds"]
    body = []
    for kind in KINDS:
        for index, entry in enumerate(tuning[0][kind]):
            setting = ", ".join(
                f"{name} {json.dumps(value)}" for name, value in entry["setting"].items()
            )
            scores = [tried[kind][index]["miou"] for tried in tuning]
            body.append([f"{HEADS[kind]}: {setting}", f"{100 * sum(scores) / len(scores):.1f}"])
    return tabulate(head, body)


def tabulate(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left."""
    rule = [":--", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _told(settings: Mapping[str, Any], name: str) -> str:
    # a checkpoint older than a setting says nothing about it
    return json.dumps(settings[name]) if name in settings else "not recorded"


def _terms(terms: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {weight:g}" for name, weight in terms.items()) or "none (no training)"


def _spread(values: Mapping[str, Any], scale: float = 100.0) -> str:
    mean, std = scale * values["mean"], scale * values["std"]
    return f"{mean:.1f}" if math.isnan(std) else f"{mean:.1f} ± {std:.1f}"


def _difference(values: Mapping[str, Any]) -> str:
    mean, std = 100.0 * values["mean"], 100.0 * values["std"]
    if math.isnan(std):
        return f"{mean:+.1f}"
    text = f"{mean:+.1f} ± {std:.1f}"
    return f"**{text}**" if values["exceeds_its_std"] else text


def _controls(
    rows: Mapping[str, Any], titles: Mapping[str, str], controls: Mapping[str, Any]
) -> str:
    body = [
        [
            f"{titles[row]}, words permuted",
            *(_spread(kinds[kind]["miou_permuted_words"]) for kind in KINDS),
        ]
        for row, kinds in rows.items()
    ]
    body += [[name, *[f"{100 * value:.1f}"] * len(KINDS)] for name, value in controls.items()]
    return tabulate(["controls, mIoU %", *HEADS.values()], body)


def _kinds(differences: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    pairs = [(rival, name) for rival in ("pixel", "groups") for name in MEASURES]
    head = ["paired difference, points"]
    head += [f"adaptive − {HEADS[rival]}, {MEASURES[name]}" for rival, name in pairs]
    body = [
        [titles[row], *(_difference(found[rival][name]) for rival, name in pairs)]
        for row, found in differences.items()
    ]
    return tabulate(head, body)


def _segmentation(rows: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    head = ["under- / over-segmentation %"]
    head += [f"{HEADS[kind]}, {what}" for kind in KINDS for what in ("units", "labels")]
    body = [
        [
            titles[row],
            *(
                " / ".join(
                    f"{100 * kinds[kind][f'{what}_{way}_segmentation']['mean']:.1f}"
                    for way in ("under", "over")
                )
                for kind in KINDS
                for what in ("unit", "label")
            ),
        ]
        for row, kinds in rows.items()
    ]
    return tabulate(head, body)


def _active_units(found: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    columns = ("plainest_tenth", "busiest_tenth", "ratio", "fewest", "most", "correlation")
    head = ["active units", *(name.replace("_", " ") for name in columns)]
    body = [
        [titles[row], *(f"{units[name]:.2f}" for name in columns)] for row, units in found.items()
    ]
    return tabulate(head, body)


def _sensitivity(sensitivity: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    by_setting: dict[str, list[str]] = {}
    for entry in sensitivity["adaptive"]:
        (name, value), = entry["setting"].items()  # fmt: skip
        by_setting.setdefault(name, []).append(f"{json.dumps(value)}: {100 * entry['miou']:.1f}")
    head = [
        f"{titles[sensitivity['row']]}, one setting changed",
        "mIoU % on the tuning frames, seed 0",
    ]
    return tabulate(head, [[name, ", ".join(found)] for name, found in by_setting.items()])
