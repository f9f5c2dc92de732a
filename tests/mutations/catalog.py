"""The faults: what is put in whose place, and which tests must fail then.

Those of tests that were made shorter or smaller stand here first of all: a test that takes less
time must not see less. A check of committed files (``make lint``) holds the catalog to the code.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One fault.

    Attributes:
        path: the file, from the repository's root.
        old: what stands there, once.
        new: what stands there instead.
        tests: file or test that must fail, as pytest takes it.
    """

    path: str
    old: str
    new: str
    tests: str

    @property
    def title(self) -> str:
        """The file and what is changed, on one line."""
        return f"{self.path}: {_line(self.old)} -> {_line(self.new)}"


def _line(text: str) -> str:
    return " ".join(text.split()) or "(nothing)"


_LOSSES = "tests/training/losses/test_losses.py"
MUTATIONS = (
    Mutation(
        "training/engine/ema.py", "self.share = 1.0 / steps", "self.share = 2.0 / steps",
        "tests/training/engine/test_ema.py",
    ),
    Mutation(
        "training/engine/ema.py", "            clip.load_state_dict(own)", "            pass",
        "tests/training/engine/test_ema.py",
    ),
    Mutation(
        "training/engine/checkpoint.py",
        "        if ema is not None and not to_resume:", "        if ema is not None:",
        "tests/training/engine",
    ),
    Mutation(
        "training/engine/checkpoint.py",
        'content["generator"] = checkpoint.generator', 'content["generator"] = None',
        "tests/training/engine",
    ),
    Mutation(
        "training/engine/checkpoint.py",
        '"steps_before": checkpoint.steps_before', '"steps_before": 0',
        "tests/training/engine",
    ),
    Mutation(
        "training/engine/loop.py", "    if math.isfinite(norm):\n        optimizer.step()",
        "    optimizer.step()", "tests/training/engine",
    ),
    Mutation(
        "training/engine/loop.py",
        "return config.learning_rate * (step + 1) / config.warmup",
        "return config.learning_rate",
        "tests/training/test_golden_run.py",
    ),
    Mutation(
        "training/engine/unit_space.py", "SAME_COLOR = 0.004", "SAME_COLOR = 4.0",
        "tests/training/engine/test_unit_space.py",
    ),
    Mutation(
        "training/engine/unit_space.py", "directions_dd[:, -space_width:]",
        "directions_dd[:, :space_width]", "tests/training/engine/test_unit_space.py",
    ),
    Mutation(
        "training/checkpoints/slim.py", "        table[used] = kept\n", "",
        "tests/training/checkpoints/test_slim.py",
    ),
    Mutation(
        "training/checkpoints/slim.py", "checkpoint, half=True)", "checkpoint, half=False)",
        "tests/training/checkpoints/test_slim.py",
    ),
    Mutation(
        "training/checkpoints/interpolate.py",
        "(1.0 - share) * first[name] + share * value",
        "share * first[name] + (1.0 - share) * value",
        "tests/training/checkpoints/test_interpolate.py",
    ),
    Mutation(
        "training/losses/infonce.py", "~own_bj & ~ignore_bj", "~own_bj", "tests/training/losses"
    ),
    Mutation(
        "training/losses/infonce.py", "0.5 * (to_image.mean() + to_caption.mean())",
        "to_image.mean()", _LOSSES,
    ),
    Mutation(
        "training/losses/object.py",
        "normalize(mask_bjn @ pixels_bnd, dim=-1)", "mask_bjn @ pixels_bnd", _LOSSES,
    ),
    Mutation(
        "training/losses/region.py", "ignore_bj[owner_j].T | ", "", "tests/training/losses"
    ),
    Mutation(
        "training/losses/pixel.py", "order_jn[:, -bottom:]", "order_jn[:, :bottom]", _LOSSES
    ),
    Mutation(
        "training/losses/pixel.py", "(own_bj | ignore_bj).unsqueeze(-1)",
        "own_bj.unsqueeze(-1)", "tests/training/losses",
    ),
    Mutation(
        "training/data/tile_mixing.py",
        "self.target_tb = self.source_tb.argsort(dim=1)", "self.target_tb = self.source_tb",
        "tests/training/data/test_tile_mixing.py",
    ),
    Mutation(
        "training/pretrain/mosaic.py", "        if not self.mirrored:", "        if True:",
        "tests/training/pretrain/test_mosaic.py",
    ),
    Mutation(
        "training/pretrain/teacher.py",
        "self._see(images.flip(3)).flip(3)", "self._see(images.flip(3))",
        "tests/training/pretrain/test_teacher.py",
    ),
    Mutation(
        "training/engine/evaluation.py", 'namespace="eval"', 'namespace="train"',
        "tests/training/engine/test_evaluation.py",
    ),
    Mutation(
        "training/recipes/demo.py", '"data.variant": "pieces"', '"data.variant": "mixed"',
        "tests/training/recipes",
    ),
    Mutation(
        "training/model/units.py", "centres_ksf * (2.0 * sharpness)",
        "centres_ksf * sharpness", "tests/export/parity/test_reference.py",
    ),
    Mutation(
        "export/graph/rewrites/fold_scales.py",
        "replace_weight(view, conv, 2, bias * per_channel)", "pass", "tests/export/graph",
    ),
    Mutation(
        "export/graph/rewrites/squeeze_single_items.py",
        "        if shape[axis] != 1:\n            continue\n", "", "tests/export/graph",
    ),
    Mutation(
        "export/graph/rewrites/merge_transposes.py",
        "[inner[axis] for axis in permutation(second)]",
        "[permutation(second)[axis] for axis in inner]",
        "tests/export/graph",
    ),
    Mutation(
        "export/precision/half_range.py",
        "LARGEST_HALF / MARGIN if maker", "LARGEST_HALF * MARGIN if maker",
        "tests/export/precision/test_half_range.py",
    ),
    Mutation(
        "export/parity/gate.py",
        "    if parity.precision != \"fp32\":\n        message",
        "    if parity.precision == \"fp32\":\n        message",
        "tests/export/parity/test_gate.py",
    ),
    Mutation(
        "benchmarks/scoring/segments.py",
        "np.minimum(overlap, whole - overlap)", "np.maximum(overlap, whole - overlap)",
        "tests/benchmarks/scoring/test_segments.py",
    ),
    Mutation(
        "runtime/segment/contests.py", "        stays &= above\n",
        "        stays &= ~above\n", "tests/runtime/segment/test_labelling.py",
    ),
    Mutation(
        "runtime/segment/contests.py", "behind.max(axis=1)",
        "behind.min(axis=1)", "tests/runtime/segment/test_labelling.py",
    ),
    Mutation(
        "runtime/redaction.py", 'if "@" in authority or rest.count("@") > 1 or _is_host(authority)',
        'if rest.count("@") > 1', "tests/runtime/test_redaction.py",
    ),
    Mutation(
        "runtime/segment/segmenter.py", "class_names=raw.queries.class_names",
        "class_names=self.class_names", "tests/runtime/segment/test_histories.py",
    ),
    Mutation(
        "runtime/sinks/h264.py", "if self._frames and not self._pipe.broken:",
        "if not self._pipe.broken:", "tests/runtime/stream/test_faults.py",
    ),
    Mutation(
        "runtime/sinks/output_file.py", "self.handle.truncate(at)", "pass",
        "tests/runtime/sinks/test_faults.py",
    ),
    Mutation(
        "runtime/sinks/place_lock.py", "return not _lock(descriptor, exclusive=False)",
        "return False", "tests/runtime/sinks/test_faults.py",
    ),
)  # fmt: skip
