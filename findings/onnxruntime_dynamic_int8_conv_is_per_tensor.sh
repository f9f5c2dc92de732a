#!/usr/bin/env bash
# ONNX Runtime 1.23.2: quantize_dynamic(per_channel=True) gives a MatMul a scale a column, a Conv one scale
# for the whole tensor, without a warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'onnxruntime==1.23.2' 'onnx==1.19.1' 'numpy<3' sympy
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

rng = np.random.default_rng(0)
rows = np.array([1, 10, 100, 1000], np.float32)
kernels = rng.standard_normal((4, 3, 3, 3)).astype(np.float32) * rows[:, None, None, None]
matrix = rng.standard_normal((8, 4)).astype(np.float32) * rows
graph = helper.make_graph(
    [
        helper.make_node("Conv", ["x", "kernels"], ["conv"]),
        helper.make_node("MatMul", ["z", "matrix"], ["product"]),
    ],
    "two",
    [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8]),
        helper.make_tensor_value_info("z", TensorProto.FLOAT, [5, 8]),
    ],
    [
        helper.make_tensor_value_info("conv", TensorProto.FLOAT, [1, 4, 6, 6]),
        helper.make_tensor_value_info("product", TensorProto.FLOAT, [5, 4]),
    ],
    [numpy_helper.from_array(kernels, "kernels"), numpy_helper.from_array(matrix, "matrix")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
onnx.save(model, "model.onnx")
quantize_dynamic("model.onnx", "int8.onnx", per_channel=True)
scales = {
    tensor.name: numpy_helper.to_array(tensor).size
    for tensor in onnx.load("int8.onnx").graph.initializer
    if tensor.name.endswith("_scale")
}
print("onnxruntime", onnxruntime.__version__, "numbers in each scale:", scales)
assert scales == {"kernels_scale": 1, "matrix_scale": 4}, "this has changed"
PYTHON
