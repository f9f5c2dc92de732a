#!/usr/bin/env bash
# PyAV 18.1.0: VideoFrame.rotation of a stream whose display matrix mirrors it from left to right is -180, as it
# is for a half turn: nobody can tell the two apart by it. ISO/IEC 14496-12, 6.2.2 has the matrix.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'av==18.1.0' 'numpy<3'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import av
import numpy as np

with av.open("plain.mp4", "w") as container:
    stream = container.add_stream("mpeg4", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for index in range(3):
        picture = np.full((48, 64, 3), 40 * index, np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    container.mux(stream.encode(None))


def with_matrix(a: int, d: int) -> int:
    data = bytearray(Path("plain.mp4").read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version and flags, times, track, layer, volume
    for place, value in enumerate((a << 16, 0, 0, 0, d << 16, 0, 0, 0, 1 << 30)):
        data[at + 4 * place : at + 4 * place + 4] = value.to_bytes(4, "big", signed=True)
    Path("turned.mp4").write_bytes(data)
    with av.open("turned.mp4") as container:
        return next(container.decode(video=0)).rotation


seen = {"as it is": with_matrix(1, 1), "mirrored": with_matrix(-1, 1), "half turn": with_matrix(-1, -1)}
print("PyAV", av.__version__, seen)
assert seen["as it is"] == 0
assert abs(seen["mirrored"]) == abs(seen["half turn"]) == 180, "this has changed"
PYTHON
