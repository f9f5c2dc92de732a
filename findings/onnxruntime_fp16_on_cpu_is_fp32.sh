#!/usr/bin/env bash
# ONNX Runtime 1.23.2, CPU provider: a graph in fp16 is computed in fp32, without rounding between its
# operators. 300 * 300 / 1000 in half is infinite; the ONNX reference evaluator says so, the provider says 90.
# So a check of an fp16 graph on a CPU cannot see what overflows on a GPU.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'onnxruntime==1.23.2' 'onnx==1.19.1' 'numpy<3'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

nodes = [
    helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
    helper.make_node("Mul", ["half", "half"], ["square"]),
    helper.make_node("Div", ["square", "thousand"], ["small"]),
    helper.make_node("Cast", ["small"], ["y"], to=TensorProto.FLOAT),
]
graph = helper.make_graph(
    nodes,
    "half",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    [numpy_helper.from_array(np.array(1000, np.float16), "thousand")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
feeds = {"x": np.array([100, 300], np.float32)}
with np.errstate(all="ignore"):
    truth = ReferenceEvaluator(model).run(None, feeds)[0]
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=["CPUExecutionProvider"]
)
seen = session.run(None, feeds)[0]
print("onnxruntime", onnxruntime.__version__, "reference:", truth, "CPU provider:", seen)
assert truth[0] == seen[0] == 10 and np.isinf(truth[1]), truth
assert seen[1] == 90, "the CPU provider rounds to half now"
PYTHON
