"""What the datasources mean, not how they are written."""

import re
from typing import Any, cast

import pytest

from components.backends.settings import (
    BackendSettings,
    LogsSettings,
    MetricsSettings,
    MetricsType,
    ProfilesSettings,
)
from components.checks import SettingsError
from components.checks.validate import parse_settings
from components.grafana import datasources
from components.grafana.settings import GrafanaSettings
from components.telemetry.context import stack_context
from components.telemetry.promql import logql
from components.tempo.settings import Histograms
from tests.network.stacks import stack

METRICS = MetricsSettings(
    url="http://mimir.mimir.svc/prometheus",
    remote_write_url="http://mimir.mimir.svc/api/v1/push",
    uid="duplo-metrics",
)
LOGS = LogsSettings(
    url="http://loki.loki.svc", otlp_url="http://loki.loki.svc/otlp", uid="duplo-logging"
)
PROFILES = ProfilesSettings(url="http://pyroscope.pyroscope.svc:4040", uid="duplo-profiling")
UID = "duplo-tracing"
ALL = BackendSettings(metrics=METRICS, logs=LOGS, profiles=PROFILES)
LINKS = {"tracesToLogsV2", "tracesToMetrics", "serviceMap", "tracesToProfiles"}

#: Labels that Tempo 2.10 was seen to write, with the dimensions that this stack sets.
SPAN_METRICS_LABELS = {
    *("service", "span_name", "span_kind", "status_code", "job", "source", "cluster", "le"),
    *("k8s_cluster_name", "k8s_namespace_name", "deployment_environment_name"),
    *("service_version", "http_route", "__metrics_gen_instance"),
}
SPAN_METRICS = {
    *("traces_spanmetrics_calls_total", "traces_spanmetrics_latency_bucket"),
    # A native histogram.
    "traces_spanmetrics_latency",
}


def tempo(backends: BackendSettings = ALL, tenant: str | None = None) -> dict[str, Any]:
    settings = GrafanaSettings(tempo_uid=UID)
    return datasources.tempo(settings, backends, url="http://tempo.tracing.svc:3200", tenant=tenant)


def json_data(datasource: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", datasource["jsonData"])


def with_tags(query: str) -> str:
    """Put a span's labels in, as Grafana does before it asks the backend."""
    labels = (f'{label}="x"' for label in METRICS.labels.values())
    return query.replace("$__tags", ", ".join(labels))


def test_tempo_is_at_its_url_under_the_fixed_uid() -> None:
    built = tempo()
    assert (built["uid"], built["type"]) == ("duplo-tracing", "tempo")
    assert built["url"] == "http://tempo.tracing.svc:3200"
    assert built["isDefault"] is False


def test_every_uid_of_the_advanced_observability_suite_can_be_kept() -> None:
    built = [
        tempo(),
        datasources.loki(LOGS, tempo_uid=UID, password=None),
        datasources.metrics(METRICS, tempo_uid=UID, password=None),
        datasources.pyroscope(PROFILES, password=None),
    ]
    assert [source["uid"] for source in built] == [
        "duplo-tracing",
        "duplo-logging",
        "duplo-metrics",
        "duplo-profiling",
    ]


def test_links_lead_to_the_configured_backends() -> None:
    data = json_data(tempo())
    assert {link: data[link]["datasourceUid"] for link in LINKS} == {
        "tracesToLogsV2": "duplo-logging",
        "tracesToMetrics": "duplo-metrics",
        "serviceMap": "duplo-metrics",
        "tracesToProfiles": "duplo-profiling",
    }


@pytest.mark.parametrize(
    ("backends", "links"),
    [
        (BackendSettings(), set[str]()),
        (BackendSettings(logs=LOGS), {"tracesToLogsV2"}),
        (BackendSettings(metrics=METRICS), {"tracesToMetrics", "serviceMap"}),
        (BackendSettings(profiles=PROFILES), {"tracesToProfiles"}),
    ],
)
def test_no_link_without_its_backend(backends: BackendSettings, links: set[str]) -> None:
    assert LINKS & json_data(tempo(backends)).keys() == links


QUERIES = [query for kind in Histograms for query in datasources.metrics_queries(kind).values()]


def test_grafana_reads_the_histograms_that_tempo_writes() -> None:
    def made(kind: Histograms) -> dict[str, Any]:
        url = "http://tempo.tracing.svc:3200"
        return json_data(
            datasources.tempo(GrafanaSettings(), ALL, url=url, tenant=None, histograms=kind)
        )

    assert "histogramType" not in made(Histograms.CLASSIC)["serviceMap"]
    assert made(Histograms.BOTH)["serviceMap"]["histogramType"] == "both"
    assert made(Histograms.NATIVE)["serviceMap"]["histogramType"] == "native"
    assert "_bucket" in str(made(Histograms.BOTH)["tracesToMetrics"])
    assert "_bucket" not in str(made(Histograms.NATIVE)["tracesToMetrics"])


def test_three_metrics_links_in_the_span_menu() -> None:
    queries = json_data(tempo())["tracesToMetrics"]["queries"]
    assert [query["name"] for query in queries] == ["Request rate", "Error rate", "p95 latency"]


@pytest.mark.parametrize("query", QUERIES)
def test_metrics_queries_name_series_and_labels_that_exist(query: str) -> None:
    asked = with_tags(query)
    assert set(re.findall(r"traces_\w+", asked)) <= SPAN_METRICS
    labels = re.findall(r"(\w+)\s*=~?\s*\"", asked) + re.findall(r"by \((\w+)\)", asked)
    assert len(labels) >= 4
    assert set(labels) <= SPAN_METRICS_LABELS
    assert "$" not in asked


@pytest.mark.parametrize("query", QUERIES)
def test_each_metrics_query_is_limited_to_the_span(query: str) -> None:
    assert query.count("$__tags") == query.count("{") > 0
    assert query.count("(") == query.count(")")


def test_the_error_rate_of_a_faultless_service_is_zero() -> None:
    query = datasources.metrics_queries(Histograms.CLASSIC)["Error rate"]
    failed, _, all_calls = query.rpartition(" / ")
    assert f"or 0 * {all_calls.removesuffix(' > 0)').removeprefix('(')}" in failed
    assert 'status_code="STATUS_CODE_ERROR"' in failed
    assert "status_code" not in all_calls


def test_logs_are_found_by_the_trace_id_in_structured_metadata() -> None:
    link = json_data(tempo())["tracesToLogsV2"]
    assert link["customQuery"] is True
    assert link["query"] == '{${__tags}} | trace_id="${__trace.traceId}"'
    assert {tag["key"]: tag["value"] for tag in link["tags"]} == {
        "service.name": "service_name",
        "k8s.namespace.name": "k8s_namespace_name",
    }
    assert (link["spanStartTimeShift"], link["spanEndTimeShift"]) == ("-5m", "5m")


def to_logs(labels: Any) -> dict[str, Any]:
    """Return the link to logs, and check that lines lead back by the same label."""
    logs = LogsSettings.model_validate({**LOGS.model_dump(), "labels": labels})
    link = json_data(tempo(BackendSettings(logs=logs)))["tracesToLogsV2"]
    fields = json_data(datasources.loki(logs, tempo_uid=UID, password=None))["derivedFields"]
    by_label = [f["matcherRegex"] for f in fields if f["matcherType"] == "label"]
    asked = re.fullmatch(r'\{\$\{__tags\}\} \| (\w+)="\$\{__trace\.traceId\}"', link["query"])
    assert [re.search(f, asked[1]) is not None for f in by_label if asked] == [True] * len(by_label)
    assert [f["matcherType"] for f in fields] == ["regex", "label"][: 2 if asked else 1]
    return link


def test_lines_of_pods_are_found_by_pod_and_hold_the_trace_id() -> None:
    link = to_logs("podLogs")
    assert {tag["key"]: tag["value"] for tag in link["tags"]} == {
        "k8s.namespace.name": "namespace",
        "k8s.pod.name": "pod",
        "k8s.container.name": "container",
    }
    assert link["query"] == '{${__tags}} |= "${__trace.traceId}"'


@pytest.mark.parametrize("label", ["trace_id", "traceID", "tid"])
def test_lines_are_found_by_the_labels_of_the_stack_file(label: str) -> None:
    link = to_logs({"tags": {"service.name": "app"}, "traceIdLabel": label})
    assert link["tags"] == [{"key": "service.name", "value": "app"}]
    assert link["query"] == f'{{${{__tags}}}} | {label}="${{__trace.traceId}}"'


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("pods", 'labels: "pods"\n    must be otlp, podLogs or a mapping'),
        ({"tags": {"k8s.pod.name": "pod"}}, "must contain service.name or k8s.namespace.name"),
    ],
)
def test_labels_that_lead_nowhere_are_refused(labels: Any, said: str) -> None:
    logs = {"otlpUrl": "http://l/otlp", "labels": labels}
    with pytest.raises(SettingsError) as refused:
        parse_settings({"backends": {"logs": logs}})
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("labels", "expr"),
    [
        ("otlp", '{service_name=~`${service:pipe}`, service_name!=""}'),
        ("podLogs", '{namespace=~`${namespace:pipe}`, namespace!=""}'),
    ],
)
def test_dashboards_find_lines_by_a_label_that_they_have(labels: str, expr: str) -> None:
    settings = stack(backends={"logs": {"otlpUrl": "http://l/otlp", "labels": labels}})
    assert logql(*stack_context(settings).logs_filter) == expr


def test_the_default_is_the_preset_otlp() -> None:
    assert to_logs("otlp") == json_data(tempo())["tracesToLogsV2"]


def test_span_metrics_are_found_by_the_labels_of_the_stack_file() -> None:
    renamed = METRICS.model_copy(update={"labels": {"service.name": "svc"}})
    link = json_data(tempo(BackendSettings(metrics=renamed)))["tracesToMetrics"]
    assert link["tags"] == [{"key": "service.name", "value": "svc"}]


def test_search_form_offers_cluster_namespace_service_and_span() -> None:
    filters = json_data(tempo())["search"]["filters"]
    assert [(f["scope"], f["tag"]) for f in filters] == [
        ("resource", "k8s.cluster.name"),
        ("resource", "k8s.namespace.name"),
        ("resource", "service.name"),
        ("span", "name"),
    ]
    assert len({f["id"] for f in filters}) == len(filters)


def test_results_stream_and_the_graph_is_shown() -> None:
    data = json_data(tempo())
    assert data["streamingEnabled"] == {"search": True, "metrics": True}
    assert data["nodeGraph"] == {"enabled": True}
    assert data["spanBar"] == {"type": "Duration"}


def test_grafana_reads_as_the_tenant() -> None:
    built = tempo(tenant="shop")
    assert json_data(built)["httpHeaderName1"] == "X-Scope-OrgID"
    assert built["secureJsonData"] == {"httpHeaderValue1": "shop"}
    assert "secureJsonData" not in tempo()
    assert "httpHeaderName1" not in json_data(tempo())


ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "line",
    [
        f'{{"level":"info","trace_id":"{ID}","msg":"paid"}}',
        f"level=info traceID={ID} msg=paid",
        f"paid TraceId: {ID}",
    ],
)
def test_a_trace_id_in_the_line_becomes_a_link(line: str) -> None:
    by_line, _ = derived_fields()
    assert by_line["matcherType"] == "regex"
    found = re.search(by_line["matcherRegex"], line)
    assert found
    assert found[1] == ID


@pytest.mark.parametrize(
    ("label", "matches"),
    [("trace_id", True), ("traceID", True), ("traceid", True), ("parent_trace_id", False)],
)
def test_the_label_of_otlp_logs_becomes_a_link(label: str, matches: bool) -> None:
    _, by_label = derived_fields()
    assert by_label["matcherType"] == "label"
    assert bool(re.search(by_label["matcherRegex"], label)) is matches


def derived_fields() -> list[dict[str, str]]:
    fields = json_data(datasources.loki(LOGS, tempo_uid="tempo", password=None))["derivedFields"]
    assert [(f["datasourceUid"], f["url"]) for f in fields] == [("tempo", "${__value.raw}")] * 2
    return fields


def test_exemplars_of_tempo_and_of_sdks_lead_to_traces() -> None:
    data = json_data(datasources.metrics(METRICS, tempo_uid="tempo", password=None))
    destinations = data["exemplarTraceIdDestinations"]
    assert [d["name"] for d in destinations] == ["traceID", "trace_id"]
    assert {d["datasourceUid"] for d in destinations} == {"tempo"}


@pytest.mark.parametrize(("kind", "name"), [("prometheus", "Prometheus"), ("mimir", "Mimir")])
def test_grafana_knows_the_kind_of_the_metrics_backend(kind: str, name: str) -> None:
    settings = METRICS.model_copy(update={"type": MetricsType(kind)})
    built = datasources.metrics(settings, tempo_uid="tempo", password=None)
    assert built["type"] == "prometheus"
    assert json_data(built)["prometheusType"] == name


def test_a_user_logs_in_with_the_password() -> None:
    logs = LOGS.model_copy(update={"username": "reader"})
    built = datasources.loki(logs, tempo_uid="tempo", password="hunter2")
    assert (built["basicAuth"], built["basicAuthUser"]) == (True, "reader")
    assert built["secureJsonData"] == {"basicAuthPassword": "hunter2"}
    assert "basicAuth" not in datasources.loki(LOGS, tempo_uid="tempo", password=None)
