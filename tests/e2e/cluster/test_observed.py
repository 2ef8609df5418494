"""What observes the stack has data: targets and rules."""

import re
from pathlib import Path

import pytest

from plan.rehearse.programs import ProgramError, wait_for
from tests.e2e.cluster.cluster import Json
from tests.e2e.cluster.stack import Stack


@pytest.fixture(scope="module")
def scraped(shop: Stack) -> Stack:
    if not shop.settings.grafana.service_monitor.enabled:
        pytest.skip("the cluster has no ServiceMonitors (monitoring.coreos.com)")
    return shop


def test_every_target_of_a_service_monitor_answers(scraped: Stack) -> None:
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
    monitors = scraped.cluster.items("servicemonitors", "-n", scraped.namespace)
    pools = {f"{scraped.namespace}/{m['metadata']['name']}/0" for m in monitors}
    assert {one["scrapePool"] for one in found} >= pools, "a ServiceMonitor selects nothing"


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
    missing = {name for name in names - there if not name.startswith(_LATER)}
    assert missing == set(), "neither scraped nor written"


#: Metrics that something else than the stack exposes, that appear with the first failure, or when
#: Tempo reads the list of blocks for the first time.
_LATER = (
    *("kube_", "kubelet_", "container_", "beyla_"),
    *("otelcol_exporter_enqueue_failed_", "otelcol_exporter_send_failed_"),
    *("tempo_distributor_attributes_truncated_total", "tempodb_blocklist_poll_errors_total"),
    *("tempodb_blocklist_length", "tempodb_compaction_outstanding_blocks"),
)


def metrics(stack: Stack, folder: Path) -> set[str]:
    """Return the names of metrics in the planned rules."""
    rules = [rule for group in stack.rules(folder) for rule in group["rules"]]
    texts = [rule["expr"] for rule in rules]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    found = set(re.findall(r"\b([a-z][a-z0-9_:]*)\{", " ".join(texts)))
    return {name for name in found if "_" in name} - recorded
