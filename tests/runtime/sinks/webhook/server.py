"""An HTTP server as a process of its own: keeps what is posted, answers as it is told.

Run as ``python -m tests.runtime.sinks.webhook.server PORT FILE ANSWERS``: each body is a line of
FILE; ANSWERS are statuses with commas between, the last one for ever. ``drip`` answers in drops
without an end, ``silent`` never, ``307:URL`` leads elsewhere.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def main() -> None:
    port, path, answers = int(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            entry = {"path": self.path, "login": self.headers["Authorization"], "answer": answer,
                     "type": self.headers["Content-Type"], "body": json.loads(body)}  # fmt: skip
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
            self._answer(*answer.split(":", 1))

        def _answer(self, status: str, more: str = "") -> None:
            if status == "silent":
                time.sleep(60)
            elif status == "drip":
                for _ in range(1000):
                    self.wfile.write(b"H")
                    time.sleep(0.2)
            else:
                self.send_response(int(status))
                if more.startswith("http"):
                    self.send_header("Location", more)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
