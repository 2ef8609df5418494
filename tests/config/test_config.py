"""From a stack file to settings."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.checks import SettingsError
from components.checks.messages import nearest
from components.checks.validate import PRESETS, validate
from components.core.tier import Tier
from components.settings import TracingSettings
from config.loader import TracingConfig, load_config
from config.schema import PROJECT_FILE, written
from plan.recorder import Secret, record
from tests.sweep import sweep

ROOT = Path(__file__).parents[2]
CLUSTER = {
    "name": "test",
    "region": "eu-west-1",
    "accountId": "123456789012",
    "kubeContext": "test",
}


def groups(**more: Any) -> dict[str, Any]:
    return {"environment": {"name": "dev"}, "cluster": CLUSTER, **more}


def load(values: dict[str, Any], secret_keys: tuple[str, ...] = ()) -> TracingConfig:
    found: list[TracingConfig] = []
    config = {f"tracing:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
    record(
        lambda: found.append(load_config()),
        config=config,
        secret_keys=[f"tracing:{k}" for k in secret_keys],
    )
    return found[0]


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("local", Tier.EPHEMERAL),
        ("dev", Tier.DEVELOPMENT),
        ("staging", Tier.STAGING),
        ("prod", Tier.PRODUCTION),
        ("qa-7", Tier.PRODUCTION),
    ],
)
def test_the_tier_follows_from_the_name_and_is_production_in_doubt(name: str, tier: Tier) -> None:
    settings, problems = validate(groups(environment={"name": name}))
    assert not problems
    assert settings.environment.tier is tier
    assert settings.storage.protect is (tier is Tier.PRODUCTION)
    assert settings.charts.atomic is (tier is Tier.PRODUCTION)


def test_a_value_of_the_stack_file_wins_over_the_preset() -> None:
    settings, problems = validate(groups(storage={"protect": True}, beyla={"namespaces": []}))
    assert not problems
    assert settings.storage.protect
    assert settings.beyla.namespaces == []


def test_selected_services_replace_the_namespaces_of_the_tier() -> None:
    environment, services = {"name": "dev"}, [{"labels": {"team": "a"}}]
    settings, problems = validate(groups(environment=environment, beyla={"services": services}))
    assert not problems
    assert settings.beyla.namespaces == []


def test_presets_hold_only_keys_that_exist_and_differ_from_the_default() -> None:
    defaults = TracingSettings.model_validate(groups()).model_dump(by_alias=True)
    for preset in PRESETS.values():
        for group, values in preset.items():
            for key, value in values.items():
                assert defaults[group][key] != value


def test_snake_case_is_not_a_second_way_to_write_a_key() -> None:
    _, problems = validate(groups(tempo={"retention_hours": 48}))
    assert [p.message for p in problems] == ["unknown key; did you mean tempo.retentionHours?"]


def test_what_follows_from_a_misspelt_key_is_not_reported_twice() -> None:
    cluster = {k: v for k, v in CLUSTER.items() if k != "kubeContext"}
    _, problems = validate(groups(cluster={**cluster, "kubeContxt": "x"}))
    assert [p.key for p in problems] == ["cluster.kubeContxt"]


def test_all_entries_of_a_list_are_looked_at() -> None:
    _, problems = validate(groups(beyla={"namespaces": [1, "shop", 2]}))
    assert {p.key for p in problems} == {"beyla.namespaces[0]", "beyla.namespaces[2]"}


def test_a_required_key_of_an_optional_group_that_is_wrong_ends_the_search() -> None:
    _, problems = validate(groups(backends={"metrics": {"url": "no url"}}))
    assert {p.key for p in problems} == {"backends.metrics.url", "backends.metrics.remoteWriteUrl"}


def test_a_password_needs_its_user_and_a_user_its_password() -> None:
    metrics = {"url": "http://m.m.svc", "remoteWriteUrl": "http://m.m.svc", "username": "u"}
    with pytest.raises(SettingsError, match="--secret tracing:metricsPassword"):
        load(groups(backends={"metrics": metrics}))
    with pytest.raises(SettingsError, match=r"needs a user: set backends\.logs\.username"):
        load(groups(logsPassword="pw"), ("logsPassword",))


def test_passwords_stay_secret() -> None:
    metrics = {"url": "http://m.m.svc", "remoteWriteUrl": "http://m.m.svc", "username": "u"}
    values = groups(backends={"metrics": metrics}, metricsPassword="hunter2")
    config = {f"tracing:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}

    def program() -> None:
        import pulumi

        pulumi.export("password", load_config().metrics_password)

    recording = record(program, config=config, secret_keys=["tracing:metricsPassword"])
    assert recording.outputs["password"] == Secret("hunter2")


def test_the_aws_provider_is_bound_to_region_and_account() -> None:
    config = load(groups())
    assert config.aws == {"region": "eu-west-1", "allowed_account_ids": ["123456789012"]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("tempo", "retention_hours"), "tempo.retentionHours"),
        (("tempo", "retentionhours"), "tempo.retentionHours"),
        (("tempo", "retention"), "tempo.retentionHours"),
        (("alloy", "maxReplicas"), "alloy.workload.maxReplicas"),
        (("tempo", "rateLimitMib"), "tempo.limits.rateLimitMib"),
        # Other groups have keys of these names, or names that are alike by chance.
        (("tempo", "bucket"), None),
        (("tempo", "dimensions"), "tempo.spanMetrics.dimensions"),
        (("tempo", "replicas"), None),
        # Two of its groups have this key.
        (("alloy", "replicas"), None),
        (("grafana", "tags"), None),
        (("backends", "logs", "tags"), "backends.logs.labels.tags"),
        (("backends", "metrics", "remoteWriteURL"), "backends.metrics.remoteWriteUrl"),
        (("tempo", "xyzzy"), None),
    ],
)
def test_the_nearest_key(path: tuple[str, ...], expected: str | None) -> None:
    assert nearest(path) == expected


def test_written_files_are_up_to_date() -> None:
    for path, text in written(ROOT).items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path}: run `make docs`"


def test_the_declared_block_of_the_project_holds_each_group_once() -> None:
    project = yaml.safe_load((ROOT / PROJECT_FILE).read_text())
    aliases = [f.alias for f in TracingSettings.model_fields.values()]
    assert list(project["config"]) == aliases


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
keys = st.sampled_from(
    sorted({f.alias or "" for f in TracingSettings.model_fields.values()})
) | st.text(max_size=8)
inner_keys = st.sampled_from(
    ["mode", "size", "name", "namespaces", "workload", "workloads", "metrics", "url", "endpoint"]
)


@given(st.dictionaries(keys, values | st.dictionaries(inner_keys, values, max_size=4), max_size=5))
def test_no_value_at_all_breaks_the_validation(given_groups: dict[str, Any]) -> None:
    known = {f.alias for f in TracingSettings.model_fields.values()}
    settings, problems = validate({k: v for k, v in given_groups.items() if k in known})
    assert isinstance(settings, TracingSettings)
    if "cluster" not in given_groups:
        assert problems


@sweep(
    ("stack", "name", "refused"),
    [
        ("prod", "dev", True),
        ("dev", "prod", True),
        ("prod-eu", "staging", True),
        ("prod", "prod", False),
        ("prod-eu", "prod", False),
        ("dev", "development", False),
        ("dev", "qa", False),
        ("platform", "dev", False),
    ],
)
def test_a_copied_file_is_refused(stack: str, name: str, refused: bool) -> None:
    found: list[str] = []

    def program() -> None:
        try:
            load_config()
        except SettingsError as error:
            found.append(str(error))

    config = {"tracing:environment": json.dumps({"name": name})}
    record(program, config=config, stack=stack)

    assert ("the file is a copy of another stack's" in found[0]) == refused


def test_a_key_of_an_earlier_release_names_the_new_one_and_keeps_its_password() -> None:
    old = {"grafana": {"metrics": {"url": "http://m", "password": "hunter2"}}}
    (found,) = validate(groups(**old))[1]
    assert found.key == "grafana.metrics"
    assert "backends.metrics" in found.message
    assert "hunter2" not in f"{found.value} {found.message}"
