#!/usr/bin/env bash
# PyAV 19.0.2 (FFmpeg 9, libavformat 63): a file that an HTTP/1.1 server sends in chunks, whole and with
# the last chunk that marks the end, ends with OSError 5, Input/output error. PyAV 17.0.0 (libavformat 62)
# ends without an error. All pictures come with both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/read.py" <<'PYTHON'
import http.server
import sys
import threading

import av
import numpy as np

with av.open("clip.ts", "w") as container:
    stream = container.add_stream("mpeg4", rate=12)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for index in range(24):
        picture = np.full((48, 64, 3), index * 9, np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
    container.mux(stream.encode(None))
data = open("clip.ts", "rb").read()


class Chunked(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chunked)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
count, ended = 0, "ended"
try:
    with av.open(f"http://127.0.0.1:{server.server_port}/clip.ts", timeout=10) as container:
        for _ in container.decode(video=0):
            count += 1
except OSError as error:
    ended = f"error {error.errno}"
print("PyAV", av.__version__, av.library_versions["libavformat"], count, "pictures,", ended)
assert (count, ended) == (24, sys.argv[1]), "this has changed"
PYTHON
for pair in "17.0.0:ended" "19.0.2:error 5"; do
    python3 -m venv "$folder/${pair%%:*}"
    "$folder/${pair%%:*}/bin/pip" install --quiet --disable-pip-version-check "av==${pair%%:*}" 'numpy<3'
    (cd "$folder" && "$folder/${pair%%:*}/bin/python" read.py "${pair#*:}")
done
