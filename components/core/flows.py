"""Parts of network policies, which each system builds its own flows from.

CNIs disagree on a ClusterIP. Most apply a policy after its translation to a pod; the agent of the
Amazon VPC CNI applies it before, and admits the ClusterIP of a Service whose own selector satisfies
the rule's `podSelector`. An egress rule to a Service therefore selects by no label that the Service
doesn't select by.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from ..settings import TracingSettings

Rule = dict[str, Any]
Peer = dict[str, Any]
Port = tuple[Literal["TCP", "UDP"], int]
#: Names and specs of network policies.
Flows = Iterator[tuple[str, dict[str, Any]]]

#: Address of NodeLocal DNSCache on each node (Kubernetes' manifest of it). It runs in the host
#: network, where no selector finds it.
NODE_LOCAL_DNS_CIDR = "169.254.20.10/32"
#: Addresses of the EKS Pod Identity agent on each node, IPv4 and IPv6 (EKS User Guide).
POD_IDENTITY_CIDRS = ("169.254.170.23/32", "fd00:ec2::23/128")
#: Pods of every namespace.
ANYONE: Peer = {"namespaceSelector": {}}


def spec(
    pods: dict[str, Any], *, ingress: list[Rule] | None = None, egress: list[Rule] | None = None
) -> dict[str, Any]:
    """Return the spec of a policy; a direction that is not given is left to other policies."""
    rules = {"Ingress": ingress, "Egress": egress}
    given = {kind: rule for kind, rule in rules.items() if rule is not None}
    lists = {kind.lower(): rule for kind, rule in given.items() if rule}
    return {"podSelector": pods, "policyTypes": list(given), **lists}


def rule(direction: str, peers: Sequence[Peer] | None = None, ports: Sequence[Port] = ()) -> Rule:
    """Return a rule; without peers it admits every address, without ports every port."""
    made: Rule = {} if peers is None else {direction: list(peers)}
    if ports:
        made["ports"] = [{"protocol": protocol, "port": number} for protocol, number in ports]
    return made


def tcp(*numbers: int) -> tuple[Port, ...]:
    """Return TCP ports."""
    return tuple(("TCP", number) for number in numbers)


def pods_of(release: str) -> dict[str, Any]:
    """Select the pods of a release by the labels that charts put on them."""
    labels = {"app.kubernetes.io/name": release, "app.kubernetes.io/instance": release}
    return {"matchLabels": labels}


def one_of(label: str, values: Sequence[str]) -> dict[str, Any]:
    """Return an expression of a selector: a label with one of some values."""
    return {"key": label, "operator": "In", "values": list(values)}


def namespace(name: str) -> Peer:
    """Return all pods of a namespace."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def addresses(cidrs: Sequence[str]) -> list[Peer]:
    """Return address ranges as peers."""
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def to_url(url: str, own: str) -> list[Rule]:
    """Return the egress rules to a backend.

    ``service.namespace.svc…`` leads into that namespace, on any port: a policy sees the pod's port,
    a URL has the Service's. ``service`` leads into the namespace of the sender, ``own``. Any other
    host is outside, at its port. ``service.namespace`` could be either and gets both.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    name = namespace_of(url, own)
    inside = [rule("to", [namespace(name)])] if name else []
    outside = [rule("to", None, tcp(port))]
    labels = (parts.hostname or "").split(".")
    return inside + outside if len(labels) == 2 or not name else inside


def to_metrics(settings: TracingSettings) -> list[Rule]:
    """Return the egress rules to all destinations of metrics; none without a metrics backend."""
    metrics, own = settings.backends.metrics, settings.namespaces.tracing
    urls = [url for url, _ in metrics.writers.values()] if metrics else []
    rules = [one for url in urls for one in to_url(url, own)]
    return [one for n, one in enumerate(rules) if one not in rules[:n]]


def to_credentials(settings: TracingSettings) -> list[Rule]:
    """Return the egress rules to the source of AWS credentials, but for STS, which is outside."""
    cidrs = POD_IDENTITY_CIDRS if settings.identity.has_agent else ()
    return [rule("to", addresses(cidrs), tcp(80))] if cidrs else []


def scrapers(settings: TracingSettings) -> list[Peer]:
    """Return the namespaces of Grafana and of whatever scrapes metrics."""
    grafana, backends = settings.grafana, settings.backends
    names = {grafana.namespace, *settings.namespaces.scrapers}
    if backends.metrics:
        # Grafana resolves the first, Tempo and Alloy the second.
        queried = namespace_of(backends.metrics.url, grafana.namespace)
        written = namespace_of(backends.metrics.remote_write_url, settings.namespaces.tracing)
        names |= {name for name in (queried, written) if name}
    return [namespace(name) for name in sorted(names)]


def namespace_of(url: str, own: str) -> str | None:
    """Return the namespace that a URL leads into, unless it certainly leads out of the cluster."""
    host = urlsplit(url).hostname or ""
    labels = host.split(".")
    if len(labels) == 2 or labels[2:3] == ["svc"]:
        return labels[1]
    return own if len(labels) == 1 and ":" not in host else None


DNS = rule(
    "to",
    [namespace("kube-system"), *addresses([NODE_LOCAL_DNS_CIDR])],
    (("UDP", 53), ("TCP", 53)),
)
#: The API server is not a pod. On EKS its addresses in the VPC change, and a policy sees them after
#: the Service's address is translated. 443 on EKS, 6443 on most others.
API_SERVER = rule("to", None, tcp(443, 6443))
