"""Messages about settings: no secret is repeated, and only what was written is reported."""

import itertools
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.checks import SettingsError, shown
from components.checks.messages import keys_of
from components.checks.validate import validate
from components.core.problem import Problem, looks_secret
from components.core.tier import Tier
from components.settings import TracingSettings
from components.tempo.settings import TempoKafkaSettings
from tests.checks.test_rules import stack_file
from tests.properties import examples
from tests.stack.any_settings import LEAVES
from tests.sweep import sweep

SECRET_NAMES = [
    *("password", "passwd", "passphrase", "token", "bearerToken", "secret", "clientSecret"),
    *("apiKey", "api_key", "accessKey", "secretAccessKey", "privateKey", "credentials"),
    *("authorization", "metricsPassword", "logsPassword", "METRICS_PASSWORD"),
]
GROUPS = [
    *((group,) for group in keys_of(TracingSettings) if group not in ("slos", "tags")),
    *(("backends", "metrics"), ("backends", "logs"), ("backends", "profiles")),
    *(("grafana", "serviceMonitor"), ("tempo", "workloads", "ingester"), ("alerts", "sloRules")),
]


def said(changes: dict[str, Any]) -> str:
    """Return the message about a stack file."""
    groups: dict[str, Any] = stack_file()
    for group, values in changes.items():
        known: dict[str, Any] = groups.get(group, {})
        groups[group] = values if isinstance(values, list) else {**known, **values}
    _, problems = validate(groups)
    assert problems
    return str(SettingsError("file", problems))


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for part in reversed(path):
        value = {part: value}
    return value


@sweep(("group", "name"), itertools.product(GROUPS, SECRET_NAMES))
def test_a_secret_is_not_repeated_and_leads_to_the_encrypted_key(
    group: tuple[str, ...], name: str
) -> None:
    message = said(nested((*group, name), "hunter2"))

    assert "hunter2" not in message
    assert f"{'.'.join((*group, name))}: [hidden]" in message
    if "metrics" in group:
        assert "pulumi config set --secret tracing:metricsPassword" in message
    elif "logs" in group:
        assert "pulumi config set --secret tracing:logsPassword" in message
    else:
        assert "encrypted key" in message
        assert re.search(r"tracing:(metrics|logs|profiles)Password", message)


@sweep(
    "changes",
    [
        {"alloy": {"extra": {"headers": [{"authorization": "hunter2"}]}}},
        {"grafana": {"url": {"password": "hunter2"}}},
        {"grafana": {"metrics": {"password": "hunter2"}}},
        {"grafana": {"url": "https://grafana?token=hunter2"}},
        {"grafana": {"url": "https://grafana/#hunter2"}},
        {"grafana": {"url": "https://admin:hunter2@grafana"}},
        {"tags": {"api-token": "hunter2;"}},
        {"tempo": ["x", {"password": "hunter2"}]},
        {"slos": [{"password": "hunter2"}]},
    ],
    ids=str,
)
def test_a_secret_in_a_wrong_place_is_not_repeated(changes: dict[str, Any]) -> None:
    assert "hunter2" not in said(changes)


def test_no_setting_is_taken_for_a_secret() -> None:
    assert [key for key in LEAVES if looks_secret(".".join(key))] == []


@sweep("value", ["a\x1b[2Jb", "a\x9bb", "a\u202eb"])
def test_a_terminal_gets_no_control_characters(value: str) -> None:
    error = SettingsError("file", [Problem(key=value, value=shown(value), message="is wrong")])
    assert all(c.isprintable() or c == "\n" for c in str(error))


def test_a_group_is_shown_as_it_is_written_and_without_secrets() -> None:
    kafka = TempoKafkaSettings.model_validate(
        {"address": "kafka:9092", "passwordSecret": {"name": "own", "key": "password"}}
    )

    assert shown(kafka) == '{"address": "kafka:9092", "passwordSecret": "[hidden]"}'
    assert shown([kafka]) == f"[{shown(kafka)}]"


def test_a_long_key_is_cut() -> None:
    message = said({"tempo": {"x" * 5000: 1}})
    assert max(map(len, message.splitlines())) < 500


@sweep(
    ("key", "value", "allowed"),
    [
        (("tempo", "retentionHours"), "168", "an integer from 2 to 87600"),
        (("tempo", "retentionHours"), 1, "an integer from 2 to 87600"),
        (("operator", "sampleRatio"), "0.5", "a number from 0 to 1"),
        (("beyla", "enabled"), "yes", "true or false"),
        (("beyla", "enabled"), 1, "true or false"),
    ],
)
def test_a_value_is_not_converted(key: tuple[str, ...], value: object, allowed: str) -> None:
    assert f"must be {allowed}" in said(nested(key, value))


def test_numbers_are_shown_as_written() -> None:
    assert "load.peakFactor: 3\n" in said({"load": {"peakFactor": 3}})


TREES = st.sampled_from(sorted(LEAVES)).flatmap(lambda path: st.tuples(st.just(path), LEAVES[path]))


@examples(80)
@given(tier=st.sampled_from(Tier), change=TREES)
def test_only_what_was_written_is_reported(tier: Tier, change: tuple[tuple[str, ...], Any]) -> None:
    """No default, neither of the settings nor of a tier, is called a contradiction."""
    path, value = change
    groups = stack_file(environment={"name": "qa", "tier": tier.value})
    node = groups
    for part in path[:-1]:
        node = node.setdefault(part, {})
    node[path[-1]] = value
    written = {f"{group}.{key}" for group, values in groups.items() for key in values}

    for problem in validate(groups)[1]:
        if problem.value:
            assert any(problem.key.startswith(key) for key in (*written, ".".join(path)))


@sweep("change", [{"protect": True}, {"existing": True, "bucket": "my-traces"}])
def test_the_default_of_a_tier_gives_way(change: dict[str, Any]) -> None:
    groups = stack_file(environment={"name": "local", "tier": "ephemeral"}, storage=change)
    settings, problems = validate(groups)

    assert problems == []
    assert not settings.storage.force_destroy
