"""Rules on the entry for OTLP from outside the cluster."""

from collections.abc import Iterator

from ..alloy.settings import IngressAuth
from ..core.problem import Problem, problem
from ..settings import TracingSettings

_KEY = "alloy.ingress"


def ingress(settings: TracingSettings) -> Iterator[Problem]:
    """Yield a problem for each contradiction in `alloy.ingress`."""
    its = settings.alloy.ingress
    if its is None:
        return
    if its.gateway is None:
        if its.tls_secret is None:
            yield Problem(
                key=f"{_KEY}.tlsSecret",
                message="is missing: it names a Secret with a certificate and its key as tls.crt "
                "and tls.key, for example otlp-tls. Only with alloy.ingress.gateway, the Gateway "
                "ends TLS",
            )
    else:
        if its.tls_secret:
            yield problem(
                f"{_KEY}.tlsSecret",
                its.tls_secret,
                "contradicts alloy.ingress.gateway, because the Gateway ends TLS: remove this key, "
                "or use loadBalancer instead of gateway",
            )
        if its.auth is IngressAuth.MTLS:
            yield problem(
                f"{_KEY}.auth",
                its.auth,
                "needs the connections of senders, which end at alloy.ingress.gateway: use basic "
                "or bearer, or loadBalancer instead of gateway",
            )
        if its.load_balancer:
            yield Problem(
                key=f"{_KEY}.loadBalancer",
                message="contradicts alloy.ingress.gateway, which has its own load balancer: "
                "remove one of the two",
            )
        if its.gateway.grpc_host is None and its.gateway.http_host is None:
            yield Problem(
                key=f"{_KEY}.gateway",
                message="needs grpcHost or httpHost, for example httpHost: otlp.example.com",
            )
        elif its.gateway.grpc_host == its.gateway.http_host:
            yield problem(
                f"{_KEY}.gateway.grpcHost",
                its.gateway.grpc_host,
                "must differ from httpHost, because a Gateway accepts one kind of route for a "
                "host: choose another, for example otlp-grpc.example.com",
            )
    if its.sources and not settings.namespaces.network_policies:
        yield problem(
            f"{_KEY}.sources",
            its.sources,
            "has no effect with namespaces.networkPolicies: false: remove one of the two",
        )


def ingress_notices(settings: TracingSettings) -> Iterator[str]:
    """Yield warnings about the entry."""
    its = settings.alloy.ingress
    if its is None:
        return
    balancer = its.load_balancer
    if balancer and not balancer.internal and not balancer.source_ranges:
        yield (
            "alloy.ingress.loadBalancer: every address of the internet can connect, and only "
            "authentication protects Alloy. Set sourceRanges if you know those of your senders."
        )
    if balancer:
        yield (
            "alloy.ingress.loadBalancer: the AWS Load Balancer Controller must run in the cluster; "
            "without it `pulumi up` waits ten minutes for the address and fails."
        )
    if its.gateway:
        yield (
            "alloy.ingress.gateway: the cluster must have the kinds GRPCRoute and HTTPRoute of the "
            "Gateway API; without them `pulumi up` fails at these objects."
        )
