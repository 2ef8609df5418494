"""Tenants: settings that contradict each other, Tempo's and Grafana's part, and a real Alloy."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.alloy.pipeline import config
from components.alloy.sampling.pipeline import config as sampler_config
from components.alloy.sizes import queue_bytes
from components.alloy.text import parse
from components.checks.validate import parse_settings, validate
from components.checks.warnings import warnings
from components.core.units import MIB
from components.stack import TracingStack, TracingStackArgs, grafana_files
from components.tempo import system as tempo_system
from components.tempo.config import generator_registry, tenant_overrides
from components.tenancy.settings import TenancySettings
from plan.recorder import record
from tests.alloy.cases import TENANCY, arguments
from tests.alloy.gateway import gateway, needs_alloy, wait_for
from tests.alloy.sampler_cases import variants as sampler_variants
from tests.alloy.sinks import trace_sink
from tests.alloy.test_alloy_binary import spans
from tests.checks.test_rules import stack_file
from tests.sweep import sweep

PAY: dict[str, Any] = {"name": "pay", "namespaces": ["payments", "ledger"]}
SHARED: dict[str, Any] = {"name": "shared"}
BASE: dict[str, Any] = {"mode": "byNamespace", "tenants": [PAY, SHARED], "default": "shared"}
BY_ATTRIBUTE: dict[str, Any] = {
    "mode": "byAttribute",
    "attribute": "team",
    "tenants": [{"name": "a", "values": ["a"]}],
    "dropUnlisted": True,
}

REFUSED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("tenancy.default", {"default": "shared"}, {}),
    ("tenancy.tenants", {"mode": "byNamespace", "dropUnlisted": True}, {}),
    ("tenancy.default", {**BASE, "default": None, "tenants": [PAY]}, {}),
    ("tenancy.default", {**BASE, "default": "other", "tenants": [PAY]}, {}),
    ("tenancy.dropUnlisted", {**BASE, "dropUnlisted": True}, {}),
    ("tenancy.readAll", {**BY_ATTRIBUTE, "readAll": False}, {}),
    ("tenancy.attribute", {**BASE, "attribute": "team"}, {}),
    ("tenancy.attribute", {**BY_ATTRIBUTE, "attribute": None}, {}),
    ("tenancy.tenants[0].values", {**BASE, "tenants": [{**PAY, "values": ["x"]}, SHARED]}, {}),
    (
        "tenancy.tenants[0].namespaces",
        {**BY_ATTRIBUTE, "tenants": [{"name": "a", "values": ["a"], "namespaces": ["a"]}]},
        {},
    ),
    (
        "tenancy.tenants[1].namespaces",
        {**BASE, "tenants": [PAY, {"name": "x", "namespaces": ["ledger"]}, SHARED]},
        {},
    ),
    ("tenancy.tenants[1].name", {**BASE, "tenants": [PAY, PAY, SHARED]}, {}),
    ("tenancy.tenants[1].namespaces", {**BASE, "tenants": [PAY, {"name": "x"}, SHARED]}, {}),
    (
        "tenancy.tenants[1].name",
        {**BASE, "tenants": [PAY, {"name": "PAY"}], "default": "PAY"},
        {},
    ),
    (
        "tenancy.tenants[0].retentionHours",
        {**BASE, "tenants": [{**PAY, "retentionHours": 8000}, SHARED]},
        {},
    ),
    (
        "tenancy.tenants[0].limits.rateLimitMib",
        {**BASE, "tenants": [{**PAY, "limits": {"rateLimitMib": 99}}, SHARED]},
        {},
    ),
    ("alloy.redaction.allowed", BY_ATTRIBUTE, {"alloy": {"redaction": {"allowed": ["cart.*"]}}}),
    ("tempo.tenant", BASE, {"tempo": {"tenant": "all"}}),
    ("tempo.jaeger", BASE, {"tempo": {"jaeger": True}}),
    ("tempo.zipkin", BASE, {"tempo": {"zipkin": True}}),
    ("tempo.overrides.other", BASE, {"tempo": {"overrides": {"other": {}}}}),
]


@sweep(("key", "tenancy", "groups"), REFUSED)
def test_contradictions_are_refused(
    key: str, tenancy: dict[str, Any], groups: dict[str, Any]
) -> None:
    _, found = validate(stack_file(tenancy=tenancy, **groups))

    assert [problem.key for problem in found] == [key]


def test_off_needs_no_quotes_in_yaml() -> None:
    assert not TenancySettings.model_validate({"mode": False}).enabled
    assert validate(stack_file(tenancy={"mode": True}))[1]


def test_tenants_that_senders_choose_are_a_warning() -> None:
    told = "\n".join(warnings(parse_settings(stack_file(tenancy=BY_ATTRIBUTE))))
    assert "senders set team" in told
    assert "are dropped" in told
    forged = stack_file(tenancy=BASE, alloy={"trustUnidentified": True})
    assert "can choose their tenant" in "\n".join(warnings(parse_settings(forged)))
    assert "tenancy" not in "\n".join(warnings(parse_settings(stack_file(tenancy=BASE))))


def test_tempo_keeps_tenants_apart_with_limits_of_their_own() -> None:
    pay = {**PAY, "limits": {"rateLimitMib": 2, "maxActiveSeries": 5000}, "retentionHours": 24}
    metrics = {"url": "http://m.m.svc", "remoteWriteUrl": "http://m.m.svc"}
    settings = parse_settings(
        stack_file(
            tenancy={**BASE, "tenants": [pay, SHARED]},
            tempo={"overrides": {"shared": {"ingestion": {"max_traces_per_user": 7}}}},
            backends={"metrics": metrics},
        )
    )
    args = tempo_system.args(settings, has_credentials=False)
    overrides = tenant_overrides(args)

    assert args.multitenant
    assert overrides["pay"]["ingestion"]["rate_limit_bytes"] == 2 * MIB
    assert overrides["pay"]["metrics_generator"]["max_active_series"] == 5000
    assert overrides["pay"]["compaction"] == {"block_retention": "24h"}
    # What a tenant does not set is as for all tenants.
    assert overrides["pay"]["metrics_generator"]["processors"]
    assert overrides["shared"]["ingestion"]["max_traces_per_user"] == 7
    assert generator_registry(args)["inject_tenant_id_as"] == "tenant"


@pytest.mark.parametrize(("read_all", "tenant"), [(True, "pay|shared"), (False, "shared")])
def test_each_tenant_has_a_datasource(read_all: bool, tenant: str) -> None:
    settings = parse_settings(stack_file(tenancy={**BASE, "readAll": read_all}))
    files = grafana_files(settings)
    made = record(lambda: TracingStack("tracing", TracingStackArgs(settings=settings)))

    header = '"httpHeaderValue1": "{}"'
    for uid, name in (("", tenant), ("-pay", "pay"), ("-shared", "shared")):
        assert header.format(name) in files[f"datasources/tracing-tempo{uid}.json"]
    maps = {r.inputs["metadata"]["name"] for r in made.of_type("kubernetes:core/v1:ConfigMap")}
    assert {f"tracing-datasource-tempo{uid}" for uid in ("", "-pay", "-shared")} <= maps


def test_the_queue_is_shared_and_fits_the_largest_request() -> None:
    args = arguments(tenancy=TENANCY)
    blocks = [b for b in parse(config(args)).blocks if b.name == "send_to_tempo"]

    assert [b.label for b in blocks] == ["tenant_1", "tenant_2"]
    shares = {int(b.attributes["queue_bytes"]) for b in blocks}
    assert shares == {queue_bytes(args.settings) // 2}


def test_samplers_send_as_the_tenants_too() -> None:
    [args] = [a for name, a in sampler_variants().items() if name == "tenants"]
    text = sampler_config(args)

    assert text.count('keep_tenant "tenant_') == 2
    assert 'send_to_tempo "default"' not in text


def sent(
    tenancy: TenancySettings, folder: Path, resources: list[Mapping[str, str]], **changed: Any
) -> dict[str, set[str]]:
    """Return the names of the spans that came with each tenant's header.

    The name of a span is the number of its resource.
    """
    with trace_sink() as sink:
        args = arguments(tempo_endpoint=sink.endpoint, tenancy=tenancy, **changed)
        with gateway(args, folder) as alloy:
            for number, resource in enumerate(resources):
                body = spans({"service.name": "shop", **resource}, {str(number): {}})
                assert alloy.send("traces", body, **{"X-Scope-OrgID": "pay"}) == 200
            expected = len(resources) - sum(r.get("drop") == "yes" for r in resources)
            wait_for(lambda: len(sink.spans) >= expected)
    found: dict[str, list[str]] = defaultdict(list)
    for tenant, span in sink.by_tenant:
        found[tenant].append(span.name)
    for names in found.values():
        assert len(set(names)) == len(names), "a span came twice"
    return {tenant: set(names) for tenant, names in found.items()}


@needs_alloy
def test_each_span_goes_to_one_tenant_once(tmp_path: Path) -> None:
    resources: list[Mapping[str, str]] = [
        {"k8s.namespace.name": "payments"},
        {"k8s.namespace.name": "ledger"},
        {"k8s.namespace.name": "payments-2"},
        {"k8s.namespace.name": ""},
        {},
    ]
    # The connection of a test belongs to no pod: trusted, it may name its namespace.
    assert sent(TENANCY, tmp_path, resources, trust_unidentified=True) == {
        "pay": {"0", "1"},
        "shared": {"2", "3", "4"},
    }


@needs_alloy
def test_an_untrusted_sender_does_not_choose(tmp_path: Path) -> None:
    assert sent(TENANCY, tmp_path, [{"k8s.namespace.name": "payments"}]) == {"shared": {"0"}}


@needs_alloy
def test_spans_of_no_tenant_are_dropped_where_asked(tmp_path: Path) -> None:
    tenants = [{"name": "a", "values": ["a", 'b"]']}, {"name": "c", "values": ["c"]}]
    tenancy = TenancySettings.model_validate({**BY_ATTRIBUTE, "tenants": tenants})
    resources: list[Mapping[str, str]] = [
        {"team": "x", "drop": "yes"},
        {"drop": "yes"},
        {"team": "a"},
        {"team": 'b"]'},
        {"team": "c"},
    ]
    assert sent(tenancy, tmp_path, resources) == {"a": {"2", "3"}, "c": {"4"}}
