"""The generated configuration in a real Alloy; needs `alloy` on PATH."""

import base64
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.alloy.args import AlloyArgs
from components.alloy.pipeline import MODULES, config
from components.alloy.settings import AlloySettings
from tests.alloy.cases import HOSTILE, LOGS, METRICS, arguments, variants
from tests.alloy.gateway import ALLOY, Gateway, attributes, gateway, needs_alloy, wait_for
from tests.alloy.sinks import (
    HttpSink,
    Request,
    Span,
    TraceSink,
    http_sink,
    trace_sink,
    written_series,
)

pytestmark = needs_alloy

VARIANTS = variants()
#: The last span of a test; once it is there, all before it are.
LAST = "the last one"


def run(*arguments: str | Path) -> None:
    done = subprocess.run(
        [ALLOY or "alloy", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", sorted(MODULES.glob("*.alloy")), ids=lambda file: file.stem)
def test_a_module_is_formatted(file: Path) -> None:
    run("fmt", "--test", file)


@pytest.mark.parametrize("args", VARIANTS.values(), ids=VARIANTS.keys())
def test_alloy_accepts_the_configuration(args: AlloyArgs, tmp_path: Path) -> None:
    file = tmp_path / "config.alloy"
    file.write_text(config(args))

    run("fmt", "--test", file)
    run("validate", file)


def spans(
    resource: Mapping[str, str], named: Mapping[str, Mapping[str, str]]
) -> dict[str, list[dict[str, Any]]]:
    """Return a request with spans of one resource: attributes by the span's name."""
    made = [
        {
            "traceId": f"{number + 1:032x}",
            "spanId": f"{number + 1:016x}",
            "name": name,
            "kind": 2,
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": "1700000000100000000",
            "attributes": attributes(values),
        }
        for number, (name, values) in enumerate(named.items())
    ]
    return {
        "resourceSpans": [
            {"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": made}]}
        ]
    }


def delivered(alloy: Gateway, sink: TraceSink, *requests: Mapping[str, Any]) -> list[Span]:
    """Send requests; return the spans that came out."""
    for request in requests:
        assert alloy.send("traces", request) == 200
    assert alloy.send("traces", spans({"service.name": "last"}, {LAST: {}})) == 200
    wait_for(lambda: any(span.name == LAST for span in sink.spans))
    return [span for span in sink.spans if span.name != LAST]


def test_health_checks_and_own_traffic_are_dropped(tmp_path: Path) -> None:
    kept = {
        "plain": {},
        "other path": {"url.path": "/orders"},
        "longer path": {"url.path": "/healthz/deep"},
        "path in a query": {"http.target": "/orders?next=/healthz"},
        "other url": {"url.full": "http://shop/orders#/healthz"},
        "no url": {"url.full": "http://[broken/healthz"},
        "not a path": {"http.target": "healthz"},
    }
    dropped = {
        "path": {"url.path": "/healthz"},
        "route": {"http.route": "/metrics"},
        "target": {"http.target": "/ready?verbose=1"},
        "url": {"url.full": "http://10.0.0.1:8080/-/healthy"},
        "old url": {"http.url": "https://shop/livez?x"},
    }
    with trace_sink() as sink, gateway(arguments(tempo_endpoint=sink.endpoint), tmp_path) as alloy:
        came = delivered(
            alloy,
            sink,
            spans({"service.name": "shop"}, {**kept, **dropped}),
            spans({"service.name": "tempo", "k8s.namespace.name": "tracing"}, {"own": {}}),
            spans({"service.name": "x", "k8s.namespace.name": "tracing-2"}, {"similar": {}}),
        )

    assert sorted(span.name for span in came) == sorted([*kept, "similar"])


RESOURCES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "bare": ({}, {"service.namespace": "unknown", "k8s.cluster.name": "dev-1"}),
    "in-kubernetes": ({"k8s.namespace.name": "shop"}, {"service.namespace": "shop"}),
    "own-namespace": (
        {"k8s.namespace.name": "shop", "service.namespace": "orders"},
        {"service.namespace": "orders", "k8s.namespace.name": "shop"},
    ),
    "own-cluster": ({"k8s.cluster.name": "edge"}, {"k8s.cluster.name": "edge"}),
    "empty": (
        {"k8s.cluster.name": "", "service.namespace": "", "deployment.environment.name": ""},
        {
            "k8s.cluster.name": "dev-1",
            "service.namespace": "unknown",
            "deployment.environment.name": "dev",
        },
    ),
    "no-environment": ({}, {"deployment.environment.name": "dev"}),
    "own-environment": (
        {"deployment.environment.name": "qa"},
        {"deployment.environment.name": "qa"},
    ),
    "old-environment": ({"deployment.environment": "qa"}, {"deployment.environment.name": "qa"}),
}


def test_every_span_says_where_it_comes_from(tmp_path: Path) -> None:
    with trace_sink() as sink, gateway(arguments(tempo_endpoint=sink.endpoint), tmp_path) as alloy:
        came = delivered(
            alloy,
            sink,
            *(
                spans({"service.name": name, **sent}, {name: {}})
                for name, (sent, _) in RESOURCES.items()
            ),
        )

    stamped = {span.name: span.resource for span in came}
    wanted = {name: want for name, (_, want) in RESOURCES.items()}
    assert {
        name: {key: stamped[name].get(key) for key in want} for name, want in wanted.items()
    } == wanted


def test_hostile_names_arrive_unchanged_and_drop_only_what_they_name(tmp_path: Path) -> None:
    name = "".join(HOSTILE)
    named = {f"path {number}": {"url.path": text} for number, text in enumerate(HOSTILE)}
    with trace_sink() as sink:
        args = arguments(
            settings=AlloySettings(ignored_paths=HOSTILE),
            tempo_endpoint=sink.endpoint,
            cluster_name=name,
            environment=name,
            stack_namespaces=[name],
        )
        with gateway(args, tmp_path) as alloy:
            came = delivered(
                alloy,
                sink,
                spans({"service.name": "a"}, {"kept": {"url.path": "/orders"}, **named}),
                spans({"service.name": "b", "k8s.namespace.name": name}, {"own": {}}),
            )

    assert [span.name for span in came] == ["kept"]
    assert came[0].resource["k8s.cluster.name"] == name
    assert came[0].resource["deployment.environment.name"] == name


@pytest.mark.parametrize("balance", [False, True])
def test_tempo_gets_the_tenant(balance: bool, tmp_path: Path) -> None:
    with trace_sink() as sink:
        endpoint = sink.endpoint.replace("127.0.0.1", "localhost")
        args = arguments(tempo_endpoint=endpoint, balance=balance, tenant="team-a")
        with gateway(args, tmp_path) as alloy:
            came = delivered(alloy, sink, spans({"service.name": "a"}, {"one": {}}))

    assert [span.name for span in came] == ["one"]
    assert sink.headers["x-scope-orgid"] == "team-a"


LOG = {
    "resourceLogs": [
        {
            "resource": {"attributes": attributes({"service.name": "shop"})},
            "scopeLogs": [
                {
                    "logRecords": [
                        {
                            "timeUnixNano": "1700000000000000000",
                            "body": {"stringValue": "sold out"},
                            "traceId": f"{1:032x}",
                            "spanId": f"{1:016x}",
                        }
                    ]
                }
            ],
        }
    ]
}


def metric(name: str = "orders") -> dict[str, Any]:
    now = str(time.time_ns())
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": attributes({"service.name": "shop"})},
                "scopeMetrics": [
                    {
                        "metrics": [
                            {
                                "name": name,
                                "gauge": {
                                    # Now: remote write skips what is older than its own start.
                                    "dataPoints": [{"timeUnixNano": now, "asDouble": 7}]
                                },
                            }
                        ]
                    }
                ],
            }
        ]
    }


def test_a_signal_without_a_backend_is_refused(tmp_path: Path) -> None:
    with gateway(arguments(), tmp_path) as alloy:
        assert alloy.send("logs", LOG) == 404
        assert alloy.send("metrics", metric()) == 404


@pytest.mark.parametrize("username", [None, "writer"])
def test_logs_and_metrics_reach_their_backends(username: str | None, tmp_path: Path) -> None:
    def orders(sink: HttpSink) -> list[tuple[Request, bytes]]:
        written = [(r, series) for r in sink.requests for series in written_series(r)]
        return [(r, series) for r, series in written if b"orders" in series]

    with http_sink() as loki, http_sink() as mimir:
        args = arguments(
            logs=LOGS.model_copy(update={"otlp_url": f"{loki.url}/otlp", "username": username}),
            metrics=METRICS.model_copy(
                update={"remote_write_url": f"{mimir.url}/api/v1/push", "username": username}
            ),
            credentials_secret="credentials",
        )
        passwords = {"LOGS_PASSWORD": "of-loki", "METRICS_PASSWORD": "of-mimir"}
        with gateway(args, tmp_path, **passwords) as alloy:
            assert alloy.send("logs", LOG) == 200
            assert alloy.send("metrics", metric()) == 200
            wait_for(lambda: bool(loki.requests and orders(mimir)))

    log, [(sample, series), *_] = loki.requests[0], orders(mimir)
    assert (log.path, sample.path) == ("/otlp/v1/logs", "/api/v1/push")
    for text in ("sold out", "k8s.cluster.name", "dev-1", "service.namespace"):
        assert text.encode() in log.body
    for text in ("k8s_cluster_name", "dev-1", "deployment_environment_name", "service_namespace"):
        assert text.encode() in series
    for request, password in ((log, "of-loki"), (sample, "of-mimir")):
        basic = base64.b64encode(f"writer:{password}".encode()).decode()
        assert request.headers.get("authorization") == (f"Basic {basic}" if username else None)


FORGED = {
    "service.name": "shop",
    "k8s.namespace.name": "victim",
    "k8s.pod.name": "victim-0",
    "k8s.cluster.name": "elsewhere",
    "k8s.container.name": "web",
}


@pytest.mark.parametrize(
    ("connection", "namespace", "cluster", "pod"),
    [
        ("attacker", "attacker", "dev-1", None),
        ("tracing-beyla", "victim", "elsewhere", "victim-0"),
        # A connection of no pod shows nothing.
        (None, "victim", "elsewhere", "victim-0"),
    ],
)
def test_a_pod_can_not_name_another_unless_it_is_trusted(
    connection: str | None, namespace: str, cluster: str, pod: str | None, tmp_path: Path
) -> None:
    with trace_sink() as sink:
        # Its own namespaces are dropped, and Beyla's is one of them by default.
        args = arguments(
            tempo_endpoint=sink.endpoint,
            trusted_namespaces=["tracing-beyla"],
            stack_namespaces=["tracing"],
        )
        with gateway(args, tmp_path, connection=connection) as alloy:
            [span] = delivered(alloy, sink, spans(FORGED, {"one": {}}))

    assert span.resource["k8s.namespace.name"] == namespace
    assert span.resource["k8s.cluster.name"] == cluster
    assert span.resource.get("k8s.pod.name") == pod
    assert span.resource["k8s.container.name"] == "web"
    assert not [name for name in span.resource if name.startswith("sender.")]


def test_series_of_the_stack_are_dropped(tmp_path: Path) -> None:
    with http_sink() as mimir:
        metrics = METRICS.model_copy(update={"remote_write_url": f"{mimir.url}/api/v1/push"})
        with gateway(arguments(metrics=metrics), tmp_path) as alloy:
            for name in ("up", "slo:errors:rate5m", "traces.spanmetrics.calls", "orders"):
                assert alloy.send("metrics", metric(name)) == 200
            wait_for(lambda: any(b"orders" in s for r in mimir.requests for s in written_series(r)))

    written = b" ".join(series for r in mimir.requests for series in written_series(r))
    assert b"orders" in written
    for forged in (b"slo:errors", b"spanmetrics", b"\x02up"):
        assert forged not in written
