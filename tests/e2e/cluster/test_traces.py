"""A trace of OpenTelemetry's SDK, and everything that the stack makes of it."""

import secrets
import time

import pytest

from components.telemetry.metrics import Label, ServiceGraphMetric, SpanMetric
from plan.rehearse.programs import wait_for
from tests.e2e.cluster import kit
from tests.e2e.cluster.cluster import Json
from tests.e2e.cluster.senders import Run, finished, start
from tests.e2e.cluster.stack import Stack
from tests.tempo.running import s3_client

#: Seconds until Tempo must find a span: batches of Alloy and Tempo, and a search of the ingesters.
_FOUND = 60
#: Seconds until a series must be in Prometheus: the first ones of a tenant take half a minute.
_MEASURED = 120


@pytest.fixture(scope="module", params=["grpc", "http"])
def sent(request: pytest.FixtureRequest, stack: Stack) -> Run:
    """Send spans from a pod by one of the protocols."""
    run = start(stack, "sdk", per_second=2, seconds=5, protocol=request.param)
    [told] = finished(stack, run, 120)
    assert told["accepted"] == told["sent"], f"Alloy did not acknowledge all spans: {told}"
    return run


def _attributes(trace: Json) -> dict[str, str]:
    [batch] = trace["batches"]
    return {a["key"]: a["value"].get("stringValue", "") for a in batch["resource"]["attributes"]}


def test_a_trace_is_found_by_its_id_with_its_attributes(stack: Stack, sent: Run) -> None:
    with stack.tempo() as tempo:
        trace = wait_for("trace", lambda: tempo.get(f"/api/traces/{sent.trace_id(0, 1)}"), _FOUND)
    found = _attributes(trace)
    expected = {
        "service.name": sent.service,
        "k8s.namespace.name": kit.SHOP,
        "k8s.pod.name": sent.pod_name(0),
        "k8s.cluster.name": stack.settings.cluster.name,
        "deployment.environment.name": stack.settings.environment.name,
    }
    assert found | expected == found


def test_a_trace_is_found_by_a_search(stack: Stack, sent: Run) -> None:
    pod, name = sent.pod_name(0), sent.service
    query = f'{{ resource.service.name = "{name}" && resource.k8s.pod.name = "{pod}" }}'
    with stack.tempo() as tempo:
        wait_for("result of the search", lambda: tempo.search(query), _FOUND)


def test_spans_become_metrics(shop: Stack) -> None:
    with shop.prometheus() as prometheus:
        expr = f'{SpanMetric.CALLS}{{{Label.SERVICE}="checkout", {Label.NAMESPACE}="shop"}}'
        [series, *_] = wait_for("span metrics", lambda: prometheus.query(expr), _MEASURED)
    labels = series["metric"]
    assert labels["cluster"] == shop.settings.cluster.name
    assert "instance" not in labels, "each new pod would add series"


def test_services_become_a_graph(shop: Stack) -> None:
    with shop.prometheus() as prometheus:
        for client, server in (("front", "checkout"), ("checkout", "orders-db")):
            edge = f'{Label.CLIENT}="{client}", {Label.SERVER}="{server}"'
            expr = f"{ServiceGraphMetric.REQUESTS}{{{edge}}}"
            wait_for(f"edge {client} to {server}", lambda e=expr: prometheus.query(e), _MEASURED)


def test_an_exemplar_leads_to_its_trace(shop: Stack) -> None:
    with shop.prometheus() as prometheus, shop.tempo() as tempo:

        def exemplars() -> list[Json]:
            now = time.time()
            name = SpanMetric.LATENCY_BUCKET
            span = {"start": now - 600, "end": now}
            answer: Json = prometheus.get("/api/v1/query_exemplars", query=name, **span) or {}
            series: list[Json] = answer.get("data") or []
            return [one for its in series for one in its["exemplars"]]

        found = wait_for("exemplar", exemplars, _MEASURED)
        trace_id = found[-1]["labels"]["traceID"]
        wait_for("trace of the exemplar", lambda: tempo.get(f"/api/traces/{trace_id}"), _FOUND)


def test_a_log_record_arrives_with_trace_and_pod(ours: Stack) -> None:
    text, trace_id = f"line {secrets.token_hex(8)}", secrets.token_hex(16)
    url = ours.outputs["otlpHttpEndpoint"]
    status = ours.tools(kit.SHOP, "log", url, trace_id, text)
    assert status == 200, "Alloy refused the record"
    with ours.sink() as sink:
        wait_for("record", lambda: sink.get("/seen", text=text)["seen"], 60)
        assert sink.get("/seen?text=e2e-log&text=" + kit.SHOP)["seen"], "without its namespace"


def test_a_block_reaches_the_bucket(ours: Stack) -> None:
    if ours.settings.tempo.uses_kafka:
        pytest.skip("nothing flushes a block builder, which takes more than ten minutes")
    before = _blocks(ours)
    run = start(ours, "block", per_second=5, seconds=2)
    finished(ours, run, 120)
    query = f'{{ resource.service.name = "{run.service}" }}'
    with ours.tempo() as tempo:
        wait_for("span before the flush", lambda: tempo.search(query), _FOUND)
        tempo.get("/flush")
        wait_for("new block in the bucket", lambda: _blocks(ours) - before, 90)


def _blocks(stack: Stack) -> set[str]:
    found = (
        s3_client("http://localhost:5566")
        .list_objects_v2(Bucket=stack.settings.bucket)
        .get("Contents", [])
    )
    return {o["Key"] for o in found if o["Key"].endswith("/meta.json")}
