"""What may flow in a stack, written down pod by pod: the other half of the network tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import islice
from urllib.parse import urlsplit

from typing_extensions import TypeIs

from components.beyla.sizes import workloads
from components.identity.settings import IdentityMode
from components.settings import TracingSettings
from components.tempo.settings import TempoMode
from tests.network.evaluator import End, Outside, Pod, Service

Port = tuple[str, int]
#: Ends by name, and ports; no ports are all ports.
Row = tuple[set[str], set[Port]]

PORTS: list[Port] = [
    *(("TCP", port) for port in (53, 80, 443, 3000, 3200, 4317, 4318, 5000, 6443, 7946, 8080)),
    *(("TCP", port) for port in (8443, 9090, 9095, 9411, 9443, 11211, 12345, 14250, 14268, 50055)),
    *(("UDP", port) for port in (53, 54, 443, 4317, 6831, 6832)),
]
COMPONENTS = ("compactor", "distributor", "ingester", "metrics-generator", "querier")
STORES = {"compactor", "ingester", "metrics-generator", "querier", "query-frontend", "tempo"}


def tcp(*numbers: int) -> set[Port]:
    return {("TCP", number) for number in numbers}


def labels(name: str, instance: str, component: str | None = None) -> dict[str, str]:
    """Return the labels that the charts put on a pod."""
    found = {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": instance}
    return found | ({"app.kubernetes.io/component": component} if component else {})


@dataclass
class World:
    """All that may talk to each other around a stack."""

    settings: TracingSettings

    def __post_init__(self) -> None:
        its = self.settings
        self.distributed = its.tempo.mode is TempoMode.DISTRIBUTED
        tracing, beyla = its.namespaces.tracing, its.namespaces.beyla
        self.stores = STORES & ({*COMPONENTS, "query-frontend"} if self.distributed else {"tempo"})
        self.receiver = "distributor" if self.distributed else "tempo"
        self.generator = "metrics-generator" if self.distributed else "tempo"
        self.answering = "query-frontend" if self.distributed else "tempo"
        components = [*COMPONENTS, "query-frontend", "memcached"] if self.distributed else []
        self.tempo = {*components} or {"tempo"}
        self.sampling = {"sampler"} if its.alloy.sampling.runs else set[str]()
        #: What sends spans to Tempo.
        self.last = "sampler" if its.alloy.sampling.decides else "alloy"
        self.closed: dict[str, Pod] = {
            "alloy": Pod(tracing, labels("alloy", "alloy")),
            **(
                {"sampler": Pod(tracing, labels("alloy-sampler", "alloy-sampler"))}
                if its.alloy.sampling.runs
                else {}
            ),
            **(
                {"log reader": Pod(tracing, labels("alloy-logs", "alloy-logs"))}
                if its.alloy.pod_logs.enabled
                else {}
            ),
            **(
                {"canary": Pod(tracing, labels("tempo-vulture", "tempo-vulture"))}
                if its.canary.enabled
                else {}
            ),
            **{name: Pod(tracing, labels("tempo", "tempo", name)) for name in components},
        }
        if not self.distributed:
            self.closed["tempo"] = Pod(tracing, labels("tempo", "tempo"))
        cidrs = its.cluster.node_cidrs or ["10.0.3.0/24"]
        nodes = [str(address) for address in islice(ip_network(cidrs[0]), 10)]
        self.open: dict[str, End] = {
            "app": Pod("shop", {"app": "cart"}),
            "monitor": Pod("observability", {"app": "prometheus"}),
            "dns": Pod("kube-system", {"k8s-app": "kube-dns"}),
            "grafana": Pod(its.grafana.namespace, {"app.kubernetes.io/name": "grafana"}),
            "node dns": Outside("169.254.20.10"),
            "credentials": Outside("169.254.170.23"),
            "credentials by IPv6": Outside("fd00:ec2::23"),
            "api server": Outside("10.0.1.1"),
            "a node": Outside(nodes[9]),
            "S3": Outside("52.218.0.1"),
            "elsewhere": Outside("198.51.100.9"),
        }
        # In an existing namespace, the stack closes its own pods only.
        strangers = self.open if "tracing" in its.namespaces.existing else self.closed
        strangers["stranger"] = Pod(tracing, {"app": "stranger"})
        if its.beyla_in_host_network:
            self.open["agent"] = Pod(beyla, {}, address=nodes[7], host_network=True)
        elif its.beyla_runs:
            self.closed["agent"] = Pod(beyla, labels("beyla", "beyla", "workload"))
        self.cached = its.beyla_runs and "k8s-cache" in workloads(its.beyla, its.cluster.nodes)
        if self.cached:
            self.closed["cache"] = Pod(beyla, labels("beyla-k8s-cache", "beyla"))
        if its.beyla_runs:
            self.closed["stranger of beyla"] = Pod(beyla, {"app": "stranger"})
        if its.operator.enabled:
            name = "opentelemetry-operator"
            self.closed["operator"] = Pod(
                its.namespaces.operator, labels(name, name, "controller-manager")
            )
        for name, url in self._backends():
            if space := namespace_of(url):
                self.open[name] = Pod(space, {"app": name})
        self.ends: dict[str, End] = {**self.closed, **self.open}
        self.pods = {name for name, end in self.open.items() if is_pod(end)}

    def _backends(self) -> Iterator[tuple[str, str]]:
        its = self.settings
        if its.backends.metrics:
            yield "metrics", its.backends.metrics.remote_write_url
            for number, further in enumerate(its.backends.metrics.remote_writes):
                yield f"metrics {number}", further.url
        if its.backends.logs:
            yield "logs", its.backends.logs.otlp_url
        if its.storage.endpoint:
            yield "stand-in", its.storage.endpoint

    def leaving(self) -> Iterator[tuple[set[str], Row]]:
        """Yield who may send where."""
        its, everywhere = self.settings, set(self.ends)
        yield set(self.closed), ({"dns", "node dns"}, {("UDP", 53), ("TCP", 53)})
        calling = {"alloy", "log reader", "agent", "cache", "operator"} & set(self.ends)
        yield calling, (everywhere, tcp(443, 6443))
        yield {self.last}, ({self.receiver}, tcp(4317))
        yield {"alloy"}, (self.sampling, tcp(4317))
        yield {"agent"}, ({"alloy"}, tcp(4317))
        yield {"agent"}, ({"cache"}, tcp(50055))
        canary = {"canary"} & set(self.ends)
        yield canary, ({"alloy"}, tcp(4317))
        yield canary, ({self.answering}, tcp(3200))
        senders = {
            "metrics": {"alloy", self.generator} | self.sampling,
            "logs": {"alloy", "log reader"} & set(self.ends),
            "stand-in": self.stores,
        }
        for name, url in self._backends():
            space = namespace_of(url)
            inside = {n for n, end in self.ends.items() if is_pod(end) and end.namespace == space}
            port = urlsplit(url).port or (443 if url.startswith("https") else 80)
            yield (
                senders[name.partition(" ")[0]],
                (inside, set()) if space else (everywhere, tcp(port)),
            )
        if not its.storage.endpoint:
            yield self.stores, (everywhere, tcp(443))
        if its.identity.mode is IdentityMode.POD_IDENTITY:
            alloy = {"alloy"} | self.sampling
            signing = alloy if its.backends.signs_requests else set[str]()
            yield self.stores | signing, ({"credentials", "credentials by IPv6"}, tcp(80))
        if self.distributed:
            yield self.tempo, (self.tempo, set())

    def entering(self) -> Iterator[tuple[set[str], Row]]:
        """Yield who may be sent to by whom."""
        its = self.settings
        pods = {name for name, end in self.ends.items() if is_pod(end)}
        spaces = {its.grafana.namespace, *its.namespaces.scrapers}
        spaces |= {end.namespace for n in ("metrics",) if is_pod(end := self.ends.get(n))}
        scrapers = {n for n, end in self.ends.items() if is_pod(end) and end.namespace in spaces}
        on_nodes = {n for n, end in self.ends.items() if not is_pod(end) and self._on_node(end)}
        yield {"alloy"}, (pods, tcp(4317, 4318))
        reader = {"log reader"} & set(self.ends)
        yield {"alloy"} | self.sampling | reader, (scrapers, tcp(12345))
        yield self.sampling, ({"alloy"}, tcp(4317))
        yield self.tempo, (scrapers, tcp(3200))
        yield {"agent"}, (scrapers, tcp(its.beyla.metrics_port))
        canary = {"canary"} & set(self.ends)
        yield canary, (scrapers, tcp(8080))
        yield {self.answering}, (canary, tcp(3200))
        yield {self.receiver}, ({self.last}, tcp(4317))
        yield {"operator"}, (set(self.ends), tcp(9443))
        if its.tempo.jaeger:
            yield {self.receiver}, (pods, tcp(14250, 14268) | {("UDP", 6831), ("UDP", 6832)})
        if its.tempo.zipkin:
            yield {self.receiver}, (pods, tcp(9411))
        if its.beyla_in_host_network:
            yield {"alloy"}, (on_nodes, tcp(4317, 4318))
            yield {"cache"}, (on_nodes, tcp(50055))
        else:
            yield {"cache"}, ({"agent"}, tcp(50055))
        if self.distributed:
            yield self.tempo, (self.tempo, set())

    def _on_node(self, end: End) -> bool:
        address = ip_address(end.address)
        return any(address in ip_network(cidr) for cidr in self.settings.cluster.node_cidrs)

    def allowed(self) -> set[tuple[str, str, Port]]:
        """Return everything that may flow, as names of ends and a port."""
        leaving = _triples(self.leaving(), set(self.closed))
        entering = _triples(self.entering(), set(self.closed))
        return {
            (source, target, port)
            for source in self.ends
            for target in self.ends
            for port in PORTS
            if (source in self.open or (source, target, port) in leaving)
            and (target in self.open or (target, source, port) in entering)
        }

    def services(self) -> Iterator[tuple[str, Service]]:
        """Yield the Services of the stack that have a ClusterIP, by the name of a pod behind."""
        own = {"alloy": [4317, 4318, 12345], "cache": [50055], "distributor": [3200, 9095, 4317]}
        for name, ports in {
            **own,
            "tempo": [3200, 9411, 4317],
            "query-frontend": [3200, 9095],
        }.items():
            pod = self.closed.get(name)
            if pod:
                yield (
                    name,
                    Service(pod.namespace, selector_of(name, pod), pod, {p: p for p in ports}),
                )
        for name, port, pods_port in (
            ("dns", 53, 53),
            ("metrics", 80, 8080),
            ("logs", 80, 8080),
            ("stand-in", 5000, 8080),
        ):
            pod = self.open.get(name)
            if isinstance(pod, Pod):
                yield name, Service(pod.namespace, pod.labels, pod, {port: pods_port})

    def calls(self) -> Iterator[tuple[str, str, int]]:
        """Yield who calls which Service at which of its ports."""
        for name in self.closed:
            yield name, "dns", 53
        yield "agent", "alloy", 4317
        yield "agent", "cache", 50055
        yield self.last, self.receiver, 4317
        yield "alloy", "metrics", 80
        yield self.generator, "metrics", 80
        yield "alloy", "logs", 80
        yield "canary", "alloy", 4317
        yield "canary", self.answering, 3200
        for name in self.stores:
            yield name, "stand-in", 5000


def selector_of(name: str, pod: Pod) -> dict[str, str]:
    """Return what the chart's Service selects its pods by."""
    return {"app.kubernetes.io/name": "beyla-k8s-cache"} if name == "cache" else pod.labels


def namespace_of(url: str) -> str | None:
    """Return the namespace of a Service's host name."""
    parts = (urlsplit(url).hostname or "").split(".")
    return parts[1] if "svc" in parts else None


def is_pod(end: End | None) -> TypeIs[Pod]:
    """Return whether policies know an end by labels rather than by its address."""
    return isinstance(end, Pod) and not end.host_network


def _triples(rows: Iterator[tuple[set[str], Row]], closed: set[str]) -> set[tuple[str, str, Port]]:
    return {
        (end, other, port)
        for ends, (others, ports) in rows
        for end in ends & closed
        for other in others
        for port in ports or PORTS
    }
