"""A small network-policy engine: may this connection be made?

A ClusterIP is judged in two ways, because CNIs do. Most apply a policy after the address is
translated to a pod's. The agent of the Amazon VPC CNI sits at the pod's interface and applies it
before: its controller adds to an egress rule the ClusterIPs of Services, as described at
`_admits_service`.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, cast

from components.network import Policy

Tree = Mapping[str, Any]


class Enforcement(Enum):
    """Where a CNI applies egress policies to a ClusterIP."""

    AFTER_TRANSLATION = auto()
    BEFORE_TRANSLATION = auto()


@dataclass(frozen=True)
class Pod:
    """A pod; in the host network it has its node's address and no policy holds for it."""

    namespace: str
    labels: dict[str, str] = field(default_factory=dict[str, str])
    address: str = "10.244.0.9"
    host_network: bool = False
    node: str = "10.0.9.9"


@dataclass(frozen=True)
class Outside:
    """Something with an address that is no pod: a node, the API server, a host elsewhere."""

    address: str


@dataclass(frozen=True)
class Service:
    """A ClusterIP."""

    namespace: str
    selector: dict[str, str]
    pod: Pod
    """One of the pods behind it."""
    ports: Mapping[int, int]
    """Its ports, each with the pod's port."""
    address: str = "10.100.0.77"


End = Pod | Outside
Target = Pod | Outside | Service


def outcomes(
    policies: Sequence[Policy], source: End, target: Target, port: int, protocol: str = "TCP"
) -> set[bool]:
    """Return whether a connection is let through, over all ways to enforce policies."""
    # To a pod itself, all ways are the same.
    ways = list(Enforcement) if isinstance(target, Service) else [Enforcement.AFTER_TRANSLATION]
    return {_passes(policies, source, target, port, protocol, way) for way in ways}


def may_connect(
    policies: Sequence[Policy], source: End, target: Target, port: int, protocol: str = "TCP"
) -> bool:
    """Return whether a connection is let through, whichever way policies are enforced."""
    return outcomes(policies, source, target, port, protocol) == {True}


def _passes(
    policies: Sequence[Policy],
    source: End,
    target: Target,
    port: int,
    protocol: str,
    enforcement: Enforcement,
) -> bool:
    if not isinstance(target, Service):
        return _leaves(policies, source, target, port, protocol) and _enters(
            policies, target, source, port, protocol
        )
    if port not in target.ports:
        return False
    pod, pods_port = target.pod, target.ports[port]
    before = enforcement is Enforcement.BEFORE_TRANSLATION
    seen, seen_port = (target, port) if before else (pod, pods_port)
    return _leaves(policies, source, seen, seen_port, protocol) and _enters(
        policies, pod, source, pods_port, protocol
    )


def _leaves(
    policies: Sequence[Policy], source: End, target: Target, port: int, protocol: str
) -> bool:
    return _allowed(policies, source, target, port, protocol, "Egress")


def _enters(policies: Sequence[Policy], target: End, source: End, port: int, protocol: str) -> bool:
    return _allowed(policies, target, source, port, protocol, "Ingress")


def _allowed(
    policies: Sequence[Policy], end: End, other: Target, port: int, protocol: str, kind: str
) -> bool:
    """Return whether the policies for one end let it talk to the other in one direction."""
    if isinstance(end, Outside) or end.host_network or _is_own_node(end, other):
        return True
    specs = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["namespace"] == end.namespace
        and kind in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], end.labels)
    ]
    if not specs:
        return True
    peers = "from" if kind == "Ingress" else "to"
    return any(
        _admits(rule, rule.get(peers) or [{}], end.namespace, other, port, protocol)
        for spec in specs
        for rule in cast("list[Tree]", spec.get(kind.lower(), []))
    )


def _is_own_node(pod: Pod, other: Target) -> bool:
    """Return whether the other end is the pod's own node, which Kubernetes always lets through."""
    on_node = isinstance(other, Outside) or (isinstance(other, Pod) and other.host_network)
    return on_node and other.address == pod.node


def _admits(
    rule: Tree, peers: list[Tree], namespace: str, other: Target, port: int, protocol: str
) -> bool:
    """Return whether a rule lets the other end through; an empty peer is every address."""
    return any(
        _admits_service(rule, peer, namespace, other, port, protocol)
        if isinstance(other, Service)
        else _port_fits(rule, port, protocol) and (not peer or _is_peer(peer, namespace, other))
        for peer in peers
    )


def _admits_service(
    rule: Tree, peer: Tree, namespace: str, service: Service, port: int, protocol: str
) -> bool:
    """Return whether the agent of the VPC CNI lets a pod through to a ClusterIP.

    A peer with selectors admits the Services of its namespaces whose own selector, taken as labels,
    satisfies its `podSelector`; the rule's ports are those of pods and are translated to the
    Service's. Other peers are compared as they are (aws/amazon-network-policy-controller-k8s,
    pkg/resolvers/endpoints.go, `getMatchingServiceClusterIPs`).
    """
    if not peer:
        return _port_fits(rule, port, protocol)
    if "ipBlock" in peer:
        return _port_fits(rule, port, protocol) and _in_block(peer, service.address)
    listening = [
        next((own for own, pods in service.ports.items() if pods == asked["port"]), None)
        for asked in rule.get("ports", [])
        if asked["protocol"] == protocol
    ]
    selected = _selects(peer, namespace, service.namespace, service.selector)
    return selected and (not rule.get("ports") or port in listening)


def _port_fits(rule: Tree, port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or {"protocol": protocol, "port": port} in ports


def _is_peer(peer: Tree, namespace: str, other: End) -> bool:
    on_node = isinstance(other, Outside) or other.host_network
    if "ipBlock" in peer:
        return on_node and _in_block(peer, other.address)
    if isinstance(other, Outside) or other.host_network:
        return False
    return _selects(peer, namespace, other.namespace, other.labels)


def _in_block(peer: Tree, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(peer["ipBlock"]["cidr"])


def _selects(peer: Tree, namespace: str, others: str, labels: Mapping[str, str]) -> bool:
    """Return whether a peer with selectors selects labels in the other end's namespace."""
    if "namespaceSelector" not in peer:
        return others == namespace and selects(peer["podSelector"], labels)
    its = {"kubernetes.io/metadata.name": others}
    return selects(peer["namespaceSelector"], its) and selects(peer.get("podSelector", {}), labels)


def selects(selector: Tree, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector takes an object with these labels."""
    wanted: dict[str, str] = selector.get("matchLabels", {})
    among: list[dict[str, Any]] = selector.get("matchExpressions", [])
    assert {expression["operator"] for expression in among} <= {"In"}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(expression["key"]) in expression["values"] for expression in among
    )
