"""Network policies: the stack's namespaces deny all traffic but the flows of the stack.

Kubernetes always admits traffic between a node and its own pods (probes), which needs no rule.

CNIs disagree on a ClusterIP. Most apply a policy after its translation to a pod; the agent of the
Amazon VPC CNI applies it before, and admits the ClusterIP of a Service whose own selector satisfies
the rule's `podSelector`. An egress rule to a Service therefore selects by no label that the Service
doesn't select by.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypedDict
from urllib.parse import urlsplit

from .beyla.sizes import workloads
from .beyla.values import CACHE_PORT, CACHE_SERVICE
from .core.names import (
    ALLOY_HTTP_PORT,
    ALLOY_RELEASE,
    BEYLA_RELEASE,
    OPERATOR_RELEASE,
    OPERATOR_WEBHOOK_PORT,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    TEMPO_HTTP_PORT,
    TEMPO_RELEASE,
)
from .identity.settings import IdentityMode
from .settings import TracingSettings
from .tempo.settings import TempoMode

Rule = dict[str, Any]
Peer = dict[str, Any]
Port = tuple[str, int]


class Policy(TypedDict):
    """The arguments of a NetworkPolicy, in the words of the Kubernetes API.

    Values are ``Any`` because Pulumi's own types would have the keys in snake case.
    """

    metadata: Any
    """``name`` and ``namespace``."""
    spec: Any
    """``podSelector``, ``policyTypes``, ``ingress`` and ``egress``."""


#: Where the EKS Pod Identity agent answers on each node, IPv4 and IPv6 (EKS user guide).
POD_IDENTITY_CIDRS = ("169.254.170.23/32", "fd00:ec2::23/128")
#: Where NodeLocal DNSCache answers on each node (Kubernetes' manifest of it). It runs in the host
#: network, where no selector finds it.
NODE_LOCAL_DNS_CIDR = "169.254.20.10/32"
#: Receivers of Tempo's charts beside OTLP.
_JAEGER: tuple[Port, ...] = (("TCP", 14250), ("TCP", 14268), ("UDP", 6831), ("UDP", 6832))
_ZIPKIN: tuple[Port, ...] = (("TCP", 9411),)
#: Components of tempo-distributed that read or write blocks.
_STORES = ("compactor", "ingester", "metrics-generator", "querier", "query-frontend")

#: Pods of every namespace.
_ANYONE: Peer = {"namespaceSelector": {}}


def network_policies(settings: TracingSettings) -> dict[str, Policy]:
    """Return the network policies of the stack.

    Those of Beyla's and of the operator's namespace are there only where these are installed.

    Args:
        settings: the whole stack's settings.

    Returns:
        Name of the policy to its metadata (name and namespace) and spec; names are unique in the
        stack.
    """
    tracing, beyla = settings.namespaces.tracing, settings.namespaces.beyla
    specs = {(tracing, name): spec for name, spec in _tracing(settings)}
    if settings.beyla_runs:
        specs |= {(beyla, name): spec for name, spec in _beyla(settings)}
    if settings.operator.enabled:
        specs |= {(settings.namespaces.operator, name): spec for name, spec in _operator()}
    return {
        name: {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
        for (namespace, name), spec in specs.items()
    }


def _tracing(settings: TracingSettings) -> Iterator[tuple[str, dict[str, Any]]]:
    tempo, grafana, tracing = settings.tempo, settings.grafana, settings.namespaces.tracing
    everything: dict[str, Any] = {}
    if grafana.namespace == tracing:
        # Grafana lives here too, and its traffic is not ours to close.
        own = [TEMPO_RELEASE, ALLOY_RELEASE]
        everything = {"matchExpressions": [_one_of("app.kubernetes.io/instance", own)]}
    yield "default-deny", _spec(everything, ingress=[], egress=[])
    yield "dns", _spec(everything, egress=[_DNS])

    otlp = _ports(OTLP_GRPC_PORT, OTLP_HTTP_PORT)
    senders = [_ANYONE]
    if settings.beyla_in_host_network:
        senders += [{"ipBlock": {"cidr": cidr}} for cidr in settings.cluster.node_cidrs]
    backends = settings.backends
    metrics = _backend(backends.metrics.remote_write_url, tracing) if backends.metrics else []
    receiver = _tempo(tempo.mode, "distributor")
    yield (
        "alloy",
        _spec(
            _ALLOY,
            ingress=[
                _rule("from", senders, otlp),
                _rule("from", _scrapers(settings), _ports(ALLOY_HTTP_PORT)),
            ],
            egress=[
                _rule("to", [{"podSelector": receiver}], _ports(OTLP_GRPC_PORT)),
                _API_SERVER,
                *metrics,
                *(_backend(backends.logs.otlp_url, tracing) if backends.logs else []),
            ],
        ),
    )
    received = [_rule("from", [{"podSelector": _ALLOY}], _ports(OTLP_GRPC_PORT))]
    if direct := (_JAEGER if tempo.jaeger else ()) + (_ZIPKIN if tempo.zipkin else ()):
        received.append(_rule("from", [_ANYONE], direct))
    yield "tempo-receive", _spec(receiver, ingress=received)
    # Queries and scrapes share a port.
    queried = _rule("from", _scrapers(settings), _ports(TEMPO_HTTP_PORT))
    yield "tempo-query", _spec(_tempo(tempo.mode), ingress=[queried])
    yield "tempo-storage", _spec(_tempo(tempo.mode, *_STORES), egress=_storage(settings))
    if metrics:
        generator = _tempo(tempo.mode, "metrics-generator")
        yield "tempo-metrics", _spec(generator, egress=metrics)
    if tempo.mode is TempoMode.DISTRIBUTED:
        # Gossip, gRPC and memcached, each component with nearly each other one.
        members = [{"podSelector": _tempo(tempo.mode)}]
        yield (
            "tempo-members",
            _spec(
                _tempo(tempo.mode), ingress=[_rule("from", members)], egress=[_rule("to", members)]
            ),
        )


def _beyla(settings: TracingSettings) -> Iterator[tuple[str, dict[str, Any]]]:
    agent = _labels(BEYLA_RELEASE, BEYLA_RELEASE)
    # Its Service selects by this label alone.
    cache = {"matchLabels": {"app.kubernetes.io/name": CACHE_SERVICE}}
    has_cache = "k8s-cache" in workloads(settings.beyla, settings.cluster.nodes)
    agents: list[Peer] = [{"podSelector": agent}]
    yield "beyla-default-deny", _spec({}, ingress=[], egress=[])
    yield "beyla-dns", _spec({}, egress=[_DNS])
    if settings.beyla_in_host_network:
        # Policies say nothing about pods in the host network; they come from node addresses.
        agents = [{"ipBlock": {"cidr": cidr}} for cidr in settings.cluster.node_cidrs]
    else:
        alloy = {**_namespace(settings.namespaces.tracing), "podSelector": _ALLOY}
        egress = [_rule("to", [alloy], _ports(OTLP_GRPC_PORT)), _API_SERVER]
        if has_cache:
            egress.append(_rule("to", [{"podSelector": cache}], _ports(CACHE_PORT)))
        scraped = _rule("from", _scrapers(settings), _ports(settings.beyla.metrics_port))
        yield "beyla-agent", _spec(agent, ingress=[scraped], egress=egress)
    if has_cache:
        # An empty list of peers would let everyone in.
        asked = [_rule("from", agents, _ports(CACHE_PORT))] if agents else []
        yield "beyla-cache", _spec(cache, ingress=asked, egress=[_API_SERVER])


def _operator() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "operator-default-deny", _spec({}, ingress=[], egress=[])
    yield "operator-dns", _spec({}, egress=[_DNS])
    # The API server asks the webhooks, from addresses that change.
    asked = _rule("from", None, _ports(OPERATOR_WEBHOOK_PORT))
    pods = _labels(OPERATOR_RELEASE, OPERATOR_RELEASE)
    yield "operator", _spec(pods, ingress=[asked], egress=[_API_SERVER])


def _storage(settings: TracingSettings) -> list[Rule]:
    """Return the ways to the bucket and to the credentials for it."""
    endpoint = settings.storage.endpoint
    # The addresses of S3 and of STS (IRSA) are public, many, and change.
    own = settings.namespaces.tracing
    rules = _backend(endpoint, own) if endpoint else [_rule("to", None, _ports(443))]
    if settings.identity.mode is IdentityMode.POD_IDENTITY:
        agent: list[Peer] = [{"ipBlock": {"cidr": cidr}} for cidr in POD_IDENTITY_CIDRS]
        rules.append(_rule("to", agent, _ports(80)))
    return rules


def _backend(url: str, own: str) -> list[Rule]:
    """Return the egress rules to a backend.

    ``service.namespace.svc…`` leads into that namespace, on any port: a policy sees the pod's port,
    a URL has the Service's. ``service`` leads into the namespace of the sender, ``own``. Any other
    host is outside, at its port. ``service.namespace`` could be either and gets both.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    namespace = _namespace_of(url, own)
    inside = [_rule("to", [_namespace(namespace)])] if namespace else []
    outside = [_rule("to", None, _ports(port))]
    labels = (parts.hostname or "").split(".")
    return inside + outside if len(labels) == 2 or not namespace else inside


def _namespace_of(url: str, own: str) -> str | None:
    """Return the namespace that a URL leads into, unless it certainly leads out of the cluster."""
    host = urlsplit(url).hostname or ""
    labels = host.split(".")
    if len(labels) == 2 or labels[2:3] == ["svc"]:
        return labels[1]
    return own if len(labels) == 1 and ":" not in host else None


def _scrapers(settings: TracingSettings) -> list[Peer]:
    """Return the namespaces of Grafana and of what scrapes metrics."""
    grafana, backends = settings.grafana, settings.backends
    names = {grafana.namespace, *settings.namespaces.scrapers}
    if backends.metrics:
        # Grafana resolves the first, Tempo and Alloy the second.
        queried = _namespace_of(backends.metrics.url, grafana.namespace)
        written = _namespace_of(backends.metrics.remote_write_url, settings.namespaces.tracing)
        names |= {name for name in (queried, written) if name}
    return [_namespace(name) for name in sorted(names)]


def _tempo(mode: TempoMode, *components: str) -> dict[str, Any]:
    """Select Tempo's pods: of these components, or all; monolithic is one pod for all."""
    selector = _labels(TEMPO_RELEASE, TEMPO_RELEASE)
    if components and mode is TempoMode.DISTRIBUTED:
        selector["matchExpressions"] = [_one_of("app.kubernetes.io/component", components)]
    return selector


def _labels(name: str, release: str) -> dict[str, Any]:
    return {"matchLabels": {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": release}}


def _one_of(label: str, values: Sequence[str]) -> dict[str, Any]:
    return {"key": label, "operator": "In", "values": list(values)}


def _namespace(name: str) -> Peer:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _ports(*numbers: int) -> tuple[Port, ...]:
    return tuple(("TCP", number) for number in numbers)


def _rule(direction: str, peers: Sequence[Peer] | None = None, ports: Sequence[Port] = ()) -> Rule:
    """Return a rule; without peers it is for every address, without ports for every port."""
    rule: Rule = {} if peers is None else {direction: list(peers)}
    if ports:
        rule["ports"] = [{"protocol": protocol, "port": number} for protocol, number in ports]
    return rule


def _spec(
    pods: dict[str, Any], *, ingress: list[Rule] | None = None, egress: list[Rule] | None = None
) -> dict[str, Any]:
    """Return a policy's spec; a direction that is not given is left to other policies."""
    rules = {"Ingress": ingress, "Egress": egress}
    given = {kind: rule for kind, rule in rules.items() if rule is not None}
    lists = {kind.lower(): rule for kind, rule in given.items() if rule}
    return {"podSelector": pods, "policyTypes": list(given), **lists}


_ALLOY = _labels(ALLOY_RELEASE, ALLOY_RELEASE)
_DNS = _rule(
    "to",
    [_namespace("kube-system"), {"ipBlock": {"cidr": NODE_LOCAL_DNS_CIDR}}],
    (("UDP", 53), ("TCP", 53)),
)
#: The API server is no pod: on EKS it has addresses in the VPC that change, and a policy sees them
#: after the Service's is translated. 443 on EKS, 6443 on most others.
_API_SERVER = _rule("to", None, _ports(443, 6443))
