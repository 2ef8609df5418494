"""Dashboards of SLOs ask for what the rules record, and lead to each other and to the service."""

import re
from typing import Any

from components.alerting.slo.settings import SloDefaultsSettings
from components.grafana.links import Uid
from tests.alerting.slo.cases import built, slo
from tests.grafana.dashboards.cases import panels, read
from tests.grafana.dashboards.test_dashboard_queries import expressions, parsed, selectors
from tests.grafana.dashboards.test_dashboard_reading import overrides


def of_stack(uid: str) -> dict[str, Any]:
    return read()["monolithic", uid]


def test_queries_ask_for_recorded_series_of_this_cluster() -> None:
    groups = built(slo(), defaults=SloDefaultsSettings(enabled=True))
    recorded = {r["record"] for g in groups for r in g["rules"] if "record" in r} | {"ALERTS"}
    for dashboard in (of_stack(Uid.SLOS), of_stack(Uid.SLO)):
        for expr in expressions(dashboard):
            for selector, _ in selectors(parsed(expr)):
                assert selector.name in recorded
                assert "cluster" in {m.name for m in selector.matchers.matchers}


def test_a_row_leads_to_its_slo_and_to_its_service_in_its_namespace() -> None:
    [table] = [p for p in panels(of_stack(Uid.SLOS)) if p["type"] == "table"]
    [details] = overrides(table, "SLO")["links"]
    assert f"/d/{Uid.SLO}?var-slo=${{__data.fields.SLO" in details["url"]
    [service] = overrides(table, "Service")["links"]
    assert f"/d/{Uid.SERVICE}?var-service=${{__data.fields.Service" in service["url"]
    assert "var-namespace=${__data.fields.Namespace" in service["url"]


def test_an_slo_leads_back_to_its_service_and_the_service_to_its_slos() -> None:
    back = {link["title"]: link.get("url") or "" for link in of_stack(Uid.SLO)["links"]}
    for name in ("service", "namespace"):
        assert f"${{{name}:queryparam}}" in back["Service"]
    there = {link["title"]: link.get("url") for link in of_stack(Uid.SERVICE)["links"]}
    assert there["SLOs"] == f"/d/{Uid.SLOS}?${{service:queryparam}}&${{__url_time_range}}"


def test_alerts_of_an_slo_lead_to_its_dashboard() -> None:
    groups = built(slo(), defaults=SloDefaultsSettings(enabled=True))
    alerts = [r for g in groups for r in g["rules"] if "alert" in r]
    assert alerts
    for alert in alerts:
        url = alert["annotations"]["dashboard_url"]
        if alert["alert"] == "SloNoData":
            assert url == f"https://grafana/d/{Uid.SLOS}?orgId=1"
        else:
            slo_of_it = "var-slo={{ $labels.slo | urlquery }}"
            assert url == f"https://grafana/d/{Uid.SLO}?orgId=1&{slo_of_it}"


def test_tables_keep_labels_that_the_objective_has() -> None:
    groups = built(slo())
    objective = next(r for r in groups[0]["rules"] if r.get("record") == "slo:objective:ratio")
    table = next(p for p in panels(of_stack(Uid.SLOS)) if p["type"] == "table")
    for target in table["targets"]:
        kept = re.match(r"max by \(([^)]*)\)", target["expr"])
        assert kept
        assert set(kept[1].split(", ")) <= objective["labels"].keys()
