"""A service: answers, and asks the next one first."""

import json
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NEXT = os.environ.get("NEXT", "")
#: Where it sends spans, as an SDK does.
OTLP = os.environ.get("OTLP", "")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status = 500 if self.path == "/fail" else 200
        if NEXT:
            try:
                with urllib.request.urlopen(NEXT + self.path) as answer:
                    answer.read()
            except urllib.error.HTTPError as error:
                status = error.code
        if OTLP:
            kind = {"Content-Type": "application/x-protobuf"}
            sent = urllib.request.Request(f"{OTLP}/v1/traces", b"", kind)
            urllib.request.urlopen(sent).close()
        # In one write each, as loggers do.
        received = {"path": self.path, "traceparent": self.headers.get("traceparent", "")}
        sys.stdout.write(json.dumps({"message": "answered", **received}) + "\n")
        sys.stdout.flush()
        sys.stdout.write(f"INFO answered {self.path}\n")
        sys.stdout.flush()
        body = b"done"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


address, port = os.environ["LISTEN"].split(":")
ThreadingHTTPServer((address, int(port)), Handler).serve_forever()
