"""The entry for OTLP from outside the cluster: objects, refused settings, and a real Alloy."""

# gRPC and the generated messages carry no types of their own.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import base64
import gzip
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from components.alloy.ingress import SECRET_KEYS
from components.alloy.settings import AlloySettings, GatewaySettings, IngressAuth, IngressSettings
from components.checks.validate import parse_settings, validate
from components.checks.warnings import warnings
from components.network import network_policies
from components.stack import TracingStack, TracingStackArgs
from plan.recorder import Recording, record
from tests.alloy.cases import arguments
from tests.alloy.certificates import Authority
from tests.alloy.gateway import Gateway, gateway, needs_alloy, wait_for
from tests.alloy.sinks import trace_sink
from tests.alloy.test_alloy_binary import spans
from tests.checks.test_rules import stack_file
from tests.sweep import sweep

GATEWAY = {"name": "public", "namespace": "gateways", "httpHost": "otlp.example.com"}
BALANCED = {"auth": "basic", "secret": "senders", "tlsSecret": "otlp-tls", "loadBalancer": {}}
ROUTED = {"auth": "bearer", "secret": "senders", "gateway": GATEWAY}


def planned(ingress: dict[str, Any], **groups: dict[str, Any]) -> Recording:
    settings = parse_settings(stack_file(alloy={"ingress": ingress}, **groups))
    args = TracingStackArgs(settings=settings)
    return record(lambda: TracingStack("tracing", args), preview=True)


def service(made: Recording) -> dict[str, Any]:
    return made.one("kubernetes:core/v1:Service").inputs


def test_a_load_balancer_is_internal_and_sends_to_ports_of_its_own() -> None:
    made = planned({**BALANCED, "loadBalancer": {"sourceRanges": ["10.0.0.0/8"]}})
    spec, notes = service(made)["spec"], service(made)["metadata"]["annotations"]

    assert {port["name"]: (port["port"], port["targetPort"]) for port in spec["ports"]} == {
        "otlp-grpc": (4317, 14317),
        "otlp-http": (4318, 14318),
    }
    assert spec["type"] == "LoadBalancer"
    assert spec["loadBalancerClass"] == "service.k8s.aws/nlb"
    assert spec["loadBalancerSourceRanges"] == ["10.0.0.0/8"]
    assert notes["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internal"
    assert notes["service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"] == "ip"
    metadata = [r.inputs["metadata"] for r in made.of_type("kubernetes:core/v1:Namespace")]
    gate = "elbv2.k8s.aws/pod-readiness-gate-inject"
    assert [m["name"] for m in metadata if gate in m["labels"]] == ["tracing"]


def test_the_internet_is_a_choice() -> None:
    ingress = {**BALANCED, "loadBalancer": {"internal": False, "annotations": {"a.b/c": "d"}}}
    notes = service(planned(ingress))["metadata"]["annotations"]

    assert notes["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internet-facing"
    assert notes["a.b/c"] == "d"
    told = "\n".join(warnings(parse_settings(stack_file(alloy={"ingress": ingress}))))
    assert "every address of the internet" in told


def test_a_gateway_gets_a_route_for_each_host() -> None:
    made = planned(
        {**ROUTED, "gateway": {**GATEWAY, "grpcHost": "grpc.example.com", "section": "tls"}}
    )

    for kind, host, port in (
        ("GRPCRoute", "grpc.example.com", 4317),
        ("HTTPRoute", "otlp.example.com", 4318),
    ):
        spec = made.one(f"kubernetes:gateway.networking.k8s.io/v1:{kind}").inputs["spec"]
        assert spec == {
            "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "tls"}],
            "hostnames": [host],
            "rules": [{"backendRefs": [{"name": "alloy-ingress", "port": port}]}],
        }
    assert service(made)["spec"]["type"] == "ClusterIP"


def test_without_an_entry_there_is_nothing_of_it() -> None:
    settings = parse_settings(stack_file())
    made = record(
        lambda: TracingStack("tracing", TracingStackArgs(settings=settings)), preview=True
    )

    assert not made.of_type("kubernetes:core/v1:Service")
    [policy] = [p for p in network_policies(settings).values() if p["metadata"]["name"] == "alloy"]
    assert "14317" not in json.dumps(policy)


@pytest.mark.parametrize("sources", [[], ["10.1.0.0/16"]])
def test_the_network_policy_admits_the_ports_of_the_entry(sources: list[str]) -> None:
    settings = parse_settings(stack_file(alloy={"ingress": {**BALANCED, "sources": sources}}))
    [policy] = [p for p in network_policies(settings).values() if p["metadata"]["name"] == "alloy"]
    [rule] = [r for r in policy["spec"]["ingress"] if r["ports"][0]["port"] == 14317]

    assert [port["port"] for port in rule["ports"]] == [14317, 14318]
    assert rule.get("from") == ([{"ipBlock": {"cidr": c}} for c in sources] or None)


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("alloy.ingress.auth", {"secret": "s", "tlsSecret": "t"}, {}),
    ("alloy.ingress.auth", {**BALANCED, "auth": "none"}, {}),
    ("alloy.ingress.secret", {"auth": "basic", "tlsSecret": "t"}, {}),
    ("alloy.ingress.tlsSecret", {"auth": "basic", "secret": "s"}, {}),
    ("alloy.ingress.tlsSecret", {**ROUTED, "tlsSecret": "t"}, {}),
    ("alloy.ingress.auth", {**ROUTED, "auth": "mtls"}, {}),
    ("alloy.ingress.loadBalancer", {**ROUTED, "loadBalancer": {}}, {}),
    ("alloy.ingress.gateway", {**ROUTED, "gateway": {"name": "a", "namespace": "b"}}, {}),
    (
        "alloy.ingress.gateway.grpcHost",
        {**ROUTED, "gateway": {**GATEWAY, "grpcHost": GATEWAY["httpHost"]}},
        {},
    ),
    (
        "alloy.ingress.sources",
        {**BALANCED, "sources": ["10.0.0.0/8"]},
        {"namespaces": {"networkPolicies": False}},
    ),
]


@sweep(("key", "ingress", "groups"), REFUSED)
def test_contradictions_are_refused(
    key: str, ingress: dict[str, Any], groups: dict[str, Any]
) -> None:
    _, found = validate(stack_file(alloy={"ingress": ingress}, **groups))

    assert [problem.key for problem in found] == [key]


@dataclass(frozen=True)
class Sender:
    """A sender outside the cluster: what it trusts, and how it authenticates."""

    authority: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cert: tuple[Path, Path] | None = None

    def http(self, alloy: Gateway, body: Mapping[str, Any], *, packed: bool = False) -> str:
        """Send spans over HTTP; return the status, or that there was no connection."""
        context = ssl.create_default_context(cadata=self.authority)
        if self.cert:
            context.load_cert_chain(*self.cert)
        data = json.dumps(body).encode()
        request = urllib.request.Request(
            f"https://{alloy.outside[1]}/v1/traces",
            data=gzip.compress(data) if packed else data,
            headers={
                "Content-Type": "application/json",
                **({"Content-Encoding": "gzip"} if packed else {}),
                **self.headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:  # noqa: S310
                return str(answer.status)
        except urllib.error.HTTPError as error:
            return str(error.code)
        except OSError:
            return "no connection"

    def grpc(self, alloy: Gateway, body: Mapping[str, Any]) -> str:
        """Send spans over gRPC; return the name of the status."""
        cert, key = [path.read_bytes() for path in self.cert] if self.cert else [None, None]
        channel = grpc.secure_channel(
            alloy.outside[0], grpc.ssl_channel_credentials(self.authority.encode(), key, cert)
        )
        request = json_format.ParseDict(dict(body), trace_service_pb2.ExportTraceServiceRequest())
        for span in request.resource_spans[0].scope_spans[0].spans:
            # OTLP writes ids in hexadecimal digits, and JSON of protobuf means base64.
            span.trace_id, span.span_id = bytes(15) + b"\x01", bytes(7) + b"\x01"
        metadata = [(name.lower(), value) for name, value in self.headers.items()]
        try:
            stub = trace_service_pb2_grpc.TraceServiceStub(channel)
            stub.Export(request, timeout=10, metadata=metadata)
        except grpc.RpcError as error:
            return error.code().name  # pyright: ignore[reportAttributeAccessIssue]
        finally:
            channel.close()
        return "OK"


def one_span(name: str, size: int = 0) -> dict[str, Any]:
    forged = {"service.name": "edge", "k8s.namespace.name": "payments", "k8s.pod.name": "pay-1"}
    return spans(forged, {name: {"padding": "x" * size}})


TENANT = {"X-Scope-OrgID": "payments"}
#: The user edge with the password right, as `htpasswd -nbB -C 5 edge right` writes it.
HTPASSWD = "edge:$2y$05$abcdefghijklmnopqrstuu8xaCxxL82bnl.UY74PMksDxIJShppPC\n"


def with_header(value: str) -> dict[str, str]:
    return {"Authorization": value, **TENANT}


def basic(login: str) -> dict[str, str]:
    return with_header(f"Basic {base64.b64encode(login.encode()).decode()}")


@needs_alloy
@pytest.mark.parametrize("auth", IngressAuth)
def test_only_authenticated_senders_get_in(auth: IngressAuth, tmp_path: Path) -> None:
    ours, other = Authority(), Authority()
    server, client, stranger = ours.issue("otlp"), ours.issue("edge"), other.issue("edge")
    right: list[Sender] = []
    wrong = [Sender(ours.cert), Sender(ours.cert, basic("")), Sender(ours.cert, with_header(""))]
    content = {
        IngressAuth.BASIC: HTPASSWD,
        IngressAuth.BEARER: "old-token\nnew-token\n",
        IngressAuth.MTLS: ours.cert,
    }[auth]
    match auth:
        case IngressAuth.BASIC:
            right = [Sender(ours.cert, basic("edge:right"))]
            wrong += [Sender(ours.cert, basic(f"edge:{word}")) for word in ("wrong", "")]
            wrong += [Sender(ours.cert, with_header("Bearer right"))]
        case IngressAuth.BEARER:
            right = [
                Sender(ours.cert, with_header(f"Bearer {token}"))
                for token in ("old-token", "new-token")
            ]
            wrong += [
                Sender(ours.cert, with_header(value))
                for value in ("Bearer wrong", "Bearer", "Bearer ", "new-token", "Basic new-token")
            ]
        case IngressAuth.MTLS:
            right = [Sender(ours.cert, TENANT, client.save(tmp_path, "client"))]
            wrong += [Sender(ours.cert, cert=stranger.save(tmp_path, "stranger"))]
    settings = AlloySettings(
        ingress=IngressSettings(auth=auth, secret="senders", tls_secret="otlp-tls")
    )
    folder = "/etc/alloy-ingress"
    files = {
        f"{folder}/{SECRET_KEYS[auth]}": content,
        f"{folder}/tls.crt": server.cert,
        f"{folder}/tls.key": server.key,
    }
    refused = (
        {"no connection", "UNAVAILABLE"}
        if auth is IngressAuth.MTLS
        else {
            "401",
            "UNAUTHENTICATED",
        }
    )
    with trace_sink() as sink:
        args = arguments(
            settings=settings, tempo_endpoint=sink.endpoint, trusted_namespaces=["gateways"]
        )
        # The connections belong to a pod of a namespace whose senders are trusted: a proxy.
        with gateway(args, tmp_path, connection="gateways", files=files) as alloy:
            for number, sender in enumerate(wrong):
                body = one_span(f"wrong {number}")
                assert {sender.http(alloy, body), sender.grpc(alloy, body)} == refused, number
            for sender in right:
                assert sender.http(alloy, one_span("http")) == "200"
                assert sender.grpc(alloy, one_span("grpc")) == "OK"
            assert right[0].http(alloy, one_span("large", 5 << 20)) in ("400", "413")
            assert right[0].http(alloy, one_span("large", 5 << 20), packed=True) in ("400", "413")
            assert right[0].http(alloy, one_span("http"), packed=True) == "200"
            assert right[0].grpc(alloy, one_span("large", 5 << 20)) == "RESOURCE_EXHAUSTED"
            wait_for(lambda: len(sink.spans) > 2 * len(right))

    assert sorted(span.name for span in sink.spans) == sorted(
        ["http", "grpc"] * len(right) + ["http"]
    )
    for span in sink.spans:
        assert span.resource["k8s.namespace.name"] == ""
        assert "k8s.pod.name" not in span.resource
        assert span.resource["service.namespace"] == "unknown"
    assert "x-scope-orgid" not in sink.headers


@needs_alloy
def test_a_changed_list_of_tokens_is_read_without_a_restart(tmp_path: Path) -> None:
    authority = Authority()
    server = authority.issue("otlp")
    settings = AlloySettings(
        ingress=IngressSettings(auth=IngressAuth.BEARER, secret="senders", tls_secret="otlp-tls")
    )
    folder = "/etc/alloy-ingress"
    files = {
        f"{folder}/tokens": "old-token\n",
        f"{folder}/tls.crt": server.cert,
        f"{folder}/tls.key": server.key,
    }
    old, new = (
        Sender(authority.cert, with_header(f"Bearer {word}-token")) for word in ("old", "new")
    )
    with (
        trace_sink() as sink,
        gateway(
            arguments(settings=settings, tempo_endpoint=sink.endpoint), tmp_path, files=files
        ) as alloy,
    ):
        assert [s.http(alloy, one_span("first")) for s in (old, new)] == ["200", "401"]
        (tmp_path / "tokens").write_text("new-token\n")
        wait_for(lambda: new.http(alloy, one_span("second")) == "200")
        assert old.http(alloy, one_span("third")) == "401"


@needs_alloy
def test_an_empty_list_of_tokens_refuses_and_ends_nothing(tmp_path: Path) -> None:
    settings = AlloySettings(
        ingress=IngressSettings(
            auth=IngressAuth.BEARER,
            secret="senders",
            gateway=GatewaySettings(name="g", namespace="gateways", http_host="otlp.example.com"),
        )
    )
    with trace_sink() as sink:
        args = arguments(settings=settings, tempo_endpoint=sink.endpoint)
        with gateway(args, tmp_path, files={"/etc/alloy-ingress/tokens": ""}) as alloy:
            outside = Gateway(f"http://{alloy.outside[1]}")
            for value in ("Bearer ", "Bearer x"):
                assert outside.send("traces", one_span("x"), Authorization=value) == 401
            assert alloy.send("traces", one_span("inside")) == 200
