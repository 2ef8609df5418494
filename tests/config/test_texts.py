"""Strings of settings: message, schema and document say the same of what is allowed."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_origin

import pytest

from components.checks import SettingsError
from components.checks.messages import all_fields, entry_model, text_of
from components.checks.validate import parse_settings
from components.core.texts import Text
from config.schema import json_schema, reference
from tests.sweep import sweep

BASE: dict[str, Any] = {
    "environment": {"name": "qa"},
    "cluster": {"name": "c1", "region": "eu-west-1", "accountId": "111111111111"},
    "backends": {
        "metrics": {"url": "http://m", "remoteWriteUrl": "http://m/push"},
        "logs": {"url": "http://l", "otlpUrl": "http://l/otlp"},
        "profiles": {"url": "http://p"},
    },
}


def texts() -> Iterator[tuple[tuple[str, ...], Text]]:
    """Yield every string setting with a type of its own; entries of lists of mappings left out."""
    for key, field in all_fields():
        if entry_model(field) is None and (text := text_of(field)):
            yield tuple(key.split(".")), text


TEXTS = dict(texts())
each_text = sweep("path", TEXTS, ids=".".join)


def message(path: tuple[str, ...], value: Any) -> str:
    """Return what is said of a value."""
    groups = json.loads(json.dumps(BASE))
    node = groups
    for part in path[:-1]:
        node = node.setdefault(part, {})
    node[path[-1]] = value
    with pytest.raises(SettingsError) as refused:
        parse_settings(groups)
    return str(refused.value)


LISTS = {key for key, field in all_fields() if get_origin(field.annotation) is list}


def test_there_are_many() -> None:
    assert len(TEXTS) >= 35


@each_text
def test_a_wrong_value_is_told_what_is_allowed_with_an_example(path: tuple[str, ...]) -> None:
    wrong = "a b\n"
    said = message(path, [wrong] if ".".join(path) in LISTS else wrong)

    assert f"{'.'.join(path)}" in said
    assert f"must be {TEXTS[path]}" in said


@each_text
def test_another_kind_is_told_the_same(path: tuple[str, ...]) -> None:
    assert str(TEXTS[path]) in message(path, {"a": 1})


@each_text
def test_the_document_says_the_same(path: tuple[str, ...]) -> None:
    assert str(TEXTS[path]) in reference()


@each_text
def test_the_schema_has_a_pattern_that_takes_the_example(path: tuple[str, ...]) -> None:
    schema = json_schema()
    node: Any = schema["properties"]["config"]["properties"][f"tracing:{path[0]}"]
    for part in path[1:]:
        node = _resolved(schema, node)["properties"][part]
    found = [option for option in _options(schema, node) if "pattern" in option]

    assert found
    assert re.search(found[0]["pattern"], TEXTS[path].example.strip('"'))


def _resolved(schema: Any, node: Any) -> Any:
    for option in _options(schema, node):
        if "properties" in option:
            return option
    raise AssertionError(node)


def _options(schema: Any, node: Any) -> list[Any]:
    if "$ref" in node:
        return _options(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    if "items" in node:
        return _options(schema, node["items"])
    return [o for one in node.get("anyOf", []) for o in _options(schema, one)] or [node]


@sweep(
    ("key", "value"),
    [
        # Each would be refused late, by Kubernetes, a chart or Grafana, or by nobody.
        ("grafana.dashboardLabel", "bad label!"),
        ("grafana.dashboardLabelValue", "bad value!"),
        ("grafana.folder", "../../etc"),
        ("grafana.folder", "/etc"),
        ("grafana.folder", ".."),
        ("grafana.folder", "a\nb"),
        ("backends.metrics.url", "http://m?x=1"),
        ("backends.metrics.url", "http://m#x"),
        ("backends.metrics.url", "http:///x"),
        ("backends.metrics.url", "http://m/%zz"),
        ("backends.metrics.url", "http://m:99999"),
        ("backends.logs.otlpUrl", "http://l:0/otlp"),
        ("cluster.oidcIssuer", "https://oidc.example.com/*"),
        ("cluster.oidcIssuer", "https://u@oidc.example.com/id"),
        ("charts.imageRegistry", "registry.example.com/"),
        ("charts.imageRegistry", "Registry.example.com"),
        ("charts.imageRegistry", "registry.example.com/../x"),
        ("charts.imageRegistry", "registry.example.com:99999"),
        ("charts.repository", "https://u:p@charts.example.com"),
        ("tempo.storageClass", "123"),
        ("tempo.storageClass", "true"),
        ("tempo.storageClass", "1.5"),
        ("tempo.priorityClass", "on"),
        ("beyla.priorityClass", "null"),
        ("storage.endpoint", "http://s3:70000"),
        ("alerts.runbookBaseUrl", "docs/runbooks"),
        ("alerts.runbookBaseUrl", "https://git/{{ x }}"),
        ("tags.Environment", "qa"),
    ],
)
def test_what_others_refuse_is_refused_here(key: str, value: str) -> None:
    assert key in message(tuple(key.split(".")), value)


def test_tags_that_differ_in_case_alone_are_refused() -> None:
    said = message(("tags",), {"Team": "a", "team": "b"})
    assert "is the same key as Team to IAM, which ignores case" in said


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    said = message(("backends", "metrics", "url"), "http://tempo:hunter2@metrics")
    assert "hunter2" not in said
    assert "//[hidden]@metrics" in said
    assert "without user" in said


@sweep(
    ("key", "value"),
    [
        ("grafana.folder", "Tracing & SLOs"),
        ("backends.metrics.url", "http://[fd00::1]:9090/prometheus/"),
        ("grafana.url", "https://grafana.example.com/sub-path"),
        ("charts.imageRegistry", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mirror"),
        ("charts.imageRegistry", "localhost:5000"),
        ("tempo.storageClass", "gp3"),
        ("tempo.storageClass", "3-replicas"),
    ],
)
def test_what_others_take_is_taken(key: str, value: str) -> None:
    groups = json.loads(json.dumps(BASE))
    group, *rest = key.split(".")
    node = groups.setdefault(group, {})
    for part in rest[:-1]:
        node = node.setdefault(part, {})
    node[rest[-1]] = value
    parse_settings(groups)
