"""Redaction, limits, drop rules and templates of routes, in a real Alloy."""

import json
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from components.alloy.settings import AlloySettings
from plan.rehearse.otlp import Source, arrived, plain
from plan.rehearse.otlp import attributes as values_of
from tests.alloy import corpus
from tests.alloy.cases import CLEANED, LOGS, METRICS, arguments
from tests.alloy.gateway import any_value, attributes, gateway, needs_alloy, wait_for
from tests.alloy.sinks import http_sink, log_records, trace_sink

pytestmark = needs_alloy

LAST = "the last one"


def settings(**keys: Any) -> AlloySettings:
    """Return Alloy's settings as a stack file has them."""
    return AlloySettings.model_validate(keys, by_alias=True, by_name=False)


def sent(cases: Iterable[corpus.Case]) -> list[dict[str, Any]]:
    return attributes({case.key: case.sent for case in cases})


def span(name: str, number: int = 0, **parts: Any) -> dict[str, Any]:
    return {
        "traceId": f"{number + 1:032x}",
        "spanId": f"{number + 1:016x}",
        "name": name,
        "kind": 2,
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000100000000",
        **parts,
    }


def traces(*spans: Mapping[str, Any], resource: Iterable[Any] = ()) -> dict[str, Any]:
    named = [*attributes({"service.name": "shop"}), *resource]
    return {
        "resourceSpans": [{"resource": {"attributes": named}, "scopeSpans": [{"spans": spans}]}]
    }


def through(
    folder: Path, its: AlloySettings, *requests: Mapping[str, Any], **changed: Any
) -> list[tuple[Source, Any]]:
    """Send spans through a gateway; return the spans that came out."""
    with trace_sink() as sink:
        args = arguments(
            settings=its, tempo_endpoint=sink.endpoint, trust_unidentified=True, **changed
        )
        with gateway(args, folder) as alloy:
            for request in (*requests, traces(span(LAST))):
                assert alloy.send("traces", request) == 200
            wait_for(lambda: any(one.name == LAST for one in sink.spans))
        return [(source, one) for source, one in arrived(sink.requests) if one.name != LAST]


def assert_arrived(pairs: Iterable[Any], cases: Iterable[corpus.Case]) -> None:
    found, cases = values_of(pairs), list(cases)
    assert {case.key: found.get(case.key) for case in cases} == {
        case.key: case.arrives for case in cases
    }


def assert_clean(*requests: bytes) -> None:
    """Assert that no secret of the corpus is in what a backend received."""
    text = b"\n".join(requests).decode(errors="replace")
    assert [secret for secret in corpus.SECRETS if secret in text] == []


def test_what_is_secret_is_gone_in_tempo_and_the_rest_stays(tmp_path: Path) -> None:
    events = [
        {"name": "exception", "attributes": attributes({"exception.message": text})}
        for text, _ in corpus.TEXTS
    ]
    texts = [
        span("text", number, status={"code": 2, "message": text})
        for number, (text, _) in enumerate(corpus.TEXTS)
    ]
    whole = span(
        "whole",
        attributes=sent([*corpus.ATTRIBUTES, *corpus.SPAN_ATTRIBUTES]),
        events=[*events, {"name": "all", "attributes": sent(corpus.ATTRIBUTES)}],
    )
    presigned = span("presigned", attributes=sent([corpus.PRESIGNED]))
    named = [span(name) for name, _ in corpus.NAMES]
    on_resource = [*corpus.ATTRIBUTES, *corpus.RESOURCE_ATTRIBUTES]
    found = through(
        tmp_path,
        settings(),
        traces(whole, presigned, *texts, *named, resource=sent(on_resource)),
    )

    by_name = {one.name: (source.resource, one) for source, one in found}
    resource, came = by_name["whole"]
    assert_arrived(came.attributes, [*corpus.ATTRIBUTES, *corpus.SPAN_ATTRIBUTES])
    assert_arrived(by_name["presigned"][1].attributes, [corpus.PRESIGNED])
    assert_arrived(resource.attributes, on_resource)
    *exceptions, last = came.events
    assert_arrived(last.attributes, corpus.ATTRIBUTES)
    wanted = [text for _, text in corpus.TEXTS]
    # The query of a URL is looked for in span names and attributes of URLs; in texts, assignments.
    assert [values_of(one.attributes)["exception.message"] for one in exceptions] == wanted
    assert [one.status.message for _, one in found if one.name == "text"] == wanted
    assert [name for name in by_name if name not in {"whole", "presigned", "text"}] == [
        name for _, name in corpus.NAMES
    ]
    assert_clean(
        *(part.SerializeToString() for source, one in found for part in (source.resource, one))
    )


def test_what_is_secret_is_gone_in_logs(tmp_path: Path) -> None:
    records = [{"body": any_value(text), "traceId": f"{1:032x}"} for text, _ in corpus.TEXTS]
    nested = {"headers": {"authorization": "Basic secret-91", "host": "h"}, "n": 1}
    records += [{"body": any_value(nested)}]
    records += [{"body": any_value("x"), "attributes": sent(corpus.ATTRIBUTES)}]
    body = {
        "resourceLogs": [
            {
                "resource": {"attributes": sent(corpus.ATTRIBUTES)},
                "scopeLogs": [{"logRecords": records}],
            }
        ]
    }
    with http_sink() as loki:
        logs = LOGS.model_copy(update={"otlp_url": f"{loki.url}/otlp"})
        with gateway(arguments(logs=logs), tmp_path) as alloy:
            assert alloy.send("logs", body) == 200
            wait_for(lambda: bool(loki.requests))
    [request] = loki.requests
    assert_clean(request.body)
    [part] = ExportLogsServiceRequest.FromString(request.body).resource_logs
    *lines, structured, last = part.scope_logs[0].log_records
    assert [plain(one.body) for one in lines] == [text for _, text in corpus.TEXTS]
    assert json.loads(plain(structured.body)) == {
        "headers": {"authorization": "REDACTED", "host": "h"},
        "n": 1,
    }
    assert_arrived(last.attributes, corpus.ATTRIBUTES)


def test_what_is_secret_is_gone_in_metrics(tmp_path: Path) -> None:
    point: dict[str, Any] = {
        "asDouble": 7,
        "attributes": [*sent(corpus.ATTRIBUTES), *attributes({"http.route": "/orders/17"})],
    }
    body = {
        "resourceMetrics": [
            {
                "resource": {"attributes": sent(corpus.ATTRIBUTES)},
                "scopeMetrics": [
                    {"metrics": [{"name": "stock", "gauge": {"dataPoints": [point]}}]}
                ],
            }
        ]
    }
    with http_sink() as mimir:
        metrics = METRICS.model_copy(update={"remote_write_url": f"{mimir.url}/api/v1/push"})

        with gateway(arguments(metrics=metrics), tmp_path) as alloy:
            # Remote write skips what is older than its own start.
            point["timeUnixNano"] = str(time.time_ns())
            assert alloy.send("metrics", body) == 200
            wait_for(lambda: any(one["__name__"] == "stock" for one in mimir.series()))
    assert_clean(*(request.body for request in mimir.requests))
    [stock] = [one for one in mimir.series() if one["__name__"] == "stock"]
    assert stock["http_route"] == "/orders/{id}"
    assert stock["db_password"] == "REDACTED"
    assert stock["gen_ai_usage_input_tokens"] == "17"


def test_rules_of_the_stack_file_drop_limit_and_rename(tmp_path: Path) -> None:
    its = settings(
        drop=[
            {"service": "load-*"},
            {"namespace": "sandbox"},
            {"route": "/internal/*"},
            {"service": "shop", "spanName": "poll *"},
        ],
        limits={"valueBytes": 64, "attributes": 64},
        routes={"templates": ["/shops/{shop}/cart"]},
    )
    paths = {
        "route": {"http.route": "/internal/jobs"},
        "target": {"http.target": "/internal/jobs?x=/shop"},
        "url": {"url.full": "http://shop:8080/internal/a/b"},
    }
    kept = {
        "other path": {"url.path": "/internal"},
        "in a query": {"http.target": "/shop?next=/internal/jobs"},
        "poll": {},
    }
    big = span(
        "GET /shops/berlin/cart",
        attributes=attributes(
            {"text": "ä" * 64, **{f"a{n}": "x" for n in range(80)}, "http.route": "/a/17"}
        ),
    )

    def of(service: str, *spans: Mapping[str, Any], **more: str) -> dict[str, Any]:
        named = attributes({"service.name": service, **more})
        part = {"resource": {"attributes": named}, "scopeSpans": [{"spans": spans}]}
        return {"resourceSpans": [part]}

    found = through(
        tmp_path,
        its,
        of("load-generator", span("load")),
        of("cart", span("sandbox"), **{"k8s.namespace.name": "sandbox"}),
        of("cart", span("poll queue")),
        of("shop", span("poll queue 2"), big),
        traces(*(span(n, attributes=attributes(a)) for n, a in {**paths, **kept}.items())),
    )

    *_, cut = sorted((one for _, one in found), key=lambda one: len(one.attributes))
    assert sorted(one.name for _, one in found) == sorted(
        [*kept, "poll queue", "GET /shops/{shop}/cart"]
    )
    assert len(cut.attributes) == 64
    assert values_of(cut.attributes)["text"] == "ä" * 32
    assert values_of(cut.attributes)["http.route"] == "/a/{id}"


def test_only_what_is_allowed_stays_with_an_allow_list(tmp_path: Path) -> None:
    its = settings(
        redaction={
            "allowed": ["url.path", "shop.*"],
            "attributes": [{"name": "shop.customer", "action": "hash"}, {"name": "shop.mail"}],
            "patterns": [{"name": "employee", "pattern": "EMP-[0-9]{6}"}],
            "kept": ["shop.page.token"],
            "rules": {"cardNumbers": True},
            "hashKey": {"secret": "redaction"},
        }
    )
    one = {
        "url.path": "/a",
        "url.query": "b=1",
        "http.route": "/a",
        "shop.customer": "bob",
        "shop.mail": 'bob"@example.com',
        "shop.page.token": "p-2",
        "shop.token": "t-3",
        "shop.note": "by EMP-123456",
        "shop.card": "pay 4111 1111 1111 1111 now",
        "shop.order": "9912345678901234",
        "shopping": "no",
    }
    resource = attributes({"k8s.node.name": "n1", "host.name": "h", "process.pid": 7})
    request = traces(
        span(
            "one",
            attributes=attributes(one),
            events=[{"name": "e", "attributes": attributes({"shop.n": 1, "x": 2})}],
        ),
        resource=resource,
    )
    with trace_sink() as sink:
        args = arguments(settings=its, tempo_endpoint=sink.endpoint, trust_unidentified=True)
        with gateway(args, tmp_path, REDACTION_HASH_KEY="k3y") as alloy:
            assert alloy.send("traces", request) == 200
            wait_for(lambda: bool(sink.requests))
        [(source, found)] = arrived(sink.requests)

    assert values_of(found.attributes) == {
        "url.path": "/a",
        "http.route": "/a",
        "shop.customer": f"sha256:{sha256(b'k3ybob').hexdigest()}",
        "shop.mail": "REDACTED",
        "shop.page.token": "p-2",
        "shop.token": "REDACTED",
        "shop.note": "by REDACTED:employee",
        "shop.card": "pay REDACTED now",
        "shop.order": "9912345678901234",
    }
    assert values_of(found.events[0].attributes) == {"shop.n": 1}
    its_resource = values_of(source.resource.attributes)
    assert its_resource["k8s.node.name"] == "n1"
    assert not {"host.name", "process.pid"} & set(its_resource)


def test_a_root_span_leaves_a_line_that_leads_to_its_trace(tmp_path: Path) -> None:
    child = {**span("child", 1), "parentSpanId": f"{1:016x}", "traceId": f"{1:032x}"}
    with trace_sink() as tempo, http_sink() as loki:
        args = arguments(
            settings=settings(spanLogs=True),
            logs=LOGS.model_copy(update={"otlp_url": f"{loki.url}/otlp"}),
            tempo_endpoint=tempo.endpoint,
            trust_unidentified=True,
        )
        route = attributes({"http.route": "/a/17", "http.response.status_code": 200})
        with gateway(args, tmp_path) as alloy:
            resource = attributes({"k8s.namespace.name": "shop"})
            request = traces(span("GET /a/17", attributes=route), child, resource=resource)
            for each in (request, traces({**child, "traceId": f"{9:032x}"})):
                assert alloy.send("traces", each) == 200
            wait_for(lambda: bool(loki.requests) and len(tempo.spans) == 3)
    [(its, record)] = log_records(loki.requests)
    assert record.trace_id.hex() == f"{1:032x}"
    assert record.time_unix_nano > 1.7e18
    body = plain(record.body)
    for text in ('span="GET /a/{id}"', "dur=100000000ns", "http.route=/a/{id}", "svc=shop"):
        assert text in body
    assert its["service.name"] == its["service.namespace"] == its["k8s.namespace.name"] == "shop"
    assert its["k8s.cluster.name"] == "dev-1"


def test_hostile_settings_of_every_kind_stay_in_their_strings(tmp_path: Path) -> None:
    """`alloy validate` doesn't read the statements: only a start does."""
    with trace_sink() as tempo, http_sink() as loki, http_sink() as mimir:
        args = arguments(
            settings=CLEANED,
            logs=LOGS.model_copy(update={"otlp_url": f"{loki.url}/otlp"}),
            metrics=METRICS.model_copy(update={"remote_write_url": f"{mimir.url}/push"}),
            tempo_endpoint=tempo.endpoint,
            trust_unidentified=True,
        )
        named = [span('poll\\ a") or true', 1), span("kept", 2), span(LAST, 3)]
        note = attributes({"url.note": """EMP-123456"", user EMP-654321'"""})
        named[1]["attributes"] = note
        with gateway(args, tmp_path, REDACTION_HASH_KEY="k") as alloy:
            assert alloy.send("traces", traces(*named)) == 200
            wait_for(lambda: any(one.name == LAST for one in tempo.spans))
    found = {one.name: one for _, one in arrived(tempo.requests)}
    assert sorted(found) == ["kept", LAST]
    [text] = values_of(found["kept"].attributes).values()
    assert text == 'REDACTED:own", user REDACTED:own'


def test_without_redaction_all_stays(tmp_path: Path) -> None:
    its = settings(redaction={"enabled": False}, routes={"ids": False})
    sent_ones = [*corpus.ATTRIBUTES, *corpus.SPAN_ATTRIBUTES]
    [(_, found)] = through(tmp_path, its, traces(span("GET /a/17", attributes=sent(sent_ones))))

    assert found.name == "GET /a/17"
    assert values_of(found.attributes) == {case.key: case.sent for case in sent_ones}
