"""The entry for OTLP from outside the cluster: configuration, files of Secrets, Service, routes.

It has ports of its own, so that senders in the cluster need no credentials and keep the identity of
their pods.
"""

import re
from typing import TYPE_CHECKING, Any

from ..core.flows import Rule, addresses, pods_of, rule, tcp
from ..core.names import (
    ALLOY_RELEASE,
    INGRESS_GRPC_PORT,
    INGRESS_HTTP_PORT,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
)
from .settings import GatewaySettings, IngressAuth, IngressSettings
from .text import Expression

if TYPE_CHECKING:
    from .component import AlloyArgs

#: Name of the Service and of the routes.
INGRESS_SERVICE = f"{ALLOY_RELEASE}-ingress"
#: Label of the namespace, by which the AWS Load Balancer Controller lets a pod count as ready only
#: when its load balancer sends to it.
READINESS_GATE = {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}
#: Version of the Gateway API's kinds.
GATEWAY_API = "gateway.networking.k8s.io/v1"
#: Key of the Secret with the credentials, by how senders authenticate.
SECRET_KEYS = {
    IngressAuth.BASIC: "htpasswd",
    IngressAuth.BEARER: "tokens",
    IngressAuth.MTLS: "ca.crt",
}
_PATH = "/etc/alloy-ingress"
_CERT, _KEY = "tls.crt", "tls.key"
_AWS = "service.beta.kubernetes.io/aws-load-balancer"


def instances(args: "AlloyArgs", outputs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the instances of modules, with their arguments; none without an entry.

    Args:
        args: Alloy's arguments.
        outputs: where data goes, by signal.
    """
    its = args.settings.ingress
    if its is None:
        return {}
    file = f"{_PATH}/{SECRET_KEYS[its.auth]}"
    entry: dict[str, Any] = {
        "grpc_endpoint": f"{args.ip_family.any_address}:{INGRESS_GRPC_PORT}",
        "http_endpoint": f"{args.ip_family.any_address}:{INGRESS_HTTP_PORT}",
        "max_request": f"{its.max_request_mib}MiB",
        "max_streams": its.max_streams,
    }
    if its.tls_secret:
        entry |= {"cert_file": f"{_PATH}/{_CERT}", "key_file": f"{_PATH}/{_KEY}"}
    if its.auth is IngressAuth.MTLS:
        return {"ingress": {**entry, "client_ca_file": file, **outputs}}
    handler = f"ingress_{its.auth}"
    entry["auth"] = Expression(f"{handler}.default.handler")
    return {handler: {"file": file}, "ingress": {**entry, **outputs}}


def declared(text: str, its: IngressSettings) -> str:
    """Return the text of the module `ingress`, without TLS where a Gateway ends it.

    An argument can't leave a block out.
    """
    if its.tls_secret:
        return text
    files = r'argument "(?:cert_file|key_file|client_ca_file)"'
    return re.sub(rf"\n(\t+)(?:tls|{files}) \{{\n.*?\n\1\}}\n", "", text, flags=re.DOTALL)


def volumes(its: IngressSettings | None) -> list[dict[str, Any]]:
    """Return the pod's volume with certificate and credentials."""
    if its is None:
        return []
    secrets = [(its.secret, [SECRET_KEYS[its.auth]])]
    if its.tls_secret:
        secrets.append((its.tls_secret, [_CERT, _KEY]))
    sources = [
        {"secret": {"name": name, "items": [{"key": key, "path": key} for key in keys]}}
        for name, keys in secrets
    ]
    return [{"name": INGRESS_SERVICE, "projected": {"sources": sources}}]


def mounts(its: IngressSettings | None) -> list[dict[str, Any]]:
    """Return where the container mounts that volume."""
    return [{"name": INGRESS_SERVICE, "mountPath": _PATH, "readOnly": True}] if its else []


def flows(its: IngressSettings | None) -> list[Rule]:
    """Return the ingress rules of the network policy."""
    if its is None:
        return []
    peers = addresses(its.sources) if its.sources else None
    return [rule("from", peers, tcp(INGRESS_GRPC_PORT, INGRESS_HTTP_PORT))]


def service_annotations(its: IngressSettings) -> dict[str, str]:
    """Return the annotations of the Service, for the AWS Load Balancer Controller."""
    balancer = its.load_balancer
    if balancer is None:
        return {}
    return {
        f"{_AWS}-nlb-target-type": "ip",
        f"{_AWS}-scheme": "internal" if balancer.internal else "internet-facing",
        **balancer.annotations,
    }


def service(its: IngressSettings) -> dict[str, Any]:
    """Return the spec of the Service."""
    balancer = its.load_balancer
    # A Gateway speaks HTTP/2 without TLS to gRPC's port only if the port says so.
    grpc = "kubernetes.io/h2c" if its.gateway else "grpc"
    ports = (
        ("otlp-grpc", OTLP_GRPC_PORT, INGRESS_GRPC_PORT, grpc),
        ("otlp-http", OTLP_HTTP_PORT, INGRESS_HTTP_PORT, "http" if its.gateway else "https"),
    )
    spec: dict[str, Any] = {
        "type": "LoadBalancer" if balancer else "ClusterIP",
        "selector": pods_of(ALLOY_RELEASE)["matchLabels"],
        "ports": [
            {
                "name": name,
                "port": port,
                "targetPort": target,
                "protocol": "TCP",
                "appProtocol": app,
            }
            for name, port, target, app in ports
        ],
    }
    if balancer:
        # The load balancer sends to pods, and needs no ports of nodes.
        spec |= {
            "loadBalancerClass": balancer.class_name,
            "allocateLoadBalancerNodePorts": False,
        }
        if balancer.source_ranges:
            spec["loadBalancerSourceRanges"] = list(balancer.source_ranges)
    return spec


def routes(its: GatewaySettings) -> dict[str, dict[str, Any]]:
    """Return the specs of the routes by their kind.

    A Gateway accepts one kind of route for a host, so that each has its own.
    """
    parent = {
        "name": its.name,
        "namespace": its.namespace,
        **({"sectionName": its.section} if its.section else {}),
    }
    hosts = {
        "GRPCRoute": (its.grpc_host, OTLP_GRPC_PORT),
        "HTTPRoute": (its.http_host, OTLP_HTTP_PORT),
    }
    return {
        kind: {
            "parentRefs": [parent],
            "hostnames": [host],
            "rules": [{"backendRefs": [{"name": INGRESS_SERVICE, "port": port}]}],
        }
        for kind, (host, port) in hosts.items()
        if host
    }
