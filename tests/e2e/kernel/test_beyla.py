"""What Beyla sees and sends with the rendered configuration, on the kernel of this machine."""

import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from components.beyla.component import BeylaArgs
from components.beyla.settings import MAPS_MIB, BeylaSettings, ContextPropagation
from components.core.helm import BEYLA
from components.onboarding.annotations import INJECT
from components.telemetry.metrics import (
    LABELS,
    SCRAPED_LABELS,
    BeylaMetric,
    Label,
    RequestLabel,
    RequestMetric,
)
from plan.rehearse import otlp
from plan.rehearse.metrics import samples, total
from plan.rehearse.programs import get, wait_for
from plan.rehearse.sinks import TraceSink, http_sink, trace_sink

from . import agent, node, shop
from .api import api

#: Set by `make e2e-kernel`: the tests make a network, cgroups and eBPF programs on this machine.
ALLOWED = "TRACING_E2E_KERNEL"
#: Seconds that a first span may take: an emulated kernel verifies eBPF programs for minutes.
_PATIENCE = 900
#: Value of `traceparent` in a line of a service; the group is the trace.
_PARENT = re.compile(r'\s*"00-([0-9a-f]{32})-')
#: A locked kernel lets no eBPF program write into the memory of processes.
_LOCKDOWN = Path("/sys/kernel/security/lockdown")
LOCKED = _LOCKDOWN.exists() and "[none]" not in _LOCKDOWN.read_text()
CLUSTER = "kernel"
_OWN = ("tracing", "tracing-beyla")
SERVER, CLIENT = 2, 3
_RPC = (RequestLabel.RPC_METHOD, RequestLabel.RPC_STATUS)
ERROR = 2


def _missing() -> str:
    if not os.environ.get("TRACING_TEST_CHARTS"):
        return "TRACING_TEST_CHARTS names no folder of charts"
    return node.missing()


if not os.environ.get(ALLOWED):
    pytest.skip(f"{ALLOWED} is not set (`make e2e-kernel` sets it)", allow_module_level=True)
if _REASON := _missing():
    # Asked for, so that nothing is skipped without a word.
    pytest.fail(f"Beyla can't be tested here: {_REASON}", pytrace=False)


@dataclass(frozen=True)
class Span:
    """A span, and the attributes of its resource."""

    resource: dict[str, Any]
    name: str
    kind: int
    status: int
    trace: bytes
    attributes: dict[str, Any]

    @property
    def service(self) -> str:
        return self.resource["service.name"]

    @property
    def path(self) -> str:
        """Path of a request that was served or sent."""
        url = self.attributes.get("url.path") or self.attributes.get("url.full", "")
        return "/" + url.partition("://")[2].partition("/")[2] if "://" in url else url


@dataclass(frozen=True)
class Node:
    """The running pods, and where Beyla sends to."""

    pods: dict[str, node.Running]
    sink: TraceSink
    folder: Path

    def spans(self) -> list[Span]:
        """Return what arrived."""
        return [
            Span(
                resource=otlp.attributes(source.resource.attributes),
                name=span.name,
                kind=span.kind,
                status=span.status.code,
                trace=span.trace_id,
                attributes=otlp.attributes(span.attributes),
            )
            for source, span in otlp.arrived(self.sink.requests)
        ]

    def ask(self, number: int) -> None:
        """Send one request of each kind; not all must be answered."""
        for path in (f"/orders/{number}", "/healthz", "/fail"):
            get(self.pods["web"].url(path))
        get(self.pods["web"].url(f"/proxied/{number}", container=1))
        for name in ("old", "alloy", "sdk", "agent"):
            get(self.pods[name].url(f"/{name}/{number}"))


@dataclass(frozen=True)
class Seen:
    """What Beyla sent and said in one run."""

    spans: list[Span]
    metrics: str
    asked: set[tuple[str, str]]
    allowed: set[tuple[str, str]]
    log: str
    lines: dict[str, list[str]]
    kernel_mib: int

    def of(self, service: str, kind: int, path: str = "") -> list[Span]:
        """Return the spans of a service by kind and the beginning of the path."""
        return [
            each
            for each in self.spans
            if each.service == service and each.kind == kind and each.path.startswith(path)
        ]


@pytest.fixture(scope="module")
def here() -> Generator[Node]:
    """Run the pods."""
    with tempfile.TemporaryDirectory() as name, node.network():
        folder = Path(name)
        # Programs run as another user.
        folder.chmod(0o755)
        with (
            trace_sink(TraceSink(), host=node.ADDRESS) as sink,
            http_sink(host=node.ADDRESS) as http,
            node.running(list(shop.pods(folder, http.url).values())) as pods,
        ):
            yield Node({each.pod.deployment: each for each in pods}, sink, folder)


@pytest.fixture(scope="module")
def alone(here: Node) -> Seen:
    """Let Beyla run as it does without further settings."""
    return _run(here, BeylaSettings(namespaces=["*"], excluded_namespaces=["legacy"]))


@pytest.fixture(scope="module")
def joined(here: Node) -> Seen:
    """Let Beyla propagate the trace context and extend log lines."""
    return _run(
        here,
        BeylaSettings(
            namespaces=["shop"],
            context_propagation=ContextPropagation.HEADERS,
            enrich_logs=["shop"],
        ),
    )


def _run(here: Node, settings: BeylaSettings) -> Seen:
    here.sink.requests.clear()
    before = {name: _lines(pod) for name, pod in here.pods.items()}
    charts = Path(os.environ["TRACING_TEST_CHARTS"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        args = BeylaArgs(
            settings=settings,
            namespace=_OWN[1],
            chart=BEYLA,
            nodes=1,
            cluster_name=CLUSTER,
            otlp_endpoint=f"http://{here.sink.endpoint}",
            excluded_namespaces=_OWN,
            excluded_annotations=[*INJECT.values()],
        )
        made = agent.rendered(args, charts, folder)
        address = {"type": "InternalIP", "address": node.ADDRESS}
        objects = {
            "pods": [each.object() for each in here.pods.values()],
            "nodes": [
                {"metadata": {"name": node.NODE, "uid": "n"}, "status": {"addresses": [address]}}
            ],
        }
        with (
            api(node.ADDRESS, objects, folder) as server,
            agent.beyla(made, server.kubeconfig, folder) as beyla,
        ):
            _traffic(here, beyla)
            metrics = (
                get(f"http://{beyla.address}:{settings.metrics_port}/metrics") or b""
            ).decode()
            log, kernel_mib = beyla.log(), beyla.kernel_mib()
    lines = {name: _lines(pod)[len(before[name]) :] for name, pod in here.pods.items()}
    return Seen(here.spans(), metrics, server.asked, made.allowed, log, lines, kernel_mib)


def _lines(pod: node.Running) -> list[str]:
    return list(pod.lines[pod.pod.deployment])


def _traffic(here: Node, beyla: agent.Beyla) -> None:
    """Send requests until Beyla sees every service, then some more, until the last arrives."""
    number = 0

    def served(path: str) -> set[str]:
        return {s.service for s in here.spans() if s.kind == SERVER and s.path.startswith(path)}

    def everything() -> bool:
        nonlocal number
        assert beyla.program.runs
        number += 1
        here.ask(number)
        return served("/orders/") >= {*SERVICES}

    wait_for("span of each service", everything, _PATIENCE, pause=2)
    # What follows is seen by all programs that Beyla has loaded by now.
    for _ in range(5):
        number += 1
        here.ask(number)
        time.sleep(1)
    last = f"/orders/{number}"
    wait_for("last span", lambda: served(last) >= {*SERVICES}, _PATIENCE, pause=2)


#: Each calls the next one.
SERVICES = {"web": "python", "cart": "go", "stock": "nodejs", "ledger": "java"}


@pytest.mark.parametrize("service", SERVICES)
def test_spans_name_the_deployment_and_the_pod(alone: Seen, here: Node, service: str) -> None:
    pod = here.pods[service]
    expected = {
        "service.name": service,
        "service.namespace": "shop",
        "telemetry.sdk.language": SERVICES[service],
        "k8s.cluster.name": CLUSTER,
        "k8s.namespace.name": "shop",
        "k8s.deployment.name": service,
        "k8s.pod.name": pod.name,
        "k8s.pod.uid": pod.uid,
        "k8s.container.name": service,
        "k8s.node.name": node.NODE,
    }
    for span in alone.of(service, SERVER):
        assert {key: span.resource.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("service", "route"),
    # Beyla knows the routes of Go's own router, and takes what looks like an id out of others.
    [
        ("web", "/orders/*"),
        ("cart", "/orders/{order}"),
        ("stock", "/orders/*"),
        ("ledger", "/orders/*"),
    ],
)
def test_a_request_has_route_and_status(alone: Seen, service: str, route: str) -> None:
    answered, failed = alone.of(service, SERVER, "/orders/"), alone.of(service, SERVER, "/fail")
    assert {span.attributes["http.route"] for span in answered} == {route}
    assert {span.name for span in answered} == {f"GET {route}"}
    assert {span.attributes["http.response.status_code"] for span in answered} == {200}
    assert ERROR not in {span.status for span in answered}
    assert {span.attributes["http.response.status_code"] for span in failed} == {500}
    assert {span.status for span in failed} == {ERROR}


@pytest.mark.parametrize(("service", "called"), [*pairwise(SERVICES)])
def test_a_call_has_the_name_of_the_called_service(alone: Seen, service: str, called: str) -> None:
    spans = alone.of(service, CLIENT)
    assert {span.attributes["service.peer.name"] for span in spans} == {called}


def test_what_is_excluded_sends_nothing(alone: Seen) -> None:
    """Namespaces, proxies, pods with an agent, the stack itself and programs outside of pods."""
    assert {span.service for span in alone.spans} - {"sdk"} == set(SERVICES)
    # The proxy passes on what the service behind it answers too.
    assert {s.resource["k8s.container.name"] for s in alone.spans} - {"sdk"} == set(SERVICES)


def test_probes_are_ignored(alone: Seen) -> None:
    assert [span for span in alone.spans if "healthz" in span.path + span.name] == []
    assert total(alone.metrics, RequestMetric.HTTP_SERVER_COUNT, http_route="/healthz") == 0


def test_a_service_that_sends_otlp_sends_its_spans_alone(alone: Seen, here: Node) -> None:
    last = max(int(span.path.rpartition("/")[2]) for span in alone.of("web", SERVER, "/orders/"))
    assert here.pods["sdk"].lines["sdk"]
    assert alone.of("sdk", SERVER, f"/sdk/{last}") == []
    # Its metrics stay: it sends none.
    assert total(alone.metrics, RequestMetric.HTTP_SERVER_COUNT, service_name="sdk")


def test_services_of_one_node_share_traces(alone: Seen) -> None:
    # In Node, a call is not joined to the request behind it without code in the process.
    assert _shared(alone, "web", "cart", "stock")


@pytest.mark.parametrize(
    ("called", "language"), [("cart", "python"), ("stock", "go"), ("ledger", "nodejs")]
)
def test_calls_carry_the_context(alone: Seen, joined: Seen, called: str, language: str) -> None:
    def parents(seen: Seen) -> set[str]:
        parts = (line.partition('traceparent":')[2] for line in seen.lines[called])
        return {found[1] for part in parts if (found := _PARENT.match(part))}

    # No setting stops Beyla from writing it into the memory of Go programs, but lockdown does.
    assert bool(parents(alone)) is (language == "go" and not LOCKED)
    assert parents(joined) & {span.trace.hex() for span in joined.of("web", SERVER)}


def test_propagated_context_joins_services(joined: Seen) -> None:
    assert _shared(joined, *SERVICES)
    # Node needs code in the process, which Beyla loads through its debugger.
    assert "couldn't attach NodeJS injector" not in joined.log


def _shared(seen: Seen, *services: str) -> set[bytes]:
    first, *others = ({s.trace for s in seen.of(each, SERVER, "/orders/")} for each in services)
    return first.intersection(*others)


def test_no_process_is_changed_without_context_propagation(alone: Seen) -> None:
    assert "NodeJS injector" not in alone.log


@pytest.mark.parametrize("service", SERVICES)
def test_log_lines_get_the_ids_of_their_trace(joined: Seen, service: str) -> None:
    traces = {span.trace.hex() for span in joined.of(service, SERVER)}
    extended = [line for line in joined.lines[service] if "trace_id" in line]
    in_json = {line.partition('"trace_id":"')[2][:32] for line in extended if line[0] == "{"}
    others = {line.partition("trace_id=")[2][:32] for line in extended if line[0] != "{"}
    assert bool(in_json & traces) is not LOCKED
    assert bool(others & traces) is not LOCKED


@pytest.mark.parametrize("service", SERVICES)
def test_each_log_line_is_written_once(joined: Seen, service: str) -> None:
    # A line in JSON and another one for each request.
    paths = re.findall(r"/orders/\d+", "\n".join(joined.lines[service]))
    assert {*Counter(paths).values()} == {2}


def test_it_asks_for_what_its_role_allows(alone: Seen, joined: Seen) -> None:
    for seen in (alone, joined):
        assert ("pods", "watch") in seen.asked
        assert seen.asked <= seen.allowed


def test_ebpf_maps_take_less_than_their_share_of_the_limit(alone: Seen, joined: Seen) -> None:
    assert 0 < alone.kernel_mib <= MAPS_MIB
    assert 0 < joined.kernel_mib <= MAPS_MIB


#: Metrics without a case here: nothing calls by RPC, and nothing fails to be sent.
_NOT_HERE = {m for m in RequestMetric if m.startswith("rpc_")} | {BeylaMetric.EXPORT_ERRORS}


@pytest.mark.parametrize("metric", sorted({*RequestMetric, *BeylaMetric} - _NOT_HERE))
def test_metrics_of_dashboards_and_alerts_exist(alone: Seen, metric: str) -> None:
    found = [labels for labels, _ in samples(alone.metrics, metric)]
    assert found
    if metric in {*RequestMetric}:
        # `pod` and the like come from the scrape.
        used = LABELS[RequestMetric] - SCRAPED_LABELS - {Label.TEMPO_CLUSTER, *_RPC}
        assert used - found[0].keys() == set()
