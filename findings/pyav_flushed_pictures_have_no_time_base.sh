#!/usr/bin/env bash
# PyAV 18.1.0: a picture that decode(None) brings, the way to ask a decoder for what it still holds back, has a pts
# and no time_base (None), while those that decode(packet) brought before have both. pts * time_base raises TypeError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'av==18.1.0' 'numpy<3'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import av
import numpy as np

with av.open("clip.mp4", "w") as container:
    stream = container.add_stream("libx264", rate=10, options={"bf": "3"})
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for index in range(12):
        picture = np.full((48, 64, 3), 20 * index, np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    container.mux(stream.encode(None))

seen = {"packet": [], "None": []}
with av.open("clip.mp4") as container:
    stream = container.streams.video[0]
    for packet in container.demux(stream):
        if packet.size:
            seen["packet"] += [(f.pts, f.time_base) for f in stream.codec_context.decode(packet)]
    seen["None"] += [(f.pts, f.time_base) for f in stream.codec_context.decode(None)]
print("PyAV", av.__version__, {by: found[-1] for by, found in seen.items()})
assert all(pts is not None and unit is not None for pts, unit in seen["packet"])
assert seen["None"], "nothing was held back"
assert all(pts is not None and unit is None for pts, unit in seen["None"]), "this has changed"
PYTHON
