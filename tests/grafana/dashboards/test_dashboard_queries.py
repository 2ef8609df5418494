"""PromQL in dashboards: it parses, and it asks for what the pipeline emits."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import promql_parser as promql

from components.grafana.dashboards.component import dashboards
from components.grafana.layout import as_json
from components.telemetry.metrics import (
    APDEX_SATISFIED,
    APDEX_TOLERATING,
    KeptMetric,
    ServiceGraphMetric,
    SpanMetric,
    TargetInfo,
    labels_of,
    latency_bound,
)
from tests.grafana.dashboards.cases import FULL, every_dashboard, panels, read, targets
from tests.grafana.dashboards.grafana_fills import CHOSEN, SINGLE, filled, variables
from tests.sweep import sweep

_RAW = re.compile(r"`([^`]*)`")
#: Series that two generators of a rollout write at once.
GENERATED = {*SpanMetric, *ServiceGraphMetric, *TargetInfo, *KeptMetric}


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    """Return all PromQL in a dashboard, of the service graph and of variables too."""
    for target in targets(dashboard):
        if "expr" in target and target["datasource"]["type"] == "prometheus":
            yield target["expr"]
        yield from (
            f"{ServiceGraphMetric.REQUESTS}{selector}"
            for selector in target.get("serviceMapQuery", [])
        )
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"].removeprefix("label_values(").rpartition(",")[0]


def parsed(expr: str, chosen: list[str] | str = ".*") -> Any:
    values = dict.fromkeys(variables(expr), chosen) | SINGLE
    text = filled(expr, values, backslash=r"\\")
    # This parser knows no backslash in backticks, where Prometheus takes it as it is.
    return promql.parse(_RAW.sub(lambda m: '"' + m[1].replace("\\", r"\\") + '"', text))


def visit(expr: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Return each node of an expression with the nodes around it."""
    found: list[tuple[Any, tuple[Any, ...]]] = []
    around: list[Any] = []

    def enter(node: Any) -> None:
        found.append((node, tuple(around)))
        around.append(node)

    def leave(_: Any) -> None:
        around.pop()

    promql.walk(expr, enter, leave)
    return iter(found)


def selectors(expr: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    for node, around in visit(expr):
        if isinstance(node, promql.VectorSelector):
            yield node, around


@every_dashboard
def test_there_is_something_to_test(dashboard: dict[str, Any]) -> None:
    assert list(expressions(dashboard))


@every_dashboard
@sweep("chosen", CHOSEN.values(), ids=CHOSEN)
def test_each_expression_parses_whatever_is_chosen(
    dashboard: dict[str, Any], chosen: list[str] | str
) -> None:
    for expr in expressions(dashboard):
        parsed(expr, chosen)


@every_dashboard
def test_series_and_labels_are_those_that_are_emitted(dashboard: dict[str, Any]) -> None:
    for expr in expressions(dashboard):
        for selector, _ in selectors(parsed(expr)):
            asked = {matcher.name for matcher in selector.matchers.matchers}
            assert asked <= {str(one) for one in labels_of(selector.name)}, expr


@every_dashboard
def test_sums_keep_labels_that_are_there(dashboard: dict[str, Any]) -> None:
    for expr in expressions(dashboard):
        tree = parsed(expr)
        for node, _ in visit(tree):
            if isinstance(node, promql.AggregateExpr) and node.modifier:
                if node.modifier.type == promql.AggModifierType.Without:
                    continue
                inside = [labels_of(one.name) for one, _ in selectors(node)]
                emitted = {str(label) for labels in inside for label in labels}
                assert set(node.modifier.labels) <= emitted, expr


@every_dashboard
def test_two_generators_never_count_twice(dashboard: dict[str, Any]) -> None:
    for target in targets(dashboard):
        for selector, around in selectors(parsed(target["expr"])) if "expr" in target else ():
            if selector.name in GENERATED:
                sums = [one for one in around if isinstance(one, promql.AggregateExpr)]
                assert sums, target["expr"]
                without = promql.AggModifierType.Without
                assert all(not s.modifier or s.modifier.type != without for s in sums)


@every_dashboard
def test_span_metrics_are_those_of_tempo_alone(dashboard: dict[str, Any]) -> None:
    for expr in expressions(dashboard):
        for selector, _ in selectors(parsed(expr)):
            if selector.name in GENERATED:
                matchers = {m.name: m.value for m in selector.matchers.matchers}
                assert matchers["source"] == "tempo", expr


@every_dashboard
def test_graphs_follow_the_scrape_interval_and_values_the_range(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            wrong = "$__range" if target.get("range") else "$__rate_interval"
            # A ranking looks at the whole range once, from its end.
            asked = target.get("expr", "").replace("[$__range] @ end()", "")
            assert wrong not in asked, panel["title"]


@every_dashboard
def test_exemplars_are_asked_of_buckets_alone(dashboard: dict[str, Any]) -> None:
    for target in targets(dashboard):
        if target.get("exemplar"):
            names = [s.name for s, _ in selectors(parsed(target["expr"]))]
            assert {*names} in ({SpanMetric.LATENCY_BUCKET}, {KeptMetric.LATENCY_BUCKET})


def test_exemplars_are_those_of_kept_traces_where_samplers_decide() -> None:
    for name, bucket in (("monolithic", SpanMetric), ("sampled", KeptMetric)):
        asked = [
            target["expr"]
            for (context, _), dashboard in read().items()
            if context == name
            for target in targets(dashboard)
            if target.get("exemplar")
        ]
        assert len(asked) > 3
        assert all(f"{bucket.LATENCY_BUCKET}{{" in expr for expr in asked)


@every_dashboard
def test_buckets_are_those_that_the_checks_require(dashboard: dict[str, Any]) -> None:
    required = {latency_bound(bound) for bound in (APDEX_SATISFIED, APDEX_TOLERATING)}
    for expr in expressions(dashboard):
        for selector, _ in selectors(parsed(expr)):
            if selector.name == SpanMetric.LATENCY_BUCKET:
                asked = {m.value for m in selector.matchers.matchers if m.name == "le"}
                assert asked <= required, expr


def test_descriptions_name_the_largest_bucket() -> None:
    context = replace(FULL, longest_bucket=10.0)
    found = "".join(as_json(one) for one in dashboards(context))
    assert "Durations above 10 s show as 10 s." in found
    assert "4.1 s" not in found


def test_native_histograms_are_read_without_buckets() -> None:
    made = [json.loads(as_json(one)) for one in dashboards(replace(FULL, native=True))]
    found = [expr for dashboard in made for expr in expressions(dashboard)]
    classic = [str(m) for m in (*SpanMetric, *ServiceGraphMetric) if m.endswith("_bucket")]
    names = {s.name for expr in found for s, _ in selectors(parsed(expr))}
    assert not names & {*classic, SpanMetric.LATENCY_SUM, SpanMetric.LATENCY_COUNT}
    assert {SpanMetric.LATENCY, ServiceGraphMetric.SERVER, ServiceGraphMetric.CLIENT} <= names
