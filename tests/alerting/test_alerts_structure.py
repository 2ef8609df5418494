"""What holds for every alert, whatever is installed; without promtool."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import promql_parser
from hypothesis import given
from hypothesis import strategies as st

from components.alerting.alert import ROLLOUT_MINUTES, kebab
from components.alerting.rules import alert_groups
from components.alloy.sampling.settings import SamplingMode
from components.core.names import OTLP_RETRY_MINUTES
from components.grafana.links import Uid
from components.settings import TracingSettings
from components.telemetry import metrics as signals
from components.telemetry.context import StackContext, stack_context
from components.tempo.settings import TempoMode, TempoSettings
from components.tempo.sizes import limits
from tests.alerting.cases import context
from tests.golden import GOLDEN
from tests.sweep import sweep

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
EMITTED = {
    str(name)
    for group in (
        signals.SpanMetric,
        signals.TempoMetric,
        signals.Tempo3Metric,
        signals.TempoKafkaMetric,
        signals.CanaryMetric,
        signals.AlloyMetric,
        signals.BeylaMetric,
        signals.RemoteWriteMetric,
        signals.ClusterMetric,
    )
    for name in group
}
#: Native histograms have one series, without an ending.
NATIVE = {name.removesuffix("_count") for name in EMITTED if name.endswith("_count")}
KNOWN_LABELS = signals.SCRAPED_LABELS

contexts = st.builds(
    context,
    mode=st.sampled_from(TempoMode),
    version=st.sampled_from([2, 3]),
    beyla_namespace=st.none() | st.just("tracing-beyla"),
    generator=st.booleans(),
    canary_seconds=st.sampled_from([0, 60, 3600]),
    metrics_uid=st.none() | st.just("metrics"),
    logs_uid=st.none() | st.just("logs"),
    series_labels=st.dictionaries(st.just("cluster"), st.text(max_size=5), min_size=1),
)


def rules(of: StackContext) -> list[dict[str, Any]]:
    return [rule for group in alert_groups(of) for rule in group["rules"]]


def names(of: StackContext) -> set[str]:
    return {rule["alert"] for rule in rules(of)}


def selectors(node: Any) -> Iterator[Any]:
    """Yield every selector of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for below in ("lhs", "rhs", "expr", "vs", "vector_selector"):
        if (inner := getattr(node, below, None)) is not None:
            yield from selectors(inner)
    for argument in getattr(node, "args", None) or ():
        yield from selectors(argument)


def found(rule: dict[str, Any]) -> list[Any]:
    return list(selectors(promql_parser.parse(rule["expr"])))


OF_KAFKA = {
    name: rule
    for rule in rules(context(TempoMode.DISTRIBUTED, version=3))
    if (name := rule["alert"]).startswith("TempoKafka")
}
ALL = {
    **{r["alert"]: r for mode in TempoMode for r in rules(context(mode))},
    **OF_KAFKA,
}
each_alert = sweep("rule", ALL.values(), ids=ALL)


@given(of=contexts)
def test_every_expression_selects_emitted_series_by_known_labels(of: StackContext) -> None:
    for rule in rules(of):
        its = found(rule)
        assert its
        for selector in its:
            assert selector.name in EMITTED | NATIVE
            matchers = {m.name: m.value for m in selector.matchers.matchers}
            assert set(matchers) <= KNOWN_LABELS | set(of.series_labels)
            assert matchers["namespace"] in {of.namespace, of.beyla_namespace}
            assert of.series_labels.items() <= matchers.items()


@each_alert
def test_labels_that_it_keeps_are_known(rule: dict[str, Any]) -> None:
    kept = re.findall(r"by \(([^)]*)\)", rule["expr"])

    assert {label.strip() for text in kept for label in text.split(",")} <= KNOWN_LABELS


@each_alert
def test_it_keeps_no_pod_apart_that_a_rollout_would_double(rule: dict[str, Any]) -> None:
    told = re.findall(r"\$labels\.(\w+)", "".join(rule["annotations"].values()))
    kept = set(re.findall(r"(?:sum|max|min|count) by \((\w+)\)", rule["expr"]))

    assert set(told) <= kept
    # Everything else is summed or counted over pods; here the pod is what it is about.
    assert ("pod" in kept) == (rule["alert"] == "BeylaDown")
    assert re.match(r"\(*(sum|count|max|min)\b", rule["expr"])


def test_only_loss_and_what_leads_to_it_pages_before_a_rollout_has_ended() -> None:
    fast = {n for n, r in ALL.items() if int(r["for"].removesuffix("m")) <= ROLLOUT_MINUTES}

    assert fast == {
        *("AlloyRefusesSpans", "AlloyLosesSpans", "AlloyLosesLogs", "TempoDiscardsSpans"),
        *("AlloyQueueFilling", "AlloyDown", "TempoDown", "TracingIngestionStopped"),
        *("AlloyConfigNotLoaded", "TempoSpanMetricsIncomplete"),
        *("AlloyQueueNearlyFull", "AlloyRestarts", "AlloyLosesQueue"),
        *("TempoStorageAccessDenied", "TempoStorageUnreachable", "TempoFlushFailing"),
        "TempoGeneratorStopped",
        *("SamplerDown", "SamplerDropsTraces", "SamplerDropsLargeTraces"),
        *("TempoKafkaRefusesSpans", "CanaryTracesMissing"),
    }


def test_a_runbook_is_linked_by_a_url_or_not_at_all() -> None:
    of = context(TempoMode.MONOLITHIC)

    assert not any("runbook_url" in r["annotations"] for r in rules(of))


def test_an_alert_leads_to_its_dashboard_where_there_is_one() -> None:
    def leads(**changed: Any) -> dict[str, str]:
        of = context(TempoMode.MONOLITHIC, **changed)
        return {r["alert"]: r["annotations"].get("dashboard_url", "") for r in rules(of)}

    found = leads(sampling=SamplingMode.ON, grafana_url="https://grafana.example.com/", org_id=2)
    assert found["SamplerDown"]
    found |= leads(grafana_url="https://grafana.example.com/", org_id=2)
    url = "https://grafana.example.com/d/{}?orgId=2"
    for name, target in found.items():
        about_alloy = name.startswith(("Alloy", "Beyla", "Tracing"))
        its = Uid.COLLECTORS if about_alloy else Uid.TEMPO
        assert target == url.format(Uid.SAMPLING if name.startswith("Sampler") else its)
    # Nobody knows Grafana's address, or Tempo and Alloy aren't scraped: no dashboard shows them.
    assert {*leads().values()} == {""}
    assert {*leads(grafana_url="https://g", scraped=False).values()} == {""}


@sweep("stack", ["dev", "staging", "prod"])
def test_spans_that_alloy_retries_still_become_metrics(stack: str) -> None:
    """Tempo's own slack of 30 s leaves them out silently (grafana/tempo#2507)."""
    values = (GOLDEN / stack / "values" / "tempo.yaml").read_text(encoding="utf-8")
    [minutes] = re.findall(r"metrics_ingestion_time_range_slack: (\d+)m$", values, re.MULTILINE)

    assert int(minutes) > OTLP_RETRY_MINUTES


def test_how_long_the_queue_lasts_is_said_in_minutes() -> None:
    said = {
        r["alert"]
        for r in rules(context(TempoMode.MONOLITHIC, queue_minutes=3.46))
        if "queue lasts 3.5 minutes" in r["annotations"]["description"]
    }

    assert said == {
        *("TracingIngestionStopped", "AlloyQueueFilling", "AlloyQueueNearlyFull", "TempoDown")
    }


def test_by_default_a_cluster_is_told_apart_by_its_label_or_by_having_none() -> None:
    of = context(TempoMode.MONOLITHIC)
    assert of.cluster_matchers == {"cluster": '=~"|dev-1"'}
    of = context(TempoMode.MONOLITHIC, series_labels={"region": 'a"b'})
    assert of.cluster_matchers == {"region": '="a\\"b"'}


@each_alert
def test_it_says_what_is_the_case_with_the_value(rule: dict[str, Any]) -> None:
    annotations = rule["annotations"]

    assert "$value" in annotations["description"]
    assert annotations["description"].endswith(".")
    assert not annotations["summary"].endswith(".")
    assert rule["labels"]["severity"] in {str(s) for s in signals.Severity}


def test_labels_of_the_settings_are_on_every_alert_and_leave_the_severity() -> None:
    of = context(TempoMode.MONOLITHIC, alert_labels={"team": "platform", "severity": "page"})

    for rule in rules(of):
        assert rule["labels"]["team"] == "platform"
        assert rule["labels"]["severity"] in {str(s) for s in signals.Severity}
        assert rule["labels"]["k8s_cluster_name"] == "dev-1"


def test_what_is_not_installed_has_no_alerts() -> None:
    whole = names(context(TempoMode.DISTRIBUTED))

    assert {n for n in whole if n.startswith("Beyla")} == whole - names(
        context(TempoMode.DISTRIBUTED, beyla_namespace=None)
    )
    assert {n for n in whole if n.startswith("Canary")} == whole - names(
        context(TempoMode.DISTRIBUTED, canary_seconds=0)
    )
    assert whole - names(context(TempoMode.DISTRIBUTED, logs_uid=None)) == {"AlloyLosesLogs"}
    assert whole - names(context(TempoMode.DISTRIBUTED, generator=False, metrics_uid=None)) == {
        *("TempoGeneratorStopped", "TempoSeriesLimitNear", "TempoSeriesDropped"),
        *("TempoMetricsNotWritten", "AlloyMetricsNotWritten", "TempoSpanMetricsIncomplete"),
    }
    samplers = {n for n in whole if n.startswith("Sampler")}
    assert whole - names(context(TempoMode.MONOLITHIC)) == {"TempoRingUnhealthy", *samplers}


def test_a_rehearsal_pages_nobody() -> None:
    of = context(TempoMode.MONOLITHIC, sampling=SamplingMode.REHEARSE)
    found = {r["alert"]: r["labels"]["severity"] for r in rules(of)}

    assert {v for name, v in found.items() if name.startswith("Sampler")} == {"warning"}


def test_alerts_on_alloy_read_the_samplers_too() -> None:
    for of in (
        context(TempoMode.MONOLITHIC, sampling=SamplingMode.REHEARSE),
        context(TempoMode.DISTRIBUTED),
    ):
        read = {r["alert"] for r in rules(of) if '=~"alloy|alloy-sampler"' in r["expr"]}
        alloy = {n for n in names(of) if n.startswith("Alloy")}
        # Samplers have alerts of their own for the first; they send no logs of others.
        assert alloy - read == {"AlloyDown"}
        for name in read:
            page = (RUNBOOKS / f"{kebab(name)}.md").read_text(encoding="utf-8")
            assert 'job="alloy"' not in page


def test_each_part_of_tempo_is_missed() -> None:
    [down] = [r for r in rules(context(TempoMode.DISTRIBUTED)) if r["alert"] == "TempoDown"]

    for part in ("distributor", "ingester", "querier", "query-frontend", "compactor"):
        assert f'"tracing/{part}"' in down["expr"]


def test_alerts_with_kafka_are_about_what_runs_there() -> None:
    of = context(TempoMode.DISTRIBUTED, version=3)
    before = names(context(TempoMode.DISTRIBUTED))
    assert names(of) - before == {*OF_KAFKA}
    assert before - names(of) == {"TempoFlushFailing"}
    by_name = {rule["alert"]: rule for rule in rules(of)}
    for part in ("live-store", "block-builder", "backend-scheduler", "backend-worker"):
        assert f'"tracing/{part}"' in by_name["TempoDown"]["expr"]
    assert "ingester" not in str(by_name)


def test_the_context_follows_the_settings() -> None:
    plain: dict[str, Any] = {
        "environment": {"name": "dev"},
        "cluster": {"name": "dev-1", "region": "eu-west-1", "account_id": "123456789012"},
        "tempo": {"traceql_metrics": False},
        "alerts": {"series_labels": {"cluster": "dev"}, "runbook_base_url": "https://git/x"},
    }
    of = stack_context(TracingSettings.model_validate(plain))

    assert of.cluster == "dev-1"
    assert of.beyla_namespace is None
    assert not of.generator
    assert of.metrics_uid is None
    urls = {r["annotations"]["runbook_url"] for r in rules(of)}
    assert "https://git/x/alloy-down.md" in urls


@each_alert
def test_it_has_a_runbook_that_begins_with_the_symptoms(rule: dict[str, Any]) -> None:
    text = (RUNBOOKS / f"{kebab(rule['alert'])}.md").read_text(encoding="utf-8")

    assert text.startswith(f"# {rule['alert']}\n\n## Symptoms\n\n")
    for heading in ("## Check", "## Causes", "## Fix"):
        assert text.count(f"\n{heading}\n") == 1
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert f"[{rule['alert']}]({kebab(rule['alert'])}.md)" in index
    [row] = [line for line in index.splitlines() if f"[{rule['alert']}]" in line]
    waits = "at once" if rule["for"] == "0m" else rule["for"]
    summary = re.sub(r": \{\{.*?\}\}", "", rule["annotations"]["summary"])
    assert f"| {rule['labels']['severity']} | {waits} | {summary} |" in row


def test_each_runbook_has_its_alert() -> None:
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}
    # The burn rates of SLOs have pages of their own.
    pages = {page for page in pages if not page.startswith("slo-")}

    assert pages == {kebab(name) for name in ALL}


@sweep("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda p: p.stem)
def test_queries_of_a_runbook_parse_and_read_emitted_series(page: Path) -> None:
    for query in re.findall(r"```promql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in filter(None, query.splitlines()):
            its = list(selectors(promql_parser.parse(line)))
            assert its
            assert {s.name for s in its} <= EMITTED


@sweep(("minutes", "window", "waits"), [(5, "1h", "60m"), (45, "90m", "90m"), (60, "2h", "120m")])
def test_a_block_is_missed_after_twice_its_time(minutes: int, window: str, waits: str) -> None:
    [rule] = [
        r
        for r in rules(context(TempoMode.MONOLITHIC, block_minutes=minutes))
        if r["alert"] == "TempoNotFlushing"
    ]

    assert rule["expr"].count(f"[{window}]") == 2
    assert rule["for"] == waits


def test_late_and_long_values_are_named_as_set() -> None:
    limits_ = replace(limits(TempoSettings()), max_attribute_bytes=9000)
    said = {
        r["alert"]: r["annotations"]["description"]
        for r in rules(context(TempoMode.MONOLITHIC, slack_minutes=90, limits=limits_))
    }

    assert "more than 90 minutes old" in said["TempoSpanMetricsIncomplete"]
    assert "to 9000 bytes" in said["TempoAttributesTruncated"]


def test_the_alert_on_the_ring_names_how_many_ingesters_may_be_missing() -> None:
    def said(spare: int) -> str:
        of = context(TempoMode.DISTRIBUTED, spare_ingesters=spare)
        [rule] = [r for r in rules(of) if r["alert"] == "TempoRingUnhealthy"]
        return rule["annotations"]["description"]

    assert "If two ingesters are missing, Tempo refuses spans" in said(1)
    assert "If one ingester is missing, Tempo refuses spans" in said(0)
