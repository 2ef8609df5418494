"""A stand-in for a log store: takes OTLP over HTTP and tells what it holds: python sink.py PORT.

`/seen?text=...` answers how many requests held a text, and a LogQL query is answered by a line that
holds its strings. Runs in a pod without the project.
"""

import gzip
import json
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_BODIES: list[bytes] = []
_KEPT = 2000


class Sink(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        _BODIES.append(body)
        del _BODIES[:-_KEPT]
        self._answer(b"", "application/x-protobuf")

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if "query" in asked:
            self._loki(re.findall(r'"([^"]+)"', asked["query"][0]))
            return
        wanted = asked.get("text", [])
        found = sum(all(text.encode() in body for text in wanted) for body in _BODIES)
        self._answer(json.dumps({"seen": found}).encode(), "application/json")

    def _loki(self, wanted: list[str]) -> None:
        """Answer a LogQL query as Loki does: a line that holds each string of the query."""
        found = any(all(text.encode() in body for text in wanted) for body in _BODIES)
        values = [[str(time.time_ns()), f"trace_id={wanted[-1]}"]]
        streams = [{"stream": {"trace_id": wanted[-1]}, "values": values}] if found else []
        answer = {"status": "success", "data": {"resultType": "streams", "result": streams}}
        self._answer(json.dumps(answer).encode(), "application/json")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Sink).serve_forever()
