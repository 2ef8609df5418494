"""A way to S3 that can be shut: python gate.py PORT TARGET_HOST TARGET_PORT.

A POST to `/gate?mode=open|refuse|slow` says what happens to later requests: they pass, get 403, or
wait ten seconds first. Runs in a pod without the project.
"""

import http.client
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_REFUSED = b"<Error><Code>AccessDenied</Code><Message>shut</Message></Error>"
_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "date", "server"}
_state = {"mode": "open"}


class Gate(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        if parts.path == "/gate":
            _state["mode"] = parse_qs(parts.query)["mode"][0]
            self._answer(200, [], b"")
            return
        if _state["mode"] == "refuse":
            self._answer(403, [("Content-Type", "application/xml")], _REFUSED)
            return
        if _state["mode"] == "slow":
            time.sleep(10)
        there = http.client.HTTPConnection(sys.argv[2], int(sys.argv[3]), timeout=60)
        try:
            there.request(self.command, self.path, body, dict(self.headers.items()))
            answer = there.getresponse()
            content = answer.read()
            headers = [(k, v) for k, v in answer.getheaders() if k.lower() not in _NOT_PASSED_ON]
            length = answer.getheader("Content-Length")
            self._answer(answer.status, headers, content, length)
        except OSError:
            self._answer(503, [], b"")
        finally:
            there.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass

    def _answer(
        self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        head = self.command == "HEAD" and length is not None
        self.send_header("Content-Length", length if head and length else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Gate).serve_forever()
