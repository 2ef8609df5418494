"""A small shop of five services, on OpenTelemetry's SDK, that traces its made-up requests.

The services call each other in this process, but as over a network: the trace context travels in
headers, and each service has its own resource. Time is made up too, so that slow requests cost
nothing; requests begin a few seconds in the past and have ended by now.
"""

import threading
import time
from contextlib import suppress

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from tests.e2e.answers.service import Attributes, Clock, Headers, Service, ShopError

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


class Shop:
    """The shop, open until it is closed or its bounds are reached."""

    def __init__(self, endpoint: str, origin: Attributes) -> None:
        """Set the services up.

        Args:
            endpoint: URL that takes OTLP over gRPC.
            origin: attributes of every resource.
        """
        self._services = {
            name: [
                Service(name, NAMESPACES[name], version, endpoint, origin) for version in versions
            ]
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
