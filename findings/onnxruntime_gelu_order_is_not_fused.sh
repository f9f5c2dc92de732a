#!/usr/bin/env bash
# ONNX Runtime 1.32.0, CPU, all optimizations: GELU written as x * (0.5 * (1 + erf(x / sqrt 2))), which is how
# torch.onnx.export writes it at opset 18, is not fused (five operators run); (x * (1 + erf(x / sqrt 2))) * 0.5,
# mathematically the same, becomes one Gelu.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/gelu.py" <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def run(last, name):
    nodes = [
        helper.make_node("Div", ["x", "root"], ["a"]),
        helper.make_node("Erf", ["a"], ["b"]),
        helper.make_node("Add", ["b", "one"], ["c"]),
        helper.make_node("Mul", ["x", "c"] if last else ["half", "c"], ["d"]),
        helper.make_node("Mul", ["d", "half"] if last else ["x", "d"], ["y"]),
    ]
    values = {"root": 2.0**0.5, "one": 1.0, "half": 0.5}
    graph = helper.make_graph(
        nodes,
        "gelu",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (4, 256))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (4, 256))],
        [numpy_helper.from_array(np.float32(v), k) for k, v in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = name
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = np.random.default_rng(0).standard_normal((4, 256)).astype(np.float32)
    return session.run(None, {"x": x})[0], [node.op_type for node in onnx.load(name).graph.node]


first, first_nodes = run(False, "first.onnx")
last, last_nodes = run(True, "last.onnx")
print("onnxruntime", onnxruntime.__version__)
print("x * (0.5 * (1 + erf)):", first_nodes)
print("(x * (1 + erf)) * 0.5:", last_nodes)
print("largest difference:", float(np.abs(first - last).max()))
assert first_nodes == ["Div", "Erf", "Add", "Mul", "Mul"], "this has changed"
assert last_nodes == ["Gelu"], "this has changed"
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.20.1 'numpy<3'
cd "$folder" && venv/bin/python gelu.py
