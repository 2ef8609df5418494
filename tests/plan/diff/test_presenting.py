"""Each kind of resource as a reviewer reads it."""

import json
from typing import Any

import yaml

from plan.diff.changes import changes
from plan.diff.presenting import Part, parts, whole
from tests.plan.diff.plans import config_map, planned, release, resource

RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"


def shown(before: dict[str, Any], after: dict[str, Any]) -> list[Part]:
    return list(parts(changes(planned([before]), planned([after]))))


def one(before: dict[str, Any], after: dict[str, Any]) -> Part:
    [part] = shown(before, after)
    return part


def test_helm_values_by_path() -> None:
    part = one(release("tempo", {"a": {"b": "1h"}}), release("tempo", {"a": {"b": "2h"}}))
    assert part.title == "Helm values of tempo: 1 changed"
    assert "| `a.b` | `1h` | `2h` |" in part.body


def test_a_long_helm_value_line_by_line() -> None:
    part = one(release("x", {"config": "a: 1\nb: 2\n"}), release("x", {"config": "a: 1\nb: 3\n"}))
    assert "`config`:\n\n```diff\n" in part.body
    assert "-b: 2\n+b: 3\n" in part.body


def test_another_chart_version_is_a_property_of_the_release() -> None:
    part = one(release("x", {}), release("x", {}, version="2.0.0"))
    assert "| `tracing-x-release` | `version` | `1.0.0` | `2.0.0` |" in part.body


def alloy(text: str) -> dict[str, Any]:
    return release("alloy", {"alloy": {"configMap": {"content": text}}})


def test_alloys_configuration_is_a_text() -> None:
    part = one(alloy("a {\n\tb = 1\n}\n"), alloy("a {\n\tb = 2\n}\n"))
    assert part.title == "Alloy's configuration, alloy.alloy"
    assert "-\tb = 1\n+\tb = 2\n" in part.body


def dashboard(*panels: dict[str, Any], **rest: Any) -> dict[str, Any]:
    document = {"title": "Tempo", "panels": list(panels), **rest}
    return config_map("dashboard", {"tempo.json": json.dumps(document)})


def panel(title: str, expr: str, number: int = 1) -> dict[str, Any]:
    target = {"refId": "A", "expr": expr}
    return {"type": "stat", "title": title, "id": number, "gridPos": {"y": number}} | {
        "targets": [target]
    }


def test_dashboards_by_panel() -> None:
    part = one(
        dashboard(panel("Rate", "rate(a[1m])"), panel("Old", "b")),
        dashboard(panel("Rate", "rate(a[5m])"), panel("New", "c")),
    )
    assert part.title == "Dashboard “Tempo”"
    assert "- panel `Old` goes\n- new panel `New`\n" in part.body
    assert "In panel `Rate`:" in part.body
    assert "| `targets[A].expr` | `rate(a[1m])` | `rate(a[5m])` |" in part.body


def test_a_panel_that_only_moves_does_not_differ() -> None:
    row = {"type": "row", "title": "Row", "id": 9, "gridPos": {"y": 9}, "panels": [panel("A", "a")]}
    part = one(dashboard(panel("A", "a", 2)), dashboard(row))
    assert part.body == "- new panel `Row`"
    part = one(dashboard(panel("A", "a", 1)), dashboard(panel("A", "a", 2)))
    assert "panels stand elsewhere" in part.body


def test_panels_of_one_title_are_told_apart() -> None:
    before = dashboard(panel("A", "a"), panel("A", "b"))
    part = one(before, dashboard(panel("A", "a"), panel("A", "c")))
    assert "In panel `A (2)`" in part.body


def test_a_dashboard_differs_beside_its_panels() -> None:
    part = one(dashboard(refresh="1m"), dashboard(refresh="5m"))
    assert "On the dashboard itself:" in part.body
    assert "| `refresh` | `1m` | `5m` |" in part.body


def test_datasources_by_path() -> None:
    def datasource(url: str) -> dict[str, Any]:
        return config_map(
            "d", {"tempo.yaml": yaml.safe_dump({"datasources": [{"name": "Tempo", "url": url}]})}
        )

    part = one(datasource("http://a"), datasource("http://b"))
    assert "| `datasources[Tempo].url` | `http://a` | `http://b` |" in part.body


def alert(name: str, expr: str, **labels: str) -> dict[str, Any]:
    return {"alert": name, "expr": expr, "labels": {"severity": "warning", **labels}}


def prometheus_rule(*rules: dict[str, Any]) -> dict[str, Any]:
    spec = {"groups": [{"name": "g", "rules": list(rules)}]}
    return resource(RULE, "alerts", {"metadata": {"name": "alerts"}, "spec": spec})


def test_rules_by_alert() -> None:
    part = one(
        prometheus_rule(alert("Down", "up == 0"), alert("Old", "x")),
        prometheus_rule(alert("New", "y"), alert("Down", "up < 1")),
    )
    assert part.title == "Rules in alerts: 1 changed, 1 new, 1 gone"
    assert "- new alert `New` (group `g`, warning)\n- alert `Old` (group `g`, warning) goes" in (
        part.body
    )
    assert "In alert `Down` (group `g`, warning):" in part.body
    assert "| `expr` | `up == 0` | `up < 1` |" in part.body


def test_what_differs_alike_in_many_rules_is_told_once() -> None:
    part = one(
        prometheus_rule(*(alert(name, "x", team="a") for name in "ABC")),
        prometheus_rule(*(alert(name, "x", team="b") for name in "ABC")),
    )
    assert part.title == "Rules in alerts: 3 changed"
    assert part.body.count("`labels.team`") == 1
    assert "In 3 rules:" in part.body


def test_rules_in_a_file_for_a_ruler() -> None:
    def file(expr: str) -> dict[str, Any]:
        groups = {"groups": [{"name": "g", "rules": [alert("Down", expr)]}]}
        return config_map("rules", {"alerts.yaml": yaml.safe_dump(groups)})

    part = one(file("up == 0"), file("up < 1"))
    assert part.title == "Rules in alerts.yaml: 1 changed"


def test_a_file_that_comes_and_a_label_are_properties() -> None:
    before = config_map("c", {"a.json": "{}"})
    after = config_map("c", {"a.json": "{}", "b.json": '{"title": "B"}'})
    after["inputs"]["metadata"] = {**after["inputs"]["metadata"], "labels": {"x": "y"}}
    part = one(before, after)
    assert part.title == "Properties of 1 resource"
    assert "| `c` | `metadata.labels.x` | - | `y` |" in part.body
    assert "b.json" in part.body


def test_every_other_resource_in_one_table() -> None:
    bucket = "aws:s3/bucket:Bucket"
    before = [resource(bucket, n, {"tags": {"team": "a"}}) for n in ("one", "two")]
    after = [resource(bucket, n, {"tags": {"team": "b"}}) for n in ("one", "two")]
    [part] = parts(changes(planned(before), planned(after)))
    assert part.title == "Properties of 2 resources"
    assert "| `one` | `tags.team` | `a` | `b` |\n| `two` | `tags.team` | `a` | `b` |" in part.body


def test_what_comes_is_shown_whole_in_the_full_report() -> None:
    [change] = changes(planned([]), planned([release("tempo", {"a": 1})]))
    part = whole(change)
    assert part.title == "Release tracing-tempo-release is created"
    assert "  a: 1\n" in part.body


def test_a_long_part_is_folded() -> None:
    assert Part(title="t", body="a").text() == "**t**\n\na"
    assert Part(title="t", body="a\n" * 40).text().startswith("<details><summary>t</summary>")
