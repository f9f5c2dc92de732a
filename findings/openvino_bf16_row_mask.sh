#!/usr/bin/env bash
# OpenVINO 2026.4.1, CPU plugin, INFERENCE_PRECISION_HINT bf16, on a processor with AMX: softmax(q k^T +
# mask) v with a constant mask of one row for all heads, shape (1, 1, 1, 245), gives NaN. With the same row
# once a head, (1, 3, 1, 245), it is right to 0.005, and so is float32 with either.
# Needs a processor with amx_bf16; elsewhere it says so and ends.
set -euo pipefail
if ! grep -qw amx_bf16 /proc/cpuinfo; then
    echo "not run: this processor has no amx_bf16"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$folder/mask.py" <<'PYTHON'
import numpy as np
import openvino
from openvino import opset13 as ops

HEADS, ASKING, SEEN, WIDTH = 3, 973, 245, 64
rng = np.random.default_rng(1)
q, k, v = (
    rng.standard_normal((1, HEADS, size, WIDTH)).astype(np.float32)
    for size in (ASKING, SEEN, SEEN)
)
row = np.full((1, 1, 1, SEEN), np.log(4.0), np.float32)
row[..., 0] = 0.0
weights = np.exp(q / 8 @ k.transpose(0, 1, 3, 2) + row)
expected = weights / weights.sum(axis=-1, keepdims=True) @ v


def error(mask, precision):
    inputs = [ops.parameter(list(one.shape), np.float32) for one in (q, k, v)]
    scores = ops.matmul(ops.multiply(inputs[0], np.float32(1 / 8)), inputs[1], False, True)
    weights = ops.softmax(ops.add(scores, ops.constant(mask)), 3)
    model = openvino.Model([ops.matmul(weights, inputs[2], False, False)], inputs)
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    return float(np.abs(compiled([q, k, v])[0] - expected).max())


a_head = np.ascontiguousarray(np.broadcast_to(row, (1, HEADS, 1, SEEN)))
found = {
    (name, precision): error(mask, precision)
    for name, mask in (("one row", row), ("a row a head", a_head))
    for precision in ("f32", "bf16")
}
print("OpenVINO", openvino.__version__, "largest error:", found)
assert not found["one row", "bf16"] < 0.05, "this has changed: one row is right in bf16"
assert max(value for key, value in found.items() if key != ("one row", "bf16")) < 0.05
PYTHON
"$folder/venv/bin/python" "$folder/mask.py"
