"""Masks of attention as OpenVINO reads them rightly in bfloat16.

OpenVINO 2026.4 fuses softmax(scores + mask) into attention; with a constant mask of one row for all
heads, (1, 1, 1, n) or fewer axes, the kernel for bfloat16 gives NaN or values of other memory, and
with a row a head, (1, heads, 1, n), it is right (``findings/openvino_bf16_row_mask.sh``).
"""

from __future__ import annotations

from typing import Any

__all__ = ["repeat_row_masks"]


def repeat_row_masks(openvino: Any, model: Any) -> bool:
    """Give each head its own copy of a constant row that is added before a softmax.

    Args:
        openvino: the package.
        model: an ``openvino.Model``; changed in place. What it computes stays the same.

    Returns:
        Whether anything was changed.
    """
    import numpy as np

    changed = False
    for softmax in model.get_ordered_ops():
        if softmax.get_type_name() != "Softmax":
            continue
        add = softmax.input_value(0).get_node()
        if add.get_type_name() != "Add" or add.get_output_partial_shape(0).rank.is_dynamic:
            continue
        scores = add.get_output_partial_shape(0)
        if len(scores) != 4 or scores[1].is_dynamic or scores[1].get_length() == 1:
            continue
        for side in (0, 1):
            mask = add.input_value(side).get_node()
            if mask.get_type_name() != "Constant":
                continue
            row = np.asarray(mask.data)
            if row.ndim > 4 or row.size != row.shape[-1] or row.size == 1:
                continue
            shape = (1, scores[1].get_length(), 1, row.size)
            repeated = np.ascontiguousarray(np.broadcast_to(row.reshape(1, 1, 1, -1), shape))
            constant = openvino.op.Constant(repeated)
            add.input(side).replace_source_output(constant.output(0))
            changed = True
    if changed:
        model.validate_nodes_and_infer_types()
    return changed
