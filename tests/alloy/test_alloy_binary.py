"""The generated configuration in a real Alloy; needs `alloy` on PATH."""

import base64
import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.alloy.component import AlloyArgs
from components.alloy.pipeline import MODULES, config
from components.alloy.settings import AlloyModulesSettings, AlloySettings
from components.alloy.values import values
from components.backends.settings import Auth
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
EXAMPLES = Path(__file__).parents[2] / "examples" / "alloy-modules"
FILES = sorted([*MODULES.glob("*.alloy"), *EXAMPLES.parent.rglob("*.alloy")])
#: The last span of a test; once it is there, all before it are.
LAST = "the last one"


def run(*arguments: str | Path) -> None:
    done = subprocess.run(
        [ALLOY or "alloy", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_module_is_formatted(file: Path) -> None:
    run("fmt", "--test", file)


@pytest.mark.parametrize("args", VARIANTS.values(), ids=VARIANTS.keys())
def test_alloy_accepts_the_configuration(args: AlloyArgs, tmp_path: Path) -> None:
    file = tmp_path / "config.alloy"
    file.write_text(config(args))

    run("fmt", "--test", file)
    run("validate", "--stability.level", values(args)["alloy"]["stabilityLevel"], file)


def with_modules(**changed: Any) -> AlloyArgs:
    """Return arguments with the example's modules."""
    places = {
        "after_receive": ["drop_debug.alloy"],
        "before_sampling": ["redact_queries.alloy"],
        "before_export": ["copy_to_archive.alloy"],
    }
    settings = AlloySettings(modules=AlloyModulesSettings.model_validate(places))
    texts = {file.name: file.read_text() for file in EXAMPLES.glob("*.alloy")}
    return arguments(settings=settings, modules=texts, **changed)


def test_alloy_accepts_the_modules_of_the_example(tmp_path: Path) -> None:
    file = tmp_path / "config.alloy"
    file.write_text(config(with_modules(logs=LOGS, metrics=METRICS)))

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


def test_the_modules_of_the_example_drop_rewrite_and_copy(tmp_path: Path) -> None:
    with trace_sink() as sink, http_sink() as archive:
        args = with_modules(tempo_endpoint=sink.endpoint, trust_unidentified=True)
        default = "http://archive.tracing-archive.svc.cluster.local:4318"
        args.modules["copy_to_archive.alloy"] = args.modules["copy_to_archive.alloy"].replace(
            default, archive.url
        )
        with gateway(args, tmp_path) as alloy:
            named = {
                "debugging": {"debug": "true"},
                "query": {"url.query": "id=7&name=x", "db.query.text": "where id = 17"},
            }
            [came] = delivered(alloy, sink, spans({"service.name": "shop"}, named))
            wait_for(lambda: any(r.path == "/v1/traces" for r in archive.requests))

    assert came.name == "query"
    assert came.attributes["url.query"] == "id=redacted&name=redacted"
    assert came.attributes["db.query.text"] == "where id = ?"


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
    with (
        trace_sink() as sink,
        gateway(
            arguments(tempo_endpoint=sink.endpoint, trust_unidentified=True), tmp_path
        ) as alloy,
    ):
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
    with (
        trace_sink() as sink,
        gateway(
            arguments(tempo_endpoint=sink.endpoint, trust_unidentified=True), tmp_path
        ) as alloy,
    ):
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
            settings=AlloySettings().model_copy(update={"ignored_paths": HOSTILE}),
            tempo_endpoint=sink.endpoint,
            cluster_name=name,
            environment=name,
            stack_namespaces=[name],
            trust_unidentified=True,
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


@pytest.mark.parametrize("auth", [Auth.NONE, Auth.BASIC, Auth.BEARER])
def test_logs_and_metrics_reach_their_backends(auth: Auth, tmp_path: Path) -> None:
    username = "writer" if auth is Auth.BASIC else None
    signed = {"auth": auth, "username": username, "tenant": "team-a"}

    def orders(sink: HttpSink) -> list[tuple[Request, bytes]]:
        written = [(r, series) for r in sink.requests for series in written_series(r)]
        return [(r, series) for r, series in written if b"orders" in series]

    with http_sink() as loki, http_sink() as mimir:
        args = arguments(
            logs=LOGS.model_copy(update={"otlp_url": f"{loki.url}/otlp", **signed}),
            metrics=METRICS.model_copy(
                update={"remote_write_url": f"{mimir.url}/api/v1/push", **signed}
            ),
            credentials_secret="credentials",
        )
        passwords = {"logs": "of-${loki}$", "metrics": "of-$mimir{{"}
        with gateway(args, tmp_path, passwords=passwords) as alloy:
            assert alloy.send("logs", LOG) == 200
            assert alloy.send("metrics", metric()) == 200
            wait_for(lambda: bool(loki.requests and orders(mimir)))

    log, [(sample, series), *_] = loki.requests[0], orders(mimir)
    assert (log.path, sample.path) == ("/otlp/v1/logs", "/api/v1/push")
    for text in ("sold out", "k8s.cluster.name", "dev-1", "service.namespace"):
        assert text.encode() in log.body
    for text in ("k8s_cluster_name", "dev-1", "deployment_environment_name", "service_namespace"):
        assert text.encode() in series
    for request, password in ((log, passwords["logs"]), (sample, passwords["metrics"])):
        basic = base64.b64encode(f"writer:{password}".encode()).decode()
        assert request.headers.get("authorization") == {
            Auth.NONE: None,
            Auth.BASIC: f"Basic {basic}",
            Auth.BEARER: f"Bearer {password}",
        }.get(auth)
        assert request.headers["x-scope-orgid"] == "team-a"


FORGED = {
    "service.name": "shop",
    "k8s.namespace.name": "victim",
    "k8s_namespace_name": "victim",
    "k8s.pod.name": "victim-0",
    "k8s.cluster.name": "elsewhere",
    "k8s.container.name": "web",
}


@pytest.mark.parametrize(
    ("connection", "trust_unidentified", "believed"),
    [
        ("attacker", False, False),
        ("attacker", True, False),
        ("tracing-beyla", False, True),
        # No pod has the connection.
        (None, False, False),
        (None, True, True),
    ],
)
def test_a_pod_can_not_name_another_unless_it_is_trusted(
    connection: str | None, trust_unidentified: bool, believed: bool, tmp_path: Path
) -> None:
    with trace_sink() as sink:
        # Its own namespaces are dropped, and Beyla's is one of them by default.
        args = arguments(
            tempo_endpoint=sink.endpoint,
            trusted_namespaces=["tracing-beyla"],
            trust_unidentified=trust_unidentified,
            stack_namespaces=["tracing"],
        )
        with gateway(args, tmp_path, connection=connection) as alloy:
            [span] = delivered(alloy, sink, spans(FORGED, {"one": {}}))

    its = span.resource
    # Set, although empty: Tempo would take the attribute from the span.
    assert its["k8s.namespace.name"] == ("victim" if believed else connection or "")
    assert its["service.namespace"] == ("victim" if believed else connection or "unknown")
    assert its["k8s.cluster.name"] == ("elsewhere" if believed else "dev-1")
    assert its.get("k8s.pod.name") == ("victim-0" if believed else None)
    assert its["k8s.container.name"] == "web"
    assert not [name for name in its if name.startswith("sender.") or "_" in name.split(".")[0]]


def metrics_request(
    name: str,
    *values: Mapping[str, str],
    resource: Mapping[str, str] | None = None,
    unit: str = "",
    kind: str = "gauge",
) -> dict[str, Any]:
    """Return a request with one metric.

    Args:
        name: name of the metric.
        values: attributes of its data point, which may have a key more than once.
        resource: attributes of its resource besides `service.name`.
        unit: unit of the metric.
        kind: `gauge`, `sum`, `histogram`, `exponentialHistogram` or `summary`.
    """
    data: dict[str, Any] = {
        "timeUnixNano": "0",
        "asDouble": 7,
        "attributes": [item for some in values for item in attributes(some)],
    }
    if kind in {"histogram", "exponentialHistogram", "summary"}:
        data |= {"count": "1", "sum": 7}
    if kind == "histogram":
        data |= {"explicitBounds": [1], "bucketCounts": ["0", "1"]}
    if kind == "exponentialHistogram":
        data |= {"scale": 0, "positive": {"offset": 0, "bucketCounts": ["1"]}}
    body: dict[str, Any] = {"dataPoints": [data]}
    if kind != "gauge" and kind != "summary":
        body["aggregationTemporality"] = 2
    if kind == "sum":
        body["isMonotonic"] = True
    resource = {"service.name": "shop", "service.namespace": "orders", **(resource or {})}
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": attributes(resource)},
                "scopeMetrics": [{"metrics": [{"name": name, "unit": unit, kind: body}]}],
            }
        ]
    }


#: Series that a sender tries to write, by how it tries.
FORGERIES = {
    "by its name": metrics_request("up"),
    "by its name with dots": metrics_request("traces.spanmetrics.calls"),
    "by the suffix of its type": metrics_request("traces_spanmetrics_calls", kind="sum"),
    "by the suffix of its unit": metrics_request("tempodb_backend", unit="By"),
    "by a classic histogram": metrics_request("traces_spanmetrics_latency", kind="histogram"),
    "by a native histogram": metrics_request(
        "traces_spanmetrics_latency", kind="exponentialHistogram"
    ),
    "by a summary": metrics_request("traces_spanmetrics_latency", kind="summary"),
    "by an attribute": metrics_request("harmless_1", {"__name__": "up"}),
    "by another spelling of the attribute": metrics_request("harmless_2", {"..name--": "up"}),
    "by an attribute with a colon": metrics_request(
        "harmless_3", {"__name__": "slo:errors:rate5m"}
    ),
    "by an attribute of the resource": metrics_request("harmless_4", resource={"__name__": "up"}),
    "by the namespace of a scrape": metrics_request(
        "http.server.request.duration",
        {"namespace": "tracing-beyla"},
        unit="s",
        kind="histogram",
    ),
}


def written(tmp_path: Path, *requests: Mapping[str, Any]) -> list[dict[str, str]]:
    """Send metrics through a gateway; return the labels of all series that it wrote."""
    with http_sink() as mimir:
        metrics = METRICS.model_copy(update={"remote_write_url": f"{mimir.url}/api/v1/push"})
        with gateway(arguments(metrics=metrics), tmp_path) as alloy:
            for request in (*requests, metrics_request("the_last_one")):
                # Remote write skips what is older than its own start.
                now = json.dumps(request).replace(
                    '"timeUnixNano": "0"', f'"timeUnixNano": "{time.time_ns()}"'
                )
                assert alloy.send("metrics", json.loads(now)) == 200
            wait_for(lambda: any(s.get("__name__") == "the_last_one" for s in mimir.series()))
        found = mimir.series()
    return [one for one in found if one["__name__"] not in {"the_last_one", "target_info"}]


def test_series_of_the_stack_are_dropped_however_they_are_written(tmp_path: Path) -> None:
    found = written(tmp_path, *FORGERIES.values(), metrics_request("http.server.active_requests"))

    names = {one["__name__"] for one in found}
    harmless = {f"harmless_{number}" for number in range(1, 5)}
    assert names - harmless == {"http_server_active_requests"}
    assert {name for one in found for name in one if name.startswith("__")} == {"__name__"}


def test_a_sender_can_not_set_the_labels_that_tell_series_apart(tmp_path: Path) -> None:
    forged = {
        "cluster": "elsewhere",
        "job": "victim",
        "instance": "victim-0",
        "k8s.cluster.name": "elsewhere",
        "k8s_cluster_name": "elsewhere",
        "service-namespace": "victim",
        "service.name": "victim",
        "__metrics_gen_instance": "victim",
    }
    [found] = written(
        tmp_path,
        metrics_request("stock", forged, {"service.name": "again"}, resource={"job": "victim"}),
    )

    assert found == {
        "__name__": "stock",
        "job": "orders/shop",
        "exported_cluster": "elsewhere",
        "exported_job": "victim",
        "exported_instance": "victim-0",
        "k8s_cluster_name": "dev-1",
        "deployment_environment_name": "dev",
        "service_namespace": "orders",
        "service_name": "shop",
    }
