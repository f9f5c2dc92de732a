"""The parity gate: the thresholds, the verdict, the table that shows why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from export.parity.figures import Parity

# Share of pixels at source resolution that must get the reference's label.
LEAST_AGREEMENT = {"fp32": 0.999, "fp16": 0.995, "int8": 0.97, "int8-static": 0.97}
# Mean cosine that each stage must reach where labels prove nothing.
LEAST_COSINE = {"fp32": 0.99999, "fp16": 0.9995, "int8": 0.99, "int8-static": 0.98}
# Mean cosine that each stage must reach beside the labels: one unit over a whole frame hides a
# wrong encoder from them.
COSINE_FLOOR = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.95, "int8-static": 0.95}
# Below this median margin between the best two words, labels are near-ties: random weights.
NEAR_TIE_MARGIN = 1e-3


@dataclass(frozen=True)
class Verdict:
    """Whether a variant passes, by what, and what to do if not.

    Attributes:
        passed: the gate is open.
        criterion: ``label agreement`` or ``cosine`` (what failed, if something did).
        threshold: what was demanded.
        found: what was measured (the lowest stage's mean for cosines).
        weakest_stage: the stage in which most cosine is lost.
    """

    passed: bool
    criterion: str
    threshold: float
    found: float
    weakest_stage: str


def judge(parity: Parity, *, untrained: bool, least_agreement: float | None = None) -> Verdict:
    """Judge a variant: by its labels and a floor of cosines, or by cosines alone.

    Args:
        parity: the measured figures.
        untrained: the weights are known to be random, so that labels prove nothing.
        least_agreement: the user's threshold instead of the default for this precision.
    """
    weakest = stages_by_loss(parity)[0]
    cosine = min(stage.mean for stage in parity.stages.values())
    by_cosine = untrained and least_agreement is None
    floor = (LEAST_COSINE if by_cosine else COSINE_FLOOR)[parity.precision]
    if by_cosine or cosine < floor:
        return Verdict(cosine >= floor, "cosine", floor, cosine, weakest)
    threshold = LEAST_AGREEMENT[parity.precision] if least_agreement is None else least_agreement
    passed = parity.label_agreement >= threshold
    return Verdict(passed, "label agreement", threshold, parity.label_agreement, weakest)


def stages_by_loss(parity: Parity) -> list[str]:
    """Return the stages, first the one that loses most mean cosine against the one before it."""
    before, losses = 1.0, {}
    for name, stage in parity.stages.items():
        losses[name] = before - stage.mean
        before = stage.mean
    return sorted(losses, key=lambda name: -losses[name])


def failure_message(
    parity: Parity, verdict: Verdict, kept: Sequence[str] = (), next_to_keep: str | None = None
) -> str:
    """Return the one line that says why the gate stayed shut and what to do.

    Args:
        parity: the measured figures.
        verdict: the judgement on them.
        kept: stages that were kept in fp32 already, besides those that always are.
        next_to_keep: what would help if it stayed in fp32 too; None when nothing is left.
    """
    message = (
        f"{parity.precision}: {verdict.criterion} {verdict.found:.5f} with PyTorch is under "
        f"{verdict.threshold:.5f}; nothing was replaced"
    )
    if verdict.criterion == "label agreement" and parity.median_margin < NEAR_TIE_MARGIN:
        return (
            f"{message}; the best two words differ by {parity.median_margin:.1e} at half of the "
            "pixels, as with untrained weights: --gate cosine judges such a model"
        )
    if parity.precision != "fp32":
        message = f"{message}; most is lost in the {verdict.weakest_stage}"
        if next_to_keep is None:
            return f"{message}, and keeping more in fp32 would leave nothing else: ask for fp32"
        flag = ",".join((*kept, next_to_keep))
        return (
            f"{message}: keep {next_to_keep} in fp32 (--keep-fp32 {flag}, or --auto-fallback), or "
            "ask for fp32"
        )
    return f"{message}; this is a fault of the export: report it with the table"


def format_table(parities: Sequence[Parity], verdicts: Sequence[Verdict]) -> str:
    """Return the figures of every variant as a table for people."""
    lines = [
        f"{'':12}{'labels':>10}{'worst':>10}{'by pixel':>10}{'max diff':>10}"
        f"{'mIoU':>8}{'(torch)':>8}  verdict"
    ]
    for parity, verdict in zip(parities, verdicts, strict=True):
        miou = "-" if parity.miou is None else f"{parity.miou:.4f}"
        miou_reference = "-" if parity.miou_reference is None else f"{parity.miou_reference:.4f}"
        state = "pass" if verdict.passed else "FAIL"
        lines.append(
            f"{parity.precision:12}{parity.label_agreement:10.5f}{parity.worst_frame:10.5f}"
            f"{parity.pixel_label_agreement:10.5f}{parity.class_scores_max_abs:10.1e}"
            f"{miou:>8}{miou_reference:>8}  {state} ({verdict.criterion} >= {verdict.threshold:g})"
        )
    lines.append(
        f"{'cosine':24}{'mean':>12}{'1st pct':>12}{'min':>12}{'max diff':>10}"
        "  there (frame, row, column)"
    )
    for parity in parities:
        for name, stage in parity.stages.items():
            far = stage.farthest
            lines.append(
                f"{parity.precision:12}{name:12}{stage.mean:12.7f}{stage.p1:12.7f}{stage.least:12.7f}"
                f"{far.max_abs:10.1e}  {far.frame}, {far.row}, {far.column}"
            )
    return "\n".join(lines)
