"""Keys of Tempo's configuration, and limits of single tenants, that a stack file sets itself."""

from pathlib import Path
from typing import Any

import pytest

from components.checks.validate import parse_settings, validate
from components.checks.warnings import warnings
from components.core.settings import Size
from components.tempo.component import TempoArgs, values
from components.tempo.config import overrides
from components.tempo.settings import TempoMode, TempoSettings
from tests.stack.variants import CLUSTER, TEMPO_CONFIG
from tests.sweep import sweep
from tests.tempo.rendering import needs_charts, render, tempo_config

BASE: dict[str, Any] = {
    "environment": {"name": "dev"},
    "cluster": CLUSTER,
    "backends": {"metrics": {"url": "http://m", "remoteWriteUrl": "http://m/push"}},
}
TENANT = {"metrics_generator": {"max_active_series": 5}}
BOTH = sweep("mode", TempoMode)


def arguments(mode: TempoMode, **settings: Any) -> TempoArgs:
    own = TempoSettings(mode=mode, size=Size.M, **settings)
    return TempoArgs(settings=own, namespace="t", bucket="b", region="eu-west-1", cluster_name="c")


def said(**tempo: Any) -> dict[str, str]:
    found = validate({**BASE, "tempo": tempo})[1]
    return {problem.key: problem.message for problem in found}


@needs_charts
@BOTH
def test_the_configuration_is_merged_last(mode: TempoMode, tmp_path: Path) -> None:
    before = tempo_config(render(arguments(mode), tmp_path))
    after = tempo_config(render(arguments(mode, config=TEMPO_CONFIG), tmp_path))

    assert after["compactor"]["compaction"].pop("max_block_bytes") == 107_374_182_400
    before["compactor"]["compaction"].pop("max_block_bytes")
    assert after["querier"].pop("max_concurrent_queries") == 7
    before["querier"].pop("max_concurrent_queries", None)
    assert after["server"].pop("log_format") == "{{ a }}`b`"
    before["server"].pop("log_format", None)
    assert after["usage_report"].pop("reporting_enabled") is None
    assert before["usage_report"].pop("reporting_enabled") is False
    assert after == before


@needs_charts
@BOTH
def test_false_replaces_true(mode: TempoMode, tmp_path: Path) -> None:
    config = {"ingester": {"lifecycler": {"unregister_on_shutdown": False}}}
    found = tempo_config(render(arguments(mode, config=config), tmp_path))

    assert found["ingester"]["lifecycler"]["unregister_on_shutdown"] is False


@BOTH
def test_a_tenant_has_all_other_limits(mode: TempoMode) -> None:
    config = {"overrides": {"defaults": {"read": {"max_search_duration": "24h"}}}}
    args = arguments(mode, tenant="a", overrides={"a": TENANT}, config=config)
    built = values(args)
    [tenant] = (built["tempo"] if mode is TempoMode.MONOLITHIC else built)[
        "per_tenant_overrides"
    ].values()
    everyone = overrides(args)

    assert tenant["ingestion"] == {**everyone["ingestion"], "retry_info_enabled": True}
    assert tenant["global"] == everyone["global"]
    assert tenant["metrics_generator"] == {**everyone["metrics_generator"], "max_active_series": 5}
    assert tenant["read"]["max_search_duration"] == "24h"


@sweep(
    ("tempo", "key", "message"),
    [
        ({"config": {"querrier": {}}}, "config.querrier", "did you mean tempo.config.querier?"),
        ({"config": {"compactor": {"compaction": {"block_retention": "1h"}}}},
         "config.compactor.compaction.block_retention", "is what tempo.retentionHours sets"),
        ({"config": {"storage": {"trace": {"s3": {"secret_key": "x"}}}}},
         "config.storage.trace.s3.secret_key", "looks like a secret"),
        ({"config": {"storage": {"trace": {"s3": {"bucket": "x"}}}}},
         "config.storage.trace.s3.bucket", "is what storage.bucket sets"),
        ({"config": {"metrics_generator": {"processor": {"span_metrics": {"dimensions": ["a"]}}}}},
         "config.metrics_generator.processor.span_metrics.dimensions", "k8s.namespace.name"),
        ({"config": {"multitenancy_enabled": True}}, "config.multitenancy_enabled", "tempo.tenant"),
        ({"overrides": {"single-tenant": {"ingestion": {"rate_limit": 1}}}},
         "overrides.single-tenant.ingestion.rate_limit", "ingestion.rate_limit_bytes?"),
        ({"overrides": {"single-tenant": {"max_traces_per_user": 1}}},
         "overrides.single-tenant.max_traces_per_user", "is no key of overrides.defaults"),
        ({"overrides": {"team-b": TENANT}}, "overrides.team-b", "without tempo.tenant"),
        ({"overrides": {"team b": TENANT}}, "overrides.team b", "the key must be 1 to 150"),
        ({"overrides": {"single-tenant": []}}, "overrides.single-tenant", "must be a mapping"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_refused_with_what_is_right(
    tempo: dict[str, Any], key: str, message: str
) -> None:
    found = said(**tempo)

    assert message in found[f"tempo.{key}"]
    assert len(found) == 1


@pytest.mark.parametrize("tenant", ["*", "single-tenant"])
def test_one_tenant_has_overrides_without_multitenancy(tenant: str) -> None:
    assert said(overrides={tenant: TENANT}) == {}


def test_another_version_of_tempo_is_not_checked_and_the_plan_warns() -> None:
    tempo = {"imageTag": "2.11.0", "config": {"new": 1}, "overrides": {"*": {"newer": 1}}}
    found = [
        line for line in warnings(parse_settings({**BASE, "tempo": tempo})) if "not che" in line
    ]

    assert [line.split(" ")[0] for line in found] == ["tempo.config", "tempo.overrides.*"]
    assert said(imageTag="v2.10.8", config={"new": 1}).keys() == {"tempo.config.new"}
