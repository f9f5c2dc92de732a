"""Shards that img2dataset itself writes, of pictures that this file draws and serves.

``python -m tests.support.img2dataset_shards --program PATH/TO/img2dataset --out FOLDER`` made what
lies in ``tests/training/data/shards/written_by_img2dataset`` (img2dataset 1.47.0; it wants old
packages: give it an environment of its own).
"""

from __future__ import annotations

import argparse
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

SHARD = 4
# Caption and what its address gives, in the order of the list; four to a shard.
ADDRESSES = (
    ('two words, "quoted"\\and a backslash', "picture"),
    ("an address that is dead", "nothing"),
    ("a page where a picture was", "page"),
    ("half a picture", "half"),
    ("", "picture"),
    ("ein grünes Haus – a café", "picture"),
    ('["a car", "a bus"]', "picture"),
    ("another that is dead", "nothing"),
    *(("a host that moved away", "nothing"),) * SHARD,
)
LIMIT_S = 120


def draw(number: int) -> bytes:
    """A JPEG of 48 x 36 pixels, another one for each number."""
    picture = np.full((36, 48, 3), 255, np.uint8)
    color = tuple(int(value) for value in np.random.default_rng(number).integers(0, 200, 3))
    cv2.rectangle(picture, (4 + number, 6), (24 + number, 28), color, -1)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()


def answer(number: int) -> tuple[int, str, bytes]:
    """Status, content type and content that the server gives for an address."""
    kind = ADDRESSES[number][1]
    if kind == "nothing":
        return 404, "text/plain", b"not here"
    if kind == "page":
        return 200, "text/html", b"<html>this domain is for sale</html>"
    picture = draw(number)
    return 200, "image/jpeg", picture[: len(picture) // 2] if kind == "half" else picture


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, kind, content = answer(int(self.path.strip("/").partition(".")[0]))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve() -> Iterator[str]:
    """A server on this machine; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def write_shards(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let img2dataset fetch the list into ``folder``, as docs/cc3m.md says to fetch CC3M."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "list.tsv"
    with serve() as address:
        rows = [f"{text}\t{address}/{number}.jpg" for number, (text, _) in enumerate(ADDRESSES)]
        table.write_text("\n".join(["caption\turl", *rows]) + "\n", encoding="utf-8")
        command = [program, "--url_list", str(table), "--input_format", "tsv"]
        command += ["--url_col", "url", "--caption_col", "caption"]
        command += ["--output_format", "webdataset", "--output_folder", str(folder)]
        command += ["--number_sample_per_shard", str(SHARD), "--image_size", "32"]
        command += ["--resize_mode", "keep_ratio", "--resize_only_if_bigger", "True"]
        command += ["--processes_count", "1", "--thread_count", "1", "--encode_quality", "60"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    table.unlink()
    return done


def main() -> None:
    """Write shards into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    done = write_shards(options.program, options.out)
    print(done.stdout[-2000:], done.stderr[-2000:])


if __name__ == "__main__":
    main()
