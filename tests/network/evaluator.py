"""A small network-policy engine: may this connection be made?"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from components.network import Policy

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod; in the host network it has its node's address and no policy holds for it."""

    namespace: str
    labels: dict[str, str] = field(default_factory=dict[str, str])
    address: str = "10.244.0.9"
    host_network: bool = False


@dataclass(frozen=True)
class Outside:
    """Something with an address that is no pod."""

    address: str


End = Pod | Outside


def may_connect(
    policies: Sequence[Policy], source: End, target: End, port: int, protocol: str = "TCP"
) -> bool:
    """Return whether all policies together let a connection through."""
    return _passes(policies, source, target, port, protocol, "Egress") and _passes(
        policies, target, source, port, protocol, "Ingress"
    )


def _passes(
    policies: Sequence[Policy], end: End, other: End, port: int, protocol: str, kind: str
) -> bool:
    """Return whether the policies for one end let it talk to the other in one direction."""
    if isinstance(end, Outside) or end.host_network:
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
        _port_fits(rule, port, protocol) and _peer_fits(rule.get(peers), end.namespace, other)
        for spec in specs
        for rule in cast("list[Tree]", spec.get(kind.lower(), []))
    )


def _port_fits(rule: Tree, port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or {"protocol": protocol, "port": port} in ports


def _peer_fits(peers: list[Tree] | None, namespace: str, other: End) -> bool:
    return not peers or any(_is_peer(peer, namespace, other) for peer in peers)


def _is_peer(peer: Tree, namespace: str, other: End) -> bool:
    if "ipBlock" in peer:
        if isinstance(other, Pod) and not other.host_network:
            return False
        network = ipaddress.ip_network(peer["ipBlock"]["cidr"])
        return ipaddress.ip_address(other.address) in network
    if isinstance(other, Outside) or other.host_network:
        return False
    if "namespaceSelector" in peer:
        its = {"kubernetes.io/metadata.name": other.namespace}
        if not selects(peer["namespaceSelector"], its):
            return False
    elif other.namespace != namespace:
        return False
    return selects(peer.get("podSelector", {}), other.labels)


def selects(selector: Tree, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector takes an object with these labels."""
    wanted: dict[str, str] = selector.get("matchLabels", {})
    among: list[dict[str, Any]] = selector.get("matchExpressions", [])
    assert {expression["operator"] for expression in among} <= {"In"}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(expression["key"]) in expression["values"] for expression in among
    )
