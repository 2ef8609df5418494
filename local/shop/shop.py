"""One service of the demo shop: python shop.py SERVICE.

The front calls the catalogue and the checkout, which calls the payment. Front and checkout use
OpenTelemetry's SDK and write a log record for each order. Catalogue and payment use nothing: with
Beyla, they have spans too. The visitor sends requests. It runs in a pod, without the project.
"""

import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 8080
#: Services with the SDK, which need its packages in their pods.
WITH_SDK = ("front", "checkout")
_ENDPOINT = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")


class Telemetry:
    """Spans and log records of a service with the SDK; nothing for one without."""

    def __init__(self, name: str) -> None:
        self._tracer: Any = None
        self._logger: Any = None
        if name not in WITH_SDK:
            return
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        about = {"service.name": name, "service.namespace": "shop", "service.version": "1.0.0"}
        resource = Resource.create(about)
        spans = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=_ENDPOINT, insecure=True)
        spans.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        trace.set_tracer_provider(spans)
        self._tracer = spans.get_tracer("shop")
        logs = LoggerProvider(resource=resource)
        records = OTLPLogExporter(endpoint=_ENDPOINT, insecure=True)
        logs.add_log_record_processor(BatchLogRecordProcessor(records, schedule_delay_millis=1000))
        self._logger = logs.get_logger("shop")

    @contextmanager
    def span(
        self,
        name: str,
        kind: str,
        attributes: dict[str, Any],
        headers: Any = None,  # noqa: ANN401 - a message of the standard library
    ) -> Generator[dict[str, str]]:
        """Trace what happens inside; yield the headers for a call of another service."""
        sent: dict[str, str] = {}
        if self._tracer is None:
            yield sent
            return
        from opentelemetry import propagate, trace

        # The names of headers as the propagator knows them.
        items: list[tuple[str, str]] = list(headers.items()) if headers is not None else []
        given = {name.lower(): value for name, value in items}
        above = propagate.extract(given) if headers is not None else None
        of_kind = trace.SpanKind[kind]
        with self._tracer.start_as_current_span(
            name, context=above, kind=of_kind, attributes=attributes
        ):
            propagate.inject(sent)
            yield sent

    def log(self, text: str) -> None:
        """Write a log record of the current span; without the SDK, a line."""
        print(text, flush=True)
        if self._logger is not None:
            from opentelemetry._logs import LogRecord, SeverityNumber

            self._logger.emit(
                LogRecord(
                    timestamp=time.time_ns(),
                    severity_number=SeverityNumber.INFO,
                    severity_text="INFO",
                    body=text,
                )
            )


class Shop(ThreadingHTTPServer):
    """One service."""

    def __init__(self, name: str) -> None:
        super().__init__(("", PORT), Handler)
        self.name = name
        self.telemetry = Telemetry(name)

    def call(self, service: str, path: str) -> int:
        """Call another service; return its status."""
        about = {
            "http.request.method": "GET",
            "server.address": service,
            "url.full": f"http://{service}{path}",
        }
        with self.telemetry.span("GET", "CLIENT", about) as headers:
            return get(f"http://{service}:{PORT}{path}", headers)

    def ask(self, database: str, what: str) -> None:
        """Ask a database, which is made up."""
        about = {
            "db.system": "postgresql",
            "db.system.name": "postgresql",
            "db.operation.name": what,
            "db.query.text": f"{what} ...",
            "peer.service": database,
            "server.address": database,
        }
        with self.telemetry.span(f"{what} {database}", "CLIENT", about):
            work(2, 20)


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of every service."""

    server: Shop  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        """Answer a request."""
        route = "/" + self.path.strip("/").split("/")[0]
        about = {
            "http.request.method": "GET",
            "http.route": route,
            "url.path": self.path,
            "url.scheme": "http",
        }
        if route == "/ready":
            self._answer(200)
            return
        with self.server.telemetry.span(f"GET {route}", "SERVER", about, self.headers):
            self._answer(self._handle(route))

    def _handle(self, route: str) -> int:
        its = self.server
        work(1, 5)
        if its.name == "front":
            if route == "/checkout":
                status = its.call("checkout", "/orders")
                its.telemetry.log(f"checkout answered {status}")
                return status
            return its.call("catalogue", "/products/7")
        if its.name == "checkout":
            its.ask("orders-db", "INSERT")
            status = its.call("payment", "/charges")
            its.telemetry.log("order placed" if status == 200 else "payment failed")
            return status
        if its.name == "payment":
            work(5, 60)
            return 500 if random.random() < 0.05 else 200  # noqa: S311 - no secret
        its.ask("catalogue-db", "SELECT")
        return 200

    def _answer(self, status: int) -> None:
        body = json.dumps({"status": status}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: every request would be a line."""


def work(low: float, high: float) -> None:
    """Take some milliseconds."""
    time.sleep(random.uniform(low, high) / 1000)  # noqa: S311 - no secret


def get(url: str, headers: dict[str, str] | None = None) -> int:
    """Return the status of an answer, 503 without one."""
    try:
        request = urllib.request.Request(url, headers=headers or {})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 503


def visit() -> None:
    """Send a few requests a second; one in three buys."""
    number = 0
    while True:
        number += 1
        get(f"http://front:{PORT}/{'checkout' if number % 3 == 0 else 'products/7'}")
        time.sleep(0.2)


if __name__ == "__main__":
    visit() if sys.argv[1] == "visitor" else Shop(sys.argv[1]).serve_forever()
