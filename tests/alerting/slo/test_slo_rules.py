"""The rule groups of SLOs: what any settings lead to."""

import re
from typing import Any

import promql_parser
import pytest
from cases import built, slo
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.alerting.delivery import MAX_RULES, RuleGroup, rule_files
from components.alerting.slo.rules import RESERVED_LABELS
from components.alerting.slo.settings import SloDefaultsSettings, SloSettings
from components.checks import problems
from components.core.units import MAX_OBJECT_BYTES
from components.settings import TracingSettings
from components.telemetry.metrics import LATENCY_BUCKETS, SloMetric

EXPRESSIONS = st.sampled_from(["rate(jobs_total[window])", 'rate({job=~"a|b"}[window]) * 2'])
SPANS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"service": st.text(min_size=1, max_size=20), "namespace": st.just("shop")},
    optional={"operation": st.text(min_size=1, max_size=20), "cluster": st.just("c")},
)
KINDS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    SPANS.map(lambda span: {"availability": span}),
    st.tuples(SPANS, st.sampled_from(LATENCY_BUCKETS)).map(
        lambda both: {"latency": {**both[0], "thresholdSeconds": both[1]}}
    ),
    EXPRESSIONS.map(lambda text: {"ratio": {"total": text, "good": text}}),
    EXPRESSIONS.map(lambda text: {"ratio": {"total": text, "bad": text}}),
)
REQUIRED: dict[str, st.SearchStrategy[Any]] = {
    "name": st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True),
    "owner": st.text(min_size=1, max_size=10),
    "objective": st.floats(0.001, 99.999),
}
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "windowDays": st.integers(7, 32),
    "leastFailures": st.integers(0, 100),
    "description": st.text(max_size=20),
    "labels": st.dictionaries(st.sampled_from(["tier", "team_x"]), st.text(max_size=5)),
}


@st.composite
def slos(draw: st.DrawFn) -> SloSettings:
    """Draw an SLO that is valid."""
    common = draw(st.fixed_dictionaries(REQUIRED, optional=OPTIONAL))
    return SloSettings.model_validate({**common, **draw(KINDS)})


def whole(*slos: SloSettings, **more: Any) -> TracingSettings:
    metrics = {"url": "http://m.m.svc", "remoteWriteUrl": "http://m.m.svc"}
    return TracingSettings.model_validate(
        {
            "environment": {"name": "dev"},
            "cluster": {
                "name": "test",
                "region": "eu-west-1",
                "accountId": "123456789012",
                "kubeContext": "test",
            },
            "backends": {"metrics": metrics},
            "slos": list(slos),
            **more,
        }
    )


def messages(*slos: SloSettings, **more: Any) -> dict[str, str]:
    return {p.key: p.message for p in problems(whole(*slos, **more))}


def expressions(groups: list[RuleGroup]) -> list[str]:
    return [rule["expr"] for group in groups for rule in group["rules"]]


@given(slos(), st.booleans())
def test_whatever_is_valid_becomes_rules_that_parse(its: SloSettings, defaults: bool) -> None:
    assert not messages(its)
    groups = built(its, defaults=SloDefaultsSettings(enabled=defaults))
    for expr in expressions(groups):
        promql_parser.parse(expr)
    names = [group["name"] for group in groups]
    assert len(names) == len(set(names))
    for group in groups:
        assert 0 < len(group["rules"]) <= MAX_RULES


@given(slos())
def test_what_a_rule_reads_of_slos_another_rule_records(its: SloSettings) -> None:
    groups = built(its)
    recorded = {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}
    assert recorded == {str(metric) for metric in SloMetric}
    for expr in expressions(groups):
        assert set(re.findall(r"\bslo:\w+:\w+\b(?=\{cluster)", expr)) <= recorded


def test_without_slos_there_are_no_rules() -> None:
    assert built() == []


@pytest.mark.parametrize(
    ("objective", "alerts"),
    [
        (99.9, ["SloBudgetBurnsFast", "SloBudgetBurnsSlowly", "SloNoData"]),
        (90, ["SloBudgetBurnsFast", "SloBudgetBurnsSlowly", "SloNoData"]),
        # 5.6 times half of all events are more than there are.
        (50, ["SloBudgetBurnsSlowly", "SloNoData"]),
    ],
)
def test_an_alert_that_no_outage_could_reach_is_left_out(
    objective: float, alerts: list[str]
) -> None:
    rules = built(slo(objective=objective))[0]["rules"]
    assert [rule["alert"] for rule in rules if "alert" in rule] == alerts


def test_names_are_taken_once() -> None:
    found = messages(slo("a"), slo("b"), slo("a"))
    assert found == dict.fromkeys(
        ["slos[0].name", "slos[2].name"], "is the name of another SLO: choose another"
    )


def test_an_objective_has_just_one_kind() -> None:
    span = {"service": "s", "namespace": "n"}
    two = slo(availability=span, latency={**span, "thresholdSeconds": 0.512})
    none = SloSettings(name="none", owner="o", objective=99)
    found = messages(two, none)
    assert found["slos[0]"].startswith("has availability and latency: keep one")
    assert found["slos[1]"].startswith("needs one of availability, latency, ratio")


@pytest.mark.parametrize(
    ("seconds", "nearest"),
    [(0.5, "0.256 or 0.512"), (0.001, "0.002"), (1, "0.512 or 1.02"), (60, "4.1")],
)
def test_a_threshold_between_buckets_is_refused_with_the_nearest(
    seconds: float, nearest: str
) -> None:
    latency = {"service": "s", "namespace": "n", "thresholdSeconds": seconds}
    message = messages(slo(latency=latency))["slos[0].latency.thresholdSeconds"]
    assert f"take {nearest} (all buckets: 0.002, " in message
    assert message.endswith(f"or add {seconds:g} to tempo.spanMetrics.buckets")
    defaults = {"latencyThresholdSeconds": seconds}
    assert "sloDefaults.latencyThresholdSeconds" in messages(sloDefaults=defaults)


def test_a_threshold_of_ten_seconds_needs_its_bucket() -> None:
    its = slo(latency={"service": "s", "namespace": "n", "thresholdSeconds": 10})
    defaults = {"enabled": True, "latencyThresholdSeconds": 10}
    buckets = {"spanMetrics": {"buckets": [*LATENCY_BUCKETS, 10]}}

    assert set(messages(its, sloDefaults=defaults)) == {
        "slos[0].latency.thresholdSeconds",
        "sloDefaults.latencyThresholdSeconds",
    }
    assert messages(its, sloDefaults=defaults, tempo=buckets) == {}
    read = "".join(expressions(built(its, defaults=SloDefaultsSettings.model_validate(defaults))))
    assert set(re.findall(r'le="([^"]*)"', read)) == {"10"}


def test_native_histograms_take_any_threshold_and_have_no_buckets() -> None:
    native = {"spanMetrics": {"histograms": "native"}}
    its = slo(latency={"service": "s", "namespace": "n", "thresholdSeconds": 0.3})
    defaults = {"enabled": True, "latencyThresholdSeconds": 7}
    assert messages(its, tempo=native, sloDefaults=defaults) == {}
    found = expressions(built(its, defaults=SloDefaultsSettings(enabled=True), native=True))
    for expr in found:
        promql_parser.parse(expr)
    assert "histogram_fraction(0, 0.3, sum(rate(traces_spanmetrics_latency{" in " ".join(found)
    assert not [expr for expr in found if re.search(r"latency_(bucket|count)|le=", expr)]
    buckets = {"spanMetrics": {"histograms": "native", "buckets": [1]}}
    assert set(messages(its, tempo=buckets)) == {"tempo.spanMetrics.buckets"}


def test_a_threshold_follows_a_bucket_that_is_removed() -> None:
    tempo = {"spanMetrics": {"buckets": [0.512, 2.05, 10]}}
    latency = {"service": "s", "namespace": "n", "thresholdSeconds": 4.1}
    message = messages(slo(latency=latency), tempo=tempo)["slos[0].latency.thresholdSeconds"]
    assert "take 2.05 or 10 (all buckets: 0.512, 2.05, 10)" in message
    # The default of 1.02 s counts only if it is in use.
    assert messages(tempo=tempo) == {}
    found = messages(tempo=tempo, sloDefaults={"enabled": True})
    assert set(found) == {"sloDefaults.latencyThresholdSeconds"}


def test_buckets_keep_those_of_apdex_while_there_are_dashboards() -> None:
    tempo = {"spanMetrics": {"buckets": [0.5, 2.05]}}
    message = messages(tempo=tempo)["tempo.spanMetrics.buckets"]
    assert message.startswith("must contain 0.512 and 2.05")
    assert "add 0.512, or set grafana.dashboards: false" in message
    assert messages(tempo=tempo, grafana={"dashboards": False}) == {}


def test_span_metrics_need_a_metrics_backend() -> None:
    found = messages(slo(), backends={}, sloDefaults={"enabled": True})
    assert found["slos[0]"] == "needs span metrics: set backends.metrics"
    assert found["sloDefaults.enabled"] == "needs span metrics: set backends.metrics"


@pytest.mark.parametrize(
    ("ratio", "key", "message"),
    [
        ({"total": "rate(a[window])"}, "", "needs either good or bad"),
        ({"total": "a[window]", "bad": "b[window]", "good": "c[window]"}, "", "needs either"),
        ({"total": "rate(a[5m])", "bad": "rate(b[window])"}, ".total", "must contain [window]"),
        ({"total": "rate(a[window])", "bad": "rate(b[window]"}, ".bad", "is not valid"),
        ({"total": "rate(a[window])", "bad": "b[window]"}, ".bad", "is not valid"),
        (
            {"total": "rate(a[window]) # all", "bad": "rate(b[window])"},
            ".total",
            "is not valid",
        ),
    ],
)
def test_expressions_of_a_ratio_are_read_before_prometheus_reads_them(
    ratio: dict[str, str], key: str, message: str
) -> None:
    found = messages(slo(ratio=ratio))
    assert found[f"slos[0].ratio{key}"].startswith(message)


@pytest.mark.parametrize("name", sorted(RESERVED_LABELS))
def test_a_label_that_the_rules_set_is_refused(name: str) -> None:
    assert [*messages(slo(labels={name: "x"}))] == [f"slos[0].labels.{name}"]


@pytest.mark.parametrize("name", ["1st", "a-b", "__name__", ""])
def test_a_label_that_prometheus_does_not_accept_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=rf"labels\.{name}\.\[key\]"):
        slo(labels={name: "x"})


def test_braces_in_a_name_are_no_template_and_quotes_no_end() -> None:
    span = {"service": 'say "hi"', "namespace": "shop"}
    groups = built(slo(availability=span, owner="{{ .Labels }}"))
    assert 'service="say \\"hi\\""' in expressions(groups)[0]
    alert = next(rule for rule in groups[0]["rules"] if "alert" in rule)
    assert alert["labels"]["owner"] == '{{ "{{" }} .Labels }}'


def many(count: int) -> list[SloSettings]:
    """Return SLOs over 50 namespaces, long-winded ones."""
    return [
        slo(
            f"slo-{number}",
            description="d" * 200,
            windowDays=7 + number % 26,
            availability={"service": f"service-{number}", "namespace": f"team-{number % 50}"},
        )
        for number in range(count)
    ]


def test_a_thousand_slos_make_objects_and_groups_that_are_taken() -> None:
    files = rule_files("tracing-slos", built(*many(1000)))
    for file in files:
        assert len(file.text.encode()) <= MAX_OBJECT_BYTES
        assert all(len(group["rules"]) <= MAX_RULES for group in file.groups)
    assert sum(len(file.groups) for file in files) > 1000


def test_each_slo_adds_the_same_whatever_their_number() -> None:
    """Two sizes differ by what the further SLOs bring, and by nothing that grows with both."""
    few, more, most = (built(*many(count)) for count in (100, 200, 1000))
    rules = [sum(len(group["rules"]) for group in groups) for groups in (few, more, most)]
    assert rules[2] - rules[1] == 8 * (rules[1] - rules[0])
    longest = [max(len(expr) for expr in expressions(groups)) for groups in (few, most)]
    assert longest[1] < longest[0] * 1.1
