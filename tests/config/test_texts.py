"""Strings of settings: message, schema and document say the same of what is allowed."""

import itertools
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast, get_args, get_origin

import jsonschema
import pytest
from pydantic import BaseModel, TypeAdapter

from components.alerting.slo.settings import SloSettings
from components.checks import SettingsError
from components.checks.messages import all_fields, entry_model, inner_model, kind_of, texts_of
from components.checks.validate import parse_settings
from components.core.texts import Text
from components.settings import TracingSettings
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


SLO = {
    "name": "a",
    "owner": "o",
    "objective": 99,
    "ratio": {"bad": "rate(b[window])", "total": "rate(t[window])"},
    "latency": {"service": "s", "namespace": "n", "thresholdSeconds": 1.02},
    "availability": {"service": "s", "namespace": "n"},
}
Key = tuple[str | int, ...]
#: Stands in a path for any entry of a mapping: its value, or its key.
VALUE, KEY = "any", "any key"


def _texts(
    model: type[BaseModel] = TracingSettings, prefix: Key = ()
) -> Iterator[tuple[Key, Text]]:
    """Yield each place of a string, with what it must be."""
    for name, field in model.model_fields.items():
        path = (*prefix, field.alias or name)
        if path[1:] == ("placement",):
            # That of each system has the keys of that of the stack.
            continue
        bare = field.annotation
        options = [option for option in get_args(bare) if get_origin(option) is list]
        found = list(texts_of(field))
        if inner := inner_model(field):
            yield from _texts(inner, path)
        elif entry := entry_model(field):
            yield from _texts(entry, (*path, 0))
        elif "propertyNames" in json.dumps(TypeAdapter[Any](cast(Any, bare)).json_schema()):
            # Keys of all mappings have a type; the value of some labels is any string.
            *value, key = found
            yield (*path, KEY), key
            yield from (((*path, VALUE), text) for text in value)
        elif found:
            yield (*path, 0) if options or get_origin(bare) is list else path, found[0]


@cache
def texts() -> dict[Key, Text]:
    """Return what the string at each place must be."""
    return dict(_texts())


@cache
def written() -> str:
    """Return docs/config.md, which every case reads."""
    return reference()


@cache
def editors_schema() -> dict[str, Any]:
    return json_schema()


each_text = sweep("path", texts, ids=lambda path: ".".join(map(str, path)))


def message(path: Key, value: Any) -> str:
    """Return the message about a value at a place, or about a key of a mapping."""
    groups = json.loads(json.dumps(BASE))
    if path[0] == "slos":
        groups["slos"] = [json.loads(json.dumps(SLO))]
    node: Any = groups
    for part, after in itertools.pairwise(path):
        if isinstance(part, int):
            if part == len(node):
                node.append({})
            node = node[part]
        else:
            node = node.setdefault(part, [] if isinstance(after, int) else {})
    *_, last = path
    if last == KEY:
        node[str(value)] = "x"
    elif isinstance(last, int):
        node.append(value)
    else:
        node[last] = value
    with pytest.raises(SettingsError) as refused:
        parse_settings(groups)
    return str(refused.value)


def test_every_string_says_what_it_must_be() -> None:
    untyped = {key for key, field in all_fields() if kind_of(field) == "a string"}
    assert untyped == set()
    in_lists = {kind_of(f) for m in (SloSettings,) for f in m.model_fields.values()}
    assert "a string" not in in_lists
    assert len(texts()) >= 60


@each_text
def test_a_wrong_value_is_told_what_is_allowed_with_an_example(path: Key) -> None:
    # Too long for all, and a line break for those that take some length.
    said = message(path, "a b\n" * 2000)

    assert f"must be {texts()[path]}" in said
    # Neither key nor value floods the terminal.
    assert max(map(len, said.splitlines())) < 500


@each_text
def test_another_kind_is_told_the_same(path: Key) -> None:
    if path[-1] != KEY:
        assert f"must be {texts()[path]}" in message(path, {"a": 1})


@each_text
def test_a_number_is_to_be_put_in_quotes(path: Key) -> None:
    if path[-1] != KEY:
        assert re.search("in quotes", message(path, 1.5))


@each_text
def test_its_own_example_is_accepted(path: Key) -> None:
    example = texts()[path].example.strip('"')
    try:
        said = message(path, example)
    except pytest.fail.Exception:
        return
    # Other settings may have to change with it.
    assert f"must be {texts()[path]}" not in said.replace("is missing: it must be", "")


@each_text
def test_the_document_says_the_same(path: Key) -> None:
    assert str(texts()[path]) in written()


@each_text
def test_the_schema_takes_the_example_and_refuses_what_is_refused(path: Key) -> None:
    schema = editors_schema()
    node: Any = schema["properties"]["config"]["properties"][f"tracing:{path[0]}"]
    for part in path[1:]:
        node = _below(schema, node, part)
    found = [option for option in _options(schema, node) if option.get("type") == "string"]

    assert len(found) == 1
    assert found[0]["examples"] == [texts()[path].example.strip('"')]
    jsonschema.validate(texts()[path].example.strip('"'), found[0])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate("a b\n" * 2000, found[0])


def _below(schema: Any, node: Any, part: str | int) -> Any:
    for option in _options(schema, node):
        if part == KEY:
            [pattern] = option["patternProperties"]
            assert option["additionalProperties"] is False
            return {"type": "string", "pattern": pattern, **option["propertyNames"]}
        if part == VALUE:
            [value] = option["patternProperties"].values()
            return value
        if part in option.get("properties", ()):
            return option["properties"][part]
        if isinstance(part, int) and "items" in option:
            return option["items"]
    raise AssertionError(node)


def _options(schema: Any, node: Any) -> list[Any]:
    if "$ref" in node:
        return _options(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
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
        ("backends.metrics.url", "http://m..svc"),
        ("backends.metrics.url", "http://m-.svc"),
        ("backends.metrics.remoteWriteUrl", "http://[0]"),
        ("charts.repository", "https://[::::]/charts"),
        ("alerts.runbookBaseUrl", "https://[fd00]/runbooks"),
        ("charts.imageRegistry", "registry..example.com"),
        ("storage.endpoint", "http://s3..svc"),
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
        ("tempo.placement.priorityClass", "on"),
        ("beyla.placement.priorityClass", "null"),
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
    assert "has the same key as Team for IAM, which ignores case" in said


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
