#!/usr/bin/env bash
# ONNX Runtime 1.32.0 from PyPI, Linux: a process that runs a model for ten seconds looks up a host of its maker's, to send
# reports of its use, and keeps them and a number of this machine in the user's cache folder. Releases before 1.29 did neither.
# ORT_DISABLE_TELEMETRY=1 before it is loaded stops both. (It is silent by itself where CI is set.) Needs Linux, and root or
# the right to make network namespaces: nothing leaves the machine here, the lookups that find no route are counted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'onnxruntime==1.32.0' 'onnx==1.23.2' 'numpy<3'
cat > "$folder/run.py" <<'PYTHON'
import pathlib
import sys
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def lost_packets():
    lines = [line.split() for line in open("/proc/net/snmp") if line.startswith("Ip:")]
    return int(lines[1][lines[0].index("OutNoRoutes")])


x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", [x], [y])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=["CPUExecutionProvider"]
)
before = lost_packets()
for _ in range(25):
    session.run(None, {"x": np.ones(1, np.float32)})
    time.sleep(1)
packets = lost_packets() - before
kept = [path.name for path in pathlib.Path(sys.argv[1]).rglob("*") if path.is_file()]
print("onnxruntime", onnxruntime.__version__, "packets without a route:", packets, "files:", kept)
talks = sys.argv[2] == "talks"
assert bool(packets) == bool(kept) == talks, "that has changed"
PYTHON
mkdir "$folder/first" "$folder/second"
clean=(env -u CI -u ORT_DISABLE_TELEMETRY -u ORT_RUNNING_UNIT_TESTS)
"${clean[@]}" XDG_CACHE_HOME="$folder/first" unshare --net "$folder/venv/bin/python" "$folder/run.py" "$folder/first" talks
"${clean[@]}" ORT_DISABLE_TELEMETRY=1 XDG_CACHE_HOME="$folder/second" unshare --net "$folder/venv/bin/python" "$folder/run.py" "$folder/second" silent
