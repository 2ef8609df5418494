"""A service of the shop: its resource, its tracer, and the spans of its requests."""

import random
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

#: Made-up requests begin this long ago, in nanoseconds: longer than any of them takes.
_AGO = 6_000_000_000
_MS = 1_000_000

Headers = dict[str, str]
Attributes = Mapping[str, str | int]


class ShopError(Exception):
    """A request that fails."""


@dataclass
class Clock:
    """The made-up time of one request, in nanoseconds since 1970."""

    now: int = field(default_factory=lambda: time.time_ns() - _AGO)

    def work(self, low: float, high: float) -> None:
        """Let some milliseconds pass."""
        self.now += int(random.uniform(low, high) * _MS)  # noqa: S311 - no secret


class Service:
    """One version of a service, with its own tracer."""

    def __init__(
        self, name: str, namespace: str, version: str, endpoint: str, origin: Attributes
    ) -> None:
        """Set the service up.

        Args:
            name: its name.
            namespace: its namespace, in Kubernetes too.
            version: its version.
            endpoint: URL that takes OTLP over gRPC.
            origin: attributes of the resource: cluster and environment.
        """
        pod = f"{name}-{version.replace('.', '')}"
        resource = Resource.create(
            {
                "service.name": name,
                "service.namespace": namespace,
                "service.version": version,
                "service.instance.id": pod,
                "k8s.namespace.name": namespace,
                "k8s.deployment.name": name,
                "k8s.pod.name": pod,
                "k8s.node.name": "node-1",
                **origin,
            }
        )
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True, timeout=10)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
        self._tracer = self._provider.get_tracer("shop")

    @contextmanager
    def span(
        self,
        clock: Clock,
        name: str,
        kind: SpanKind,
        headers: Headers | Context | None,
        attributes: Attributes,
    ) -> Generator[tuple[Span, Context]]:
        """Trace what happens inside; a failure there is the span's too.

        Args:
            clock: the request's time.
            name: name of the span.
            kind: kind of the span.
            headers: headers of the request that came in, or the context of the span above.
            attributes: attributes of the span.
        """
        above = propagate.extract(headers) if isinstance(headers, dict) else headers
        span = self._tracer.start_span(
            name, context=above, kind=kind, attributes=attributes, start_time=clock.now
        )
        try:
            yield span, trace.set_span_in_context(span)
        except ShopError as error:
            span.record_exception(error, timestamp=clock.now)
            span.set_status(Status(StatusCode.ERROR, str(error)))
            raise
        finally:
            span.end(clock.now)

    @contextmanager
    def answer(self, clock: Clock, method: str, route: str, headers: Headers) -> Generator[Context]:
        """Answer an HTTP request."""
        about: Attributes = {
            "http.request.method": method,
            "http.route": route,
            "url.path": route.replace("{id}", "7"),
            "url.scheme": "http",
            "user_agent.original": "shop/1.0",
            "user.id": f"user-{random.randrange(20)}",  # noqa: S311 - no secret
        }
        name = f"{method} {route}"
        with self.span(clock, name, SpanKind.SERVER, headers, about) as (span, context):
            status = 500
            try:
                yield context
                status = 200
            finally:
                span.set_attribute("http.response.status_code", status)

    @contextmanager
    def call(self, clock: Clock, server: str, method: str, above: Context) -> Generator[Headers]:
        """Call another service over HTTP; yields the headers that it gets."""
        about: Attributes = {
            "http.request.method": method,
            "server.address": server,
            "server.port": 80,
            "url.full": f"http://{server}/",
        }
        with self.span(clock, method, SpanKind.CLIENT, above, about) as (_, context):
            clock.work(0.2, 1)
            headers: Headers = {}
            propagate.inject(headers, context)
            yield headers
            clock.work(0.2, 1)

    def ask(self, clock: Clock, system: str, database: str, what: str, above: Context) -> None:
        """Ask a database; the text of an update is longer than Tempo keeps."""
        text = f"{what} {'a, ' * 1000 if what == 'UPDATE' else '…'}"
        about: Attributes = {
            "db.system": system,
            "db.system.name": system,
            "db.namespace": database,
            "db.operation.name": what,
            "db.query.text": text,
            "peer.service": database,
            "server.address": database,
        }
        with self.span(clock, f"{what} {database}", SpanKind.CLIENT, above, about):
            clock.work(2, 30)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
