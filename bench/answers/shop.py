"""A small shop of five services, on OpenTelemetry's SDK, that traces its made-up requests.

The services call each other in this process, but as over a network: the trace context travels in
headers, and each service has its own resource. Time is made up too, so that slow requests cost
nothing; requests begin a few seconds in the past and have ended by now.
"""

import random
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

#: Namespace of each service.
NAMESPACES = {
    "front": "shop",
    "catalogue": "shop",
    "cart": "orders",
    "checkout": "orders",
    "payment": "orders",
}
#: Versions of each service that run at the same time; the last is a release that is worse.
VERSIONS = {name: ["1.0.0"] for name in NAMESPACES} | {"checkout": ["1.4.0", "1.5.0"]}
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

    def __init__(self, name: str, version: str, endpoint: str, origin: Attributes) -> None:
        """Set the service up.

        Args:
            name: its name.
            version: its version.
            endpoint: URL that takes OTLP over gRPC.
            origin: attributes of the resource: cluster and environment.
        """
        pod = f"{name}-{version.replace('.', '')}"
        resource = Resource.create(
            {
                "service.name": name,
                "service.namespace": NAMESPACES[name],
                "service.version": version,
                "service.instance.id": pod,
                "k8s.namespace.name": NAMESPACES[name],
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
        """Ask a database."""
        about: Attributes = {
            "db.system": system,
            "db.system.name": system,
            "db.namespace": database,
            "db.operation.name": what,
            "db.query.text": f"{what} …",
            "peer.service": database,
            "server.address": database,
        }
        with self.span(clock, f"{what} {database}", SpanKind.CLIENT, above, about):
            clock.work(2, 30)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class Shop:
    """The shop, open until it is closed or its bounds are reached."""

    def __init__(self, endpoint: str, origin: Attributes) -> None:
        """Set the services up.

        Args:
            endpoint: URL that takes OTLP over gRPC.
            origin: attributes of every resource.
        """
        self._services = {
            name: [Service(name, version, endpoint, origin) for version in versions]
            for name, versions in VERSIONS.items()
        }
        self._closing = threading.Event()
        self.requests = 0

    def run(self, *, per_second: float = 8, seconds: float = 240) -> None:
        """Send requests until the shop is closed, for some time at most."""
        end = time.monotonic() + seconds
        while not self._closing.wait(1 / per_second) and time.monotonic() < end:
            self.visit()
        for service in (one for versions in self._services.values() for one in versions):
            service.close()

    def close(self) -> None:
        """End `run`."""
        self._closing.set()

    def visit(self) -> None:
        """Send one request."""
        self.requests += 1
        clock = Clock()
        with suppress(ShopError):  # The user tries again, or does not.
            (self.buy if self.requests % 3 == 0 else self.look)(clock)

    def look(self, clock: Clock) -> None:
        """A user looks at a product; one database query in twenty is slow."""
        front, catalogue = self._pick("front"), self._pick("catalogue")
        with front.answer(clock, "GET", "/products/{id}", {}) as context:
            clock.work(1, 5)
            with (
                front.call(clock, "catalogue", "GET", context) as headers,
                catalogue.answer(clock, "GET", "/products/{id}", headers) as inner,
            ):
                catalogue.ask(clock, "postgresql", "catalogue-db", "SELECT", inner)
                if self.requests % 20 == 0:
                    clock.work(600, 900)

    def buy(self, clock: Clock) -> None:
        """A user buys; the new release is slower, and more of its payments fail."""
        front, cart = self._pick("front"), self._pick("cart")
        release = self.requests // 3 % 2
        checkout = self._services["checkout"][release]
        with front.answer(clock, "POST", "/checkout", {}) as context:
            clock.work(1, 5)
            with (
                front.call(clock, "checkout", "POST", context) as headers,
                checkout.answer(clock, "POST", "/checkout", headers) as inner,
            ):
                with (
                    checkout.call(clock, "cart", "GET", inner) as to_cart,
                    cart.answer(clock, "GET", "/cart/{id}", to_cart) as below,
                ):
                    cart.ask(clock, "redis", "cart-cache", "GET", below)
                if self.requests % (5 if release else 11) == 0:
                    clock.work(700, 2800)
                checkout.ask(clock, "postgresql", "orders-db", "INSERT", inner)
                self._pay(clock, checkout, inner, fails=self.requests % (7 if release else 13) == 0)
                headers = self._publish(clock, checkout, inner)
        self._consume(clock, headers)

    def _pay(self, clock: Clock, checkout: Service, above: Context, *, fails: bool) -> None:
        payment = self._pick("payment")
        name = "shop.Payment/Charge"
        about: Attributes = {
            "rpc.system": "grpc",
            "rpc.service": "shop.Payment",
            "rpc.method": "Charge",
            "server.address": "payment",
        }
        with checkout.span(clock, name, SpanKind.CLIENT, above, about) as (_, context):
            headers: Headers = {}
            propagate.inject(headers, context)
            with payment.span(clock, name, SpanKind.SERVER, headers, about) as (span, inner):
                with payment.span(clock, "check card", SpanKind.INTERNAL, inner, {}):
                    clock.work(5, 60)
                span.set_attribute("rpc.grpc.status_code", 2 if fails else 0)
                if fails:
                    raise ShopError("card declined")

    def _publish(self, clock: Clock, checkout: Service, above: Context) -> Headers:
        about = _queue("publish")
        with checkout.span(clock, "publish orders", SpanKind.PRODUCER, above, about) as (_, inner):
            clock.work(1, 3)
            headers: Headers = {}
            propagate.inject(headers, inner)
            return headers

    def _consume(self, clock: Clock, headers: Headers) -> None:
        """The catalogue takes an order off the queue."""
        catalogue, about = self._pick("catalogue"), _queue("process")
        clock.work(5, 50)
        kind = SpanKind.CONSUMER
        with catalogue.span(clock, "process orders", kind, headers, about) as (_, inner):
            catalogue.ask(clock, "postgresql", "catalogue-db", "UPDATE", inner)

    def _pick(self, name: str) -> Service:
        return self._services[name][0]


def _queue(operation: str) -> Attributes:
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders",
        "messaging.operation.type": operation,
    }
