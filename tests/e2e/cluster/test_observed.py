"""What observes the stack has data: targets and rules."""

import re
from pathlib import Path

import pytest

from components.core.names import CANARY_RELEASE
from components.telemetry.metrics import CanaryMetric, TempoKafkaMetric, TempoMetric
from plan.rehearse.programs import ProgramError, wait_for
from tests.e2e.cluster import place
from tests.e2e.cluster.cluster import Json
from tests.e2e.cluster.stack import Stack


@pytest.fixture(scope="module")
def scraped(shop: Stack) -> Stack:
    if not shop.settings.grafana.service_monitor.enabled:
        pytest.skip("the cluster has no ServiceMonitors (monitoring.coreos.com)")
    return shop


def test_every_target_of_a_monitor_answers(scraped: Stack) -> None:
    down: list[tuple[str, str]] = []
    with scraped.prometheus() as prometheus:

        def answering() -> list[Json] | None:
            answer: Json = prometheus.get("/api/v1/targets", state="active") or {"data": {}}
            found: list[Json] = answer["data"].get("activeTargets", [])
            down[:] = [(o["scrapeUrl"], o["lastError"]) for o in found if o["health"] != "up"]
            return found if found and not down else None

        # A pod that earlier tests replaced is a target until Prometheus hears of its end, and a new
        # one is down until its next scrape.
        try:
            found = wait_for("answering targets", answering, 90)
        except ProgramError:
            pytest.fail(f"targets that do not answer: {down}")
    pools = {f"{scraped.namespace}/{m['metadata']['name']}/0" for m in scraped.monitors()}
    assert {one["scrapePool"] for one in found} >= pools, "a monitor selects nothing"


def test_every_rule_is_evaluated_and_no_alert_fires(scraped: Stack) -> None:
    with scraped.prometheus() as prometheus:

        def rules() -> list[Json] | None:
            answer: Json = prometheus.get("/api/v1/rules") or {"data": {"groups": []}}
            found: list[Json] = [r for g in answer["data"]["groups"] for r in g["rules"]]
            return found if found and all(r["health"] != "unknown" for r in found) else None

        found = wait_for("evaluated rules", rules, 120)
    assert [(r["name"], r["lastError"]) for r in found if r["health"] != "ok"] == []
    assert [r["name"] for r in found if r.get("state") == "firing"] == []


def test_every_metric_of_the_rules_is_there(scraped: Stack, tmp_path: Path) -> None:
    """A selector of a rule that finds no series would keep its alert quiet for ever."""
    names = metrics(scraped, tmp_path)
    with scraped.prometheus() as prometheus:
        answer = prometheus.get("/api/v1/label/__name__/values")
    there = set(answer["data"])
    # A rule can read a histogram without its endings.
    there |= {re.sub("_(bucket|count|sum)$", "", name) for name in there}
    later = (*_LATER, *(_LATER_WITH_KAFKA if scraped.settings.tempo.uses_kafka else ()))
    missing = {name for name in names - there if not name.startswith(later)}
    assert missing == set(), "neither scraped nor written"


#: Seconds in which the canary looks up traces, at an interval of a minute. In its first minutes it
#: has few that are old enough (traceIsReady in cmd/tempo-vulture/main.go of Tempo 3.0.3).
_CANARY_SECONDS = 900
#: Metrics that something else than the stack exposes, or that appear with the first failure, with
#: the first list of blocks that Tempo reads, or with the first look-up of the canary.
_LATER = (
    *("kube_", "kubelet_", "container_", "beyla_"),
    *("otelcol_exporter_enqueue_failed_", "otelcol_exporter_send_failed_"),
    *("tempo_distributor_attributes_truncated_total", "tempodb_blocklist_poll_errors_total"),
    *("tempodb_blocklist_length", "tempodb_compaction_outstanding_blocks"),
    CanaryMetric.ERRORS,
)
#: With Kafka, those that appear with the first failure or the first block.
_LATER_WITH_KAFKA = (
    TempoMetric.SPANS_DISCARDED,
    TempoKafkaMetric.PRODUCE_FAILURES,
    TempoKafkaMetric.BLOCKS_FLUSHED,
)


def metrics(stack: Stack, folder: Path) -> set[str]:
    """Return the names of metrics in the planned rules."""
    rules = [rule for group in stack.rules(folder) for rule in group["rules"]]
    texts = [rule["expr"] for rule in rules]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    found = set(re.findall(r"\b([a-z][a-z0-9_:]*)\{", " ".join(texts)))
    return {name for name in found if "_" in name} - recorded


def test_the_canary_finds_its_traces(scraped: Stack) -> None:
    if not scraped.settings.canary.enabled:
        pytest.skip(f"the stack has no canary: {place.SETTINGS} can turn it on")
    job = f'{{job="{scraped.namespace}/{CANARY_RELEASE}"}}'
    with scraped.prometheus() as prometheus:

        def counted(metric: CanaryMetric, by: str) -> dict[str, float]:
            found = prometheus.query(f"sum by ({by}) ({metric}{job})")
            return {one["metric"][by]: float(one["value"][1]) for one in found}

        def checked() -> float:
            return sum(counted(CanaryMetric.CHECKED, "job").values())

        # Other tests took Tempo away: only what comes now must be without errors.
        before, so_far = counted(CanaryMetric.ERRORS, "error"), checked()
        wait_for("two look-ups", lambda: checked() > so_far + 1 or None, _CANARY_SECONDS, 15)
        errors = counted(CanaryMetric.ERRORS, "error")
    # The other kinds come also from what Alloy adds to a span: docs/canary.md.
    certain = {"notfound_byid", "missingspans", "requestfailed"}
    assert {kind for kind in certain if errors[kind] > before.get(kind, 0)} == set()
