"""Dashboards on the tracing system: there where they can show something, about this stack alone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.alloy.sampling.settings import SamplingMode
from components.grafana.dashboards.component import dashboards
from components.grafana.dashboards.sampling import USD_PER_GIB
from components.grafana.layout import as_json
from components.telemetry.metrics import AlloyMetric, ClusterMetric, RequestMetric, TempoMetric
from plan.cost import prices
from tests.grafana.dashboards.cases import CONTEXTS, read, targets
from tests.grafana.dashboards.test_dashboard_queries import parsed, selectors

OF_SCRAPES = {"tracing-tempo", "tracing-collectors", "tracing-beyla"}
PARTS = {
    "distributor",
    "ingester",
    "querier",
    "query-frontend",
    "compactor",
    "metrics-generator",
}


def uids(name: str, **changes: Any) -> set[str]:
    return {str(one.uid) for one in dashboards(replace(CONTEXTS[name], **changes))}


def asked(dashboard: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name and the matchers of each series that a dashboard asks for."""
    for target in targets(dashboard):
        if "expr" in target:
            for selector, _ in selectors(parsed(target["expr"])):
                yield selector.name, {m.name: m.value for m in selector.matchers.matchers}


@pytest.mark.parametrize("name", ["monolithic", "distributed"])
def test_what_is_scraped_has_dashboards(name: str) -> None:
    assert uids(name) >= OF_SCRAPES
    assert not uids(name, scraped=False) & OF_SCRAPES


def test_sampling_has_a_dashboard_where_it_runs_or_is_rehearsed() -> None:
    assert "tracing-sampling" not in uids("monolithic")
    for mode in (SamplingMode.REHEARSE, SamplingMode.ON):
        assert "tracing-sampling" in uids("bare", sampling=mode, samplers=2, sampled_traces=9)


def test_the_dashboard_of_alloy_shows_its_samplers() -> None:
    """What services send is counted where it arrives. All else is that of both tiers."""
    of_gateway = {AlloyMetric.SPANS_ACCEPTED, AlloyMetric.SPANS_FILTERED}
    jobs = {
        (series, matchers["job"])
        for uid in ("tracing-collectors", "tracing-home")
        for series, matchers in asked(read()["sampled", uid])
        if series in {*AlloyMetric}
    }
    assert jobs
    assert jobs == {
        (series, "alloy" if series in of_gateway else "alloy|alloy-sampler") for series, _ in jobs
    }


def test_the_price_of_sampling_is_that_of_the_plan() -> None:
    assert prices.load()["us-east-1"].storage_tiers[0].usd == USD_PER_GIB


def test_beyla_has_a_dashboard_where_it_runs() -> None:
    assert "tracing-beyla" not in uids("monolithic", beyla_namespace=None)
    without = dashboards(replace(CONTEXTS["monolithic"], beyla_namespace=None))
    [collectors] = [as_json(one) for one in without if one.uid == "tracing-collectors"]
    assert "beyla" not in collectors.lower()


@pytest.mark.parametrize(
    ("name", "jobs"),
    [("monolithic", {"tempo"}), ("distributed", {f"tracing/{part}" for part in PARTS})],
)
def test_tempo_is_asked_in_the_mode_that_is_deployed(name: str, jobs: set[str]) -> None:
    for uid in ("tracing-tempo", "tracing-capacity"):
        found = [
            matchers["job"]
            for series, matchers in asked(read()[name, uid])
            if series in {*TempoMetric}
        ]
        assert found
        assert all(set(job.split("|")) == jobs for job in found)


@pytest.mark.parametrize("name", ["monolithic", "distributed"])
def test_only_pods_of_this_stack_are_asked(name: str) -> None:
    for uid in (*OF_SCRAPES, "tracing-capacity"):
        for series, matchers in asked(read()[name, uid]):
            if series in {*TempoMetric, *AlloyMetric}:
                assert matchers["namespace"] == "tracing"
            elif series in {*RequestMetric}:
                assert matchers["namespace"] == "beyla"
            elif series in {*ClusterMetric}:
                assert matchers["namespace"] in {"tracing", "beyla"}


def test_distance_to_limits_follows_the_limits() -> None:
    context = CONTEXTS["monolithic"]
    limits = replace(
        context.limits, rate_limit_mib=3, max_live_traces=12_345, max_active_series=54_321
    )
    [capacity] = [
        as_json(one)
        for one in dashboards(replace(context, limits=limits))
        if one.uid == "tracing-capacity"
    ]
    for wanted in (f"/ {3 * 1024 * 1024}", "/ 12345", "/ 54321", "12,345 traces"):
        assert wanted in capacity


def test_each_kind_of_request_that_beyla_sees_has_its_rate_and_its_duration() -> None:
    names = {series for series, _ in asked(read()["monolithic", "tracing-beyla"])}
    assert names == {str(one) for one in RequestMetric}


def test_series_of_other_clusters_are_left_out() -> None:
    context = replace(CONTEXTS["monolithic"], series_labels={"origin": "dev-7"})
    for one in dashboards(context):
        if one.uid in ("tracing-tempo", "tracing-collectors"):
            assert 'origin=\\"dev-7\\"' in as_json(one)
