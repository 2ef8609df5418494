"""What a person reads off a dashboard: colours, decimals, widths, order, titles, links."""

import re
from typing import Any

import pytest

from components.alerting.slo.settings import SloSettings
from components.alloy.endpoints import otlp_http_endpoint
from components.grafana import units
from components.grafana.layout import COLUMNS
from components.grafana.links import ALLOY_ALONE, TITLES, Uid
from components.grafana.panels import COLOURS, GOOD
from components.telemetry.metrics import AlloyMetric, BeylaMetric, TempoMetric
from tests.grafana.dashboards.cases import CONTEXTS, every_dashboard, panels, read, targets
from tests.grafana.dashboards.test_dashboard_queries import parsed, selectors

#: Width in pixels of a column of the grid on a laptop of 1366 pixels, and of a panel's frame.
LAPTOP_COLUMN, FRAME = (1366 - 56 - 40) / COLUMNS, 24
#: What Grafana takes for a table's column without a width of its own.
GRAFANA_MIN_WIDTH = 150
ALARMING = {"red", "orange", "yellow"}
FAILURES = {"failed", "lost", "refused", "discarded", "bad", "critical", "errors"}


def overrides(panel: dict[str, Any], heading: str) -> dict[str, Any]:
    """Return the properties that a panel sets on a field by its name."""
    return {
        prop["id"]: prop.get("value")
        for one in panel["fieldConfig"]["overrides"]
        if one["matcher"]["options"] == heading
        for prop in one["properties"]
    }


def headings(panel: dict[str, Any]) -> list[str]:
    [organize] = [t for t in panel["transformations"] if t["id"] == "organize"]
    return list(dict.fromkeys(organize["options"]["renameByName"].values()))


def tables(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tables of values by labels; those of traces have no transformations."""
    return [p for p in panels(dashboard) if p["type"] == "table" and p.get("transformations")]


@pytest.mark.parametrize("context", CONTEXTS)
def test_no_two_dashboards_are_called_alike(context: str) -> None:
    names = [d["title"] for (of, _), d in read().items() if of == context]
    assert len({*names}) == len(names)
    # So that no folder has the title of a dashboard in it: see tests/checks.
    assert {*names} <= {*TITLES.values(), ALLOY_ALONE}


@every_dashboard
def test_a_value_that_is_not_there_has_no_colour(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        if panel["type"] == "stat":
            found = panel["fieldConfig"]["defaults"]["mappings"]
        elif panel in tables(dashboard):
            values = [overrides(panel, h) for h in headings(panel)]
            found = [m for one in values if "unit" in one for m in one["mappings"]]
        else:
            continue
        assert found, panel["title"]
        for mapping in found:
            assert mapping["options"]["match"] == "null+nan"
            assert mapping["options"]["result"]["color"] == GOOD


@every_dashboard
def test_texts_of_empty_tables_stand_in_no_cell(dashboard: dict[str, Any]) -> None:
    for panel in tables(dashboard):
        assert panel["fieldConfig"]["defaults"]["noValue"]
        for heading in headings(panel):
            its = overrides(panel, heading)
            assert its.get("noValue") == "" or its["mappings"], heading


@every_dashboard
def test_tables_fit_into_their_panels_on_a_laptop(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        if panel["type"] != "table":
            continue
        shown = (
            headings(panel)
            if panel.get("transformations")
            else ["Trace ID", "Start time", "Service", "Name", "Duration"]
        )
        needed = 0
        for heading in shown:
            its = overrides(panel, heading)
            needed += its.get("custom.width") or its.get("custom.minWidth", GRAFANA_MIN_WIDTH)
        assert needed <= panel["gridPos"]["w"] * LAPTOP_COLUMN - FRAME, panel["title"]


@every_dashboard
def test_headings_fit_into_their_columns(dashboard: dict[str, Any]) -> None:
    for panel in tables(dashboard):
        for heading in headings(panel):
            its = overrides(panel, heading)
            width = its.get("custom.width") or its["custom.minWidth"]
            # About 7 pixels a character, then the arrow of the sorted column.
            assert width >= 7 * len(heading) + 30, (panel["title"], heading)


@every_dashboard
def test_a_table_keeps_its_heading_if_one_query_alone_finds_something(
    dashboard: dict[str, Any],
) -> None:
    """Grafana calls the values of the only query that returns series Value, without a letter."""
    for panel in tables(dashboard):
        [organize] = [t for t in panel["transformations"] if t["id"] == "organize"]
        names = organize["options"]["renameByName"]
        assert "unit" in overrides(panel, names["Value"]), panel["title"]


@every_dashboard
def test_single_values_side_by_side_have_one_size(dashboard: dict[str, Any]) -> None:
    lines: dict[int, set[float]] = {}
    for panel in panels(dashboard):
        if panel["type"] == "stat":
            size = panel["options"]["text"]["valueSize"]
            lines.setdefault(panel["gridPos"]["y"], set()).add(size)
    assert all(len(sizes) == 1 for sizes in lines.values())


@every_dashboard
def test_areas_do_not_cover_each_other(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        if panel["type"] == "timeseries":
            custom = panel["fieldConfig"]["defaults"]["custom"]
            stacked = custom.get("stacking", {}).get("mode") == "normal"
            legends = [one["legendFormat"] for one in panel["targets"]]
            several = len(legends) > 1 or "{{" in legends[0]
            assert stacked or not several or custom["fillOpacity"] == 0, panel["title"]


@every_dashboard
def test_shares_have_decimals_by_what_they_mean(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        config = panel.get("fieldConfig", {}).get("defaults", {})
        if config.get("unit") == "percentunit":
            assert "decimals" in config, panel["title"]
        for one in panel.get("fieldConfig", {}).get("overrides", []):
            its = {prop["id"]: prop.get("value") for prop in one["properties"]}
            if its.get("unit") == "percentunit":
                assert "decimals" in its, panel["title"]


def test_objectives_are_told_apart_to_the_last_that_can_be_set() -> None:
    """The highest objective is 99.999 %; with fewer decimals it reads 100 %."""
    highest = max(m.le for m in SloSettings.model_fields["objective"].metadata if hasattr(m, "le"))
    decimals = len(f"{highest:g}".partition(".")[2])
    for uid in ("tracing-slos", "tracing-slo"):
        found = 0
        for panel in panels(read()["monolithic", uid]):
            if panel["title"] in ("Objective", "Good events", "Good events over time"):
                assert panel["fieldConfig"]["defaults"]["decimals"] >= decimals
                found += 1
            elif panel["type"] == "table":
                for heading in ("Objective", "Good"):
                    assert overrides(panel, heading)["decimals"] >= decimals
                    found += 1
        assert found >= 2


@every_dashboard
def test_graphs_of_zeros_are_not_scaled_by_grafana(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        if panel["type"] == "timeseries":
            config = panel["fieldConfig"]["defaults"]
            assert "max" in config or config["custom"]["axisSoftMax"] > 0, panel["title"]


@every_dashboard
def test_failures_have_the_colours_of_failures_and_nothing_else_has(
    dashboard: dict[str, Any],
) -> None:
    for panel in panels(dashboard):
        if panel["type"] != "timeseries":
            continue
        shades = panel["fieldConfig"]["defaults"].get("color", {}).get("fixedColor")
        for target in panel["targets"]:
            legend = target["legendFormat"]
            fixed = overrides(panel, legend).get("color", {}).get("fixedColor")
            if legend in FAILURES:
                assert (fixed or shades) in ALARMING, (panel["title"], legend)
            if legend in COLOURS:
                assert fixed == COLOURS[legend]


@every_dashboard
def test_what_is_fine_has_no_colour(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        assert '"green"' not in str(panel).replace("'", '"'), panel["title"]


@every_dashboard
def test_tables_are_sorted_by_what_needs_a_person(dashboard: dict[str, Any]) -> None:
    for panel in tables(dashboard):
        first = panel["options"]["sortBy"][0]
        assert first["displayName"] in headings(panel)
        if "Budget left" in headings(panel):
            assert first == {"displayName": "Budget left", "desc": False}
        elif "Failed" in headings(panel) and "used" not in panel["title"]:
            assert first == {"displayName": "Failed", "desc": True}


@every_dashboard
def test_columns_stand_in_the_same_order_everywhere(dashboard: dict[str, Any]) -> None:
    order = ["Requests", "Failed", "p95"]
    for panel in tables(dashboard):
        shown = [h for h in headings(panel) if h in order]
        assert shown == [h for h in order if h in shown]


@every_dashboard
def test_no_panel_repeats_the_title_of_its_row(dashboard: dict[str, Any]) -> None:
    row = ""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
            assert row not in [one["title"] for one in panel["panels"]]
        else:
            assert panel["title"] != row


@every_dashboard
def test_a_row_with_its_namespace_and_cluster_is_opened_with_them(
    dashboard: dict[str, Any],
) -> None:
    for panel in tables(dashboard):
        for link in overrides(panel, "Service").get("links", []):
            for column in ("Namespace", "Cluster"):
                if column in headings(panel):
                    assert f"${{__data.fields.{column}:percentencode}}" in link["url"]


@every_dashboard
def test_only_what_has_a_dashboard_leads_to_one(dashboard: dict[str, Any]) -> None:
    """A database or «user» is a name on an edge: the page of such a service is empty."""
    for panel in tables(dashboard):
        for heading in ("Neighbour", "Caller", "Called"):
            if overrides(panel, heading).get("links"):
                for target in panel["targets"]:
                    for selector, _ in selectors(parsed(target["expr"])):
                        chosen = [
                            m for m in selector.matchers.matchers if m.name == "connection_type"
                        ]
                        assert "virtual_node" in chosen[0].value
                        assert str(chosen[0].op).endswith(("NotRe", "NotEqual"))


def test_failed_requests_satisfy_nobody() -> None:
    found = 0
    for dashboard in read().values():
        for target in targets(dashboard):
            if 'le="0.512"' in target.get("expr", ""):
                found += 1
                for selector, _ in selectors(parsed(target["expr"])):
                    matchers = {m.name: m for m in selector.matchers.matchers}
                    if "le" in matchers:
                        assert matchers["status_code"].value == "STATUS_CODE_ERROR"
    assert found


@every_dashboard
def test_cells_of_a_heatmap_are_not_covered_by_exemplars(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        if panel["type"] == "heatmap":
            assert not any(target["exemplar"] for target in panel["targets"])
            # In the light theme few requests are bright, in the dark theme they are dark.
            assert not re.search(r"dark|bright|light", panel["description"])


@every_dashboard
def test_a_share_near_one_is_a_line_and_no_block_from_zero(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        config = panel.get("fieldConfig", {}).get("defaults", {})
        if panel["type"] == "timeseries" and config.get("decimals") == units.KEPT.decimals:
            assert "min" not in config, panel["title"]
            assert config["custom"]["fillOpacity"] == 0


@every_dashboard
def test_graphs_of_a_hundred_services_show_ten(dashboard: dict[str, Any]) -> None:
    for panel in (p for p in panels(dashboard) if p["type"] == "timeseries"):
        for target in panel["targets"]:
            if re.search(r"\{\{(service|service_name|slo)\b", target["legendFormat"]):
                assert re.search(r"\b(topk|bottomk)\(10,", target["expr"]), panel["title"]


@every_dashboard
def test_counters_of_spans_have_the_unit_of_spans(dashboard: dict[str, Any]) -> None:
    spans = {
        *(TempoMetric.SPANS_RECEIVED, TempoMetric.SPANS_DISCARDED, TempoMetric.GENERATOR_SPANS),
        *(AlloyMetric.SPANS_ACCEPTED, AlloyMetric.SPANS_SENT, AlloyMetric.SPANS_LOST),
        BeylaMetric.TRACES_EXPORTED,
    }
    for panel in (p for p in panels(dashboard) if p["type"] in ("stat", "timeseries")):
        unit = panel["fieldConfig"]["defaults"].get("unit")
        for target in panel["targets"]:
            # A target without an expression asks Pyroscope.
            asked = {s.name for s, _ in selectors(parsed(target.get("expr", "up")))}
            if unit and asked & spans:
                assert unit in (units.SPANS.name, units.FAILED.name), panel["title"]


@every_dashboard
def test_what_happens_a_few_times_an_hour_is_counted_by_the_hour(
    dashboard: dict[str, Any],
) -> None:
    rare = {
        *(TempoMetric.BLOCKS_FLUSHED, TempoMetric.FAILED_FLUSHES, TempoMetric.POLL_ERRORS),
        *(TempoMetric.BLOCKS_COMPACTED, TempoMetric.COMPACTION_ERRORS, TempoMetric.BLOCKS_DELETED),
        *(TempoMetric.RETENTION_ERRORS, BeylaMetric.EXPORT_ERRORS),
        BeylaMetric.INSTRUMENTATION_ERRORS,
    }
    for target in targets(dashboard):
        expr = target.get("expr", "")
        for name in rare:
            assert expr.count(name) == len(re.findall(rf"increase\({name}\{{[^}}]*\}}\[1h\]", expr))


def test_blocks_and_traces_have_an_axis_each() -> None:
    for title in ("Blocks in the bucket", "Traces in the bucket"):
        [panel] = [p for p in panels(read()["monolithic", Uid.CAPACITY]) if p["title"] == title]
        assert len(panel["targets"]) == 1


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_service_dashboard_opens_with_one_service(context: str) -> None:
    variables = read()[context, Uid.SERVICE]["templating"]["list"]
    [service] = [v for v in variables if v["name"] == "service"]
    assert not service["includeAll"]
    # None is set, so that Grafana takes the first.
    assert not service.get("current")


def test_home_shows_the_way_of_spans_and_where_they_are_lost() -> None:
    home = read()["monolithic", Uid.HOME]["panels"]
    start = [p["title"] for p in home].index("From senders to the bucket")
    shown = [p for p in home[start + 1 :] if p["gridPos"]["y"] == home[start]["gridPos"]["y"] + 1]
    assert [p["title"] for p in sorted(shown, key=lambda p: p["gridPos"]["x"])] == [
        *("1. Senders", "2. Alloy", "Lost at Alloy", "3. Tempo"),
        *("Lost at Tempo", "4. Bucket", "Not written", "Newest metrics"),
    ]
    # Each leads to the dashboard of that place.
    assert all(
        p["fieldConfig"]["defaults"]["links"] for p in shown if p["title"] != "Newest metrics"
    )


@pytest.mark.parametrize("context", CONTEXTS)
def test_home_says_how_the_first_trace_gets_there(context: str) -> None:
    [first] = [p for p in panels(read()[context, Uid.HOME]) if p["title"] == "What to do first"]
    assert otlp_http_endpoint(CONTEXTS[context].namespace) in first["options"]["content"]


def test_an_operation_is_what_a_service_answers() -> None:
    operation = read()["bare", "tracing-operation"]
    [offered] = [v for v in operation["templating"]["list"] if v["name"] == "operation"]
    asked = [t["expr"] for t in targets(operation) if "expr" in t]
    for text in [offered["query"], *asked]:
        assert text.count("span_kind") == text.count('source="tempo"'), text
    for target in targets(operation):
        assert "query" not in target or "kind = server" in target["query"]


def test_a_forecast_is_a_line_through_daily_values_of_whole_weeks() -> None:
    texts = [t["expr"] for t in targets(read()["monolithic", "tracing-capacity"]) if "expr" in t]
    forecasts = [t for t in texts if "predict_linear" in t]
    assert len(forecasts) >= 3
    for text in forecasts:
        windows = re.findall(r"\[(\d+)w:(\d+)s\]", text)
        assert text.count("predict_linear(") <= len(windows)
        assert all(int(weeks) >= 2 and int(step) == 86_400 for weeks, step in windows)


@pytest.mark.parametrize("uid", ["tracing-slos", "tracing-slo", "tracing-home"])
def test_two_rulers_do_not_double_an_slo(uid: str) -> None:
    for target in targets(read()["monolithic", uid]):
        if target["datasource"]["type"] == "prometheus":
            for selector, around in selectors(parsed(target["expr"])):
                if selector.name.startswith(("slo:", "ALERTS")):
                    assert "sum" not in str(around[-1].op), target["expr"]


@pytest.mark.parametrize(
    "uid", ["tracing-tempo", "tracing-collectors", "tracing-home", "tracing-capacity"]
)
def test_two_scrapers_do_not_double_what_programs_count(uid: str) -> None:
    for target in targets(read()["monolithic", uid]):
        expr = target.get("expr", "")
        # A share of pods is the same when each counts twice.
        if "traces_" not in expr and "service_name" not in expr and ") / count(" not in expr:
            for inside in re.findall(r"(?:sum|count)(?: by \([^)]*\) )?\((\w+)", expr):
                assert inside in ("max", "slo"), expr


def test_a_card_is_a_link_as_a_whole_with_a_number() -> None:
    home = read()["monolithic", "tracing-home"]
    for name in ("Traces", "Metrics", "Logs", "Profiles", "SLOs"):
        [card] = [p for p in panels(home) if p["title"] == name]
        assert card["type"] == "stat"
        assert card["targets"]
        [link] = card["fieldConfig"]["defaults"]["links"]
        assert link["url"].startswith(("/d/", "/explore?"))
        assert card["gridPos"]["y"] < 6
