"""A small shop of seven services that makes up requests: the same for the same seed.

It has what a pipeline treats differently: errors, slow calls, health probes, secrets in attributes,
routes without a template, and one trace of 50,000 spans. Every secret contains `LEAK`, so that one
that gets through is found.
"""

# The generated messages carry no types of their own.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import random
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from plan.rehearse.otlp import Source, Trace, add_attributes

#: Namespace of each service.
NAMESPACES: Final = {
    "front": "shop",
    "catalogue": "shop",
    "search": "shop",
    "cart": "orders",
    "checkout": "orders",
    "payment": "orders",
    "reports": "back-office",
}
#: Versions of each service that run at the same time; the last is a release that is worse.
VERSIONS: Final = {name: ["1.0.0"] for name in NAMESPACES} | {"checkout": ["1.4.0", "1.5.0"]}
#: Part of every secret.
MARKER: Final = "LEAK"
#: Paths of probes and scrapes, and the names of their spans.
_PROBED = ("/healthz", "/readyz", "/metrics")
PROBES: Final = frozenset(f"GET {path}" for path in _PROBED)
#: Spans of the large trace.
LARGE: Final = 50_000
#: Requests after which the large trace comes.
_LARGE_AFTER = 500
_MS = 1_000_000
#: The shop's requests begin at this time, in nanoseconds; a replay shifts them.
_EPOCH = 1_700_000_000_000_000_000
_JWT = f"eyJhbGciOiJIUzI1NiJ9.{MARKER}eyJzdWIiOiI3In0.{MARKER}c2lnbmF0dXJl"

Attributes = Mapping[str, str | int | bool]


class ShopError(Exception):
    """A request that fails."""


@dataclass
class _Context:
    """A request: its trace, its time, and the span that is open."""

    trace: Trace
    id: bytes
    now: int
    parent: bytes = b""


class Shop:
    """Makes up requests.

    Attributes:
        requests: number of requests so far.
    """

    def __init__(self, origin: Attributes, seed: int = 7, suffix: str = "") -> None:
        """Set the services up.

        Args:
            origin: attributes of every resource, such as the cluster.
            seed: another one gives other ids, times and users.
            suffix: end of the name of each service, which tells shops apart.
        """
        self.requests = 0
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._now = _EPOCH
        self._services = {
            name: [_source(name, suffix, version, origin) for version in versions]
            for name, versions in VERSIONS.items()
        }

    def traces(self, spans: int, *, large: bool = True) -> Iterator[Trace]:
        """Yield traces until they have so many spans together, the large one among them."""
        sent = 0
        while sent < spans:
            trace = self.visit()
            sent += len(trace.spans)
            yield trace
            if large and self.requests == _LARGE_AFTER:
                yield self.export_all()

    def visit(self) -> Trace:
        """Return the trace of one request; one in eight is a probe or a scrape."""
        self.requests += 1
        number = self.requests
        context = self._begin()
        # The user tries again, or does not.
        with suppress(ShopError):
            if number % 8 == 0:
                self._probe(context)
            elif number % 8 in (3, 6):
                self._buy(context)
            elif number % 8 == 5:
                self._search(context)
            elif number % 40 == 1:
                self._export(context, 5)
            else:
                self._look(context)
        return context.trace

    def export_all(self) -> Trace:
        """Return the large trace."""
        context = self._begin()
        self._export(context, LARGE - 1)
        return context.trace

    def _begin(self) -> _Context:
        self._now += int(self._random.expovariate(1 / (100 * _MS)))
        return _Context(Trace(), self._random.randbytes(16), self._now)

    def _export(self, context: _Context, orders: int) -> None:
        """A report asks the database for each order."""
        with self._span(context, "reports", "export orders", Span.SPAN_KIND_INTERNAL, {}):
            for _ in range(orders):
                self._ask(context, "reports", "postgresql", "orders-db", "SELECT", 0.2, 1)

    def _probe(self, context: _Context) -> None:
        """A kubelet probes, Prometheus scrapes."""
        name = self._random.choice([*NAMESPACES])
        path = self._random.choice(_PROBED)
        with self._answer(context, name, "GET", path, {}):
            pass

    def _look(self, context: _Context) -> None:
        """A user looks at a product; one database query in twenty is slow."""
        about = {"http.request.header.cookie": f"session={MARKER}4f1d", "user.id": self._user()}
        with (
            self._answer(context, "front", "GET", "/products/{id}", about),
            self._call(context, "front", "catalogue", "GET", "/products/{id}"),
        ):
            if self.requests % 40 == 7:
                self._miss(context)
            self._ask(context, "catalogue", "postgresql", "catalogue-db", "SELECT")
            if self.requests % 20 == 0 or self.requests % 20 == 2:
                self._work(context, 600, 900)

    def _miss(self, context: _Context) -> None:
        """A cache is asked with a key that differs each time."""
        about: Attributes = {"cache.hit": False, "cache.key": f"product:{self.requests}"}
        with self._span(context, "catalogue", "cache lookup", Span.SPAN_KIND_INTERNAL, about):
            self._work(context, 0.1, 0.5)

    def _search(self, context: _Context) -> None:
        """A service without routes: names and paths contain ids, queries contain secrets."""
        query = f"q=shoes&access_token={MARKER}a81c&page=2"
        about: Attributes = {
            "url.query": query,
            "url.full": f"https://bot:{MARKER}pass@search/items/{self.requests}?{query}",
            "http.request.header.authorization": f"Bearer {_JWT}",
        }
        path = f"/items/{self.requests}"
        with self._answer(context, "search", "GET", path, about, route=False):
            self._ask(context, "search", "elasticsearch", "search-index", "search")

    def _buy(self, context: _Context) -> None:
        """A user buys; the new release is slower, and more of its payments fail.

        A failure begins in payment, or in checkout itself.
        """
        release = self.requests // 3 % 2
        about: Attributes = {
            "user.id": self._user(),
            "http.request.header.authorization": f"Bearer {_JWT}",
            "http.request.header.x-api-key": f"{MARKER}-0b9e",
        }
        with (
            self._answer(context, "front", "POST", "/checkout", about),
            self._call(context, "front", "checkout", "POST", "/checkout", release),
        ):
            with self._call(context, "checkout", "cart", "GET", "/cart/{id}", caller=release):
                self._ask(context, "cart", "redis", "cart-cache", "GET")
            if self.requests % (5 if release else 11) == 0:
                self._work(context, 700, 2800)
            locked = self.requests % 19 == 0
            self._ask(
                context, "checkout", "postgresql", "orders-db", "INSERT", of=release, fails=locked
            )
            self._pay(context, release, fails=self.requests % (7 if release else 13) == 0)
            about = _queue("publish")
            producer = Span.SPAN_KIND_PRODUCER
            with self._span(context, "checkout", "publish orders", producer, about, release):
                self._work(context, 1, 3)
                self._consume(context)

    def _pay(self, context: _Context, release: int, *, fails: bool) -> None:
        name = "shop.Payment/Charge"
        about: Attributes = {
            "rpc.system": "grpc",
            "rpc.service": "shop.Payment",
            "rpc.method": "Charge",
            "server.address": "payment",
        }
        card: Attributes = {
            **about,
            "payment.card": f"4111 1111 1111 1111 {MARKER}",
            "rpc.grpc.status_code": 2 if fails else 0,
        }
        with (
            self._span(context, "checkout", name, Span.SPAN_KIND_CLIENT, about, release),
            self._span(context, "payment", name, Span.SPAN_KIND_SERVER, card),
        ):
            with self._span(context, "payment", "check card", Span.SPAN_KIND_INTERNAL, {}):
                self._work(context, 5, 60)
            if fails:
                raise ShopError("card declined")

    def _consume(self, context: _Context) -> None:
        """The catalogue takes an order off the queue."""
        self._work(context, 5, 50)
        about, consumer = _queue("process"), Span.SPAN_KIND_CONSUMER
        with self._span(context, "catalogue", "process orders", consumer, about):
            self._ask(context, "catalogue", "postgresql", "catalogue-db", "UPDATE")

    def _user(self) -> str:
        return f"user-{self._random.randrange(20)}"

    def _work(self, context: _Context, low: float, high: float) -> None:
        """Let some milliseconds pass."""
        context.now += int(self._random.uniform(low, high) * _MS)

    @contextmanager
    def _answer(
        self,
        context: _Context,
        service: str,
        method: str,
        path: str,
        about: Attributes,
        *,
        route: bool = True,
        of: int = 0,
    ) -> Generator[None]:
        """Answer an HTTP request."""
        given: Attributes = {
            "http.request.method": method,
            **({"http.route": path} if route else {}),
            "url.path": path.replace("{id}", "7"),
            "url.scheme": "http",
            "user_agent.original": "shop/1.0",
            **about,
        }
        name = f"{method} {path}"
        with self._span(context, service, name, Span.SPAN_KIND_SERVER, given, of) as span:
            self._work(context, 1, 5)
            status = 500
            try:
                yield
                status = 200
            finally:
                add_attributes(span.attributes, {"http.response.status_code": status})

    @contextmanager
    def _call(
        self,
        context: _Context,
        client: str,
        server: str,
        method: str,
        path: str,
        of: int = 0,
        *,
        caller: int = 0,
    ) -> Generator[None]:
        """Call another service over HTTP, which answers."""
        about: Attributes = {
            "http.request.method": method,
            "server.address": server,
            "server.port": 80,
            "url.full": f"http://{server}{path.replace('{id}', '7')}",
        }
        with self._span(context, client, method, Span.SPAN_KIND_CLIENT, about, caller):
            self._work(context, 0.2, 1)
            with self._answer(context, server, method, path, {}, of=of):
                yield
            self._work(context, 0.2, 1)

    def _ask(
        self,
        context: _Context,
        service: str,
        system: str,
        database: str,
        what: str,
        low: float = 2,
        high: float = 30,
        *,
        of: int = 0,
        fails: bool = False,
    ) -> None:
        """Ask a database; the text of an update is longer than Tempo keeps."""
        columns = "a, " * 1000 if what == "UPDATE" else ""
        about: Attributes = {
            "db.system": system,
            "db.system.name": system,
            "db.namespace": database,
            "db.operation.name": what,
            "db.query.text": f"{what} {columns}* FROM t WHERE email = 'jo.{MARKER}@example.com'",
            "peer.service": database,
            "server.address": database,
        }
        client = Span.SPAN_KIND_CLIENT
        with self._span(context, service, f"{what} {database}", client, about, of):
            self._work(context, low, high)
            if fails:
                raise ShopError("deadlock detected")

    @contextmanager
    def _span(
        self,
        context: _Context,
        service: str,
        name: str,
        kind: Any,  # noqa: ANN401 - an enumeration of protobuf
        about: Attributes,
        of: int = 0,
    ) -> Generator[Any]:
        """Trace what happens inside; a failure there is the span's too."""
        span = Span(
            trace_id=context.id,
            span_id=self._random.randbytes(8),
            parent_span_id=context.parent,
            name=name,
            kind=kind,
            start_time_unix_nano=context.now,
        )
        add_attributes(span.attributes, about)
        above, context.parent = context.parent, span.span_id
        context.trace.spans.append((self._services[service][of], span))
        try:
            yield span
        except ShopError as error:
            span.status.code, span.status.message = Status.STATUS_CODE_ERROR, str(error)
            event = span.events.add(name="exception", time_unix_nano=context.now)
            about = {"exception.type": "ShopError", "exception.message": str(error)}
            add_attributes(event.attributes, about)
            raise
        finally:
            context.parent = above
            span.end_time_unix_nano = context.now


def _source(name: str, suffix: str, version: str, origin: Attributes) -> Source:
    namespace, name = NAMESPACES[name], name + suffix
    pod = f"{name}-{version.replace('.', '')}"
    resource = Resource()
    about: Attributes = {
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
    add_attributes(resource.attributes, about)
    return Source(resource, InstrumentationScope(name="shop"))


def _queue(operation: str) -> Attributes:
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders",
        "messaging.operation.type": operation,
    }
