"""Values by the keys of charts: merged last, checked, shown, and judged by the policies."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components import BeylaSettings, SettingsError, Tempo, TempoArgs, TempoSettings
from components.alloy.system import args as alloy_args
from components.alloy.values import values as alloy_values
from components.checks.messages import all_keys
from components.checks.validate import parse_settings, validate
from components.checks.warnings import warnings
from components.core import contracts, helm
from components.core.contracts import Contract
from components.core.overrides import merged
from components.core.registry import SYSTEMS
from components.core.tier import Tier
from components.tempo.component import values as tempo_values
from plan.policies import ask
from plan.recorder import record
from plan.stackfile import read
from plan.write import files
from tests.stack.each_setting import plan
from tests.stack.variants import CLUSTER, recorded, releases
from tests.sweep import sweep

SECRET = "hunter2"
BASE: dict[str, Any] = {"environment": {"name": "dev"}, "cluster": CLUSTER}
DISTRIBUTED = {"mode": "distributed", "size": "m"}


def said(**groups: Any) -> dict[str, str]:
    """Return the messages about settings by their keys."""
    found = validate({**BASE, **groups})[1]
    assert SECRET not in str(found)
    return {problem.key: problem.message for problem in found}


def owned() -> list[tuple[Contract | None, str, str]]:
    """Return every key that the stack owns, with its chart's contract and its owner."""
    return [
        (check.contract, key, owner)
        for tempo in ({}, {"version": 3}, DISTRIBUTED)
        for system in SYSTEMS
        for check in system.checks(parse_settings({**BASE, "tempo": tempo}))
        for key, owner in check.owned.items()
    ]


@sweep(("contract", "key", "owner"), owned)
def test_the_stack_owns_keys_that_exist(contract: Contract | None, key: str, owner: str) -> None:
    assert contract
    tree: Any = None
    for part in reversed(key.split(".")):
        tree = {part: tree}
    above = [key[:end] for end, c in enumerate(key) if c == "."]
    assert not list(contract.unknown(tree)) or not contract.anything.isdisjoint(above)
    assert " " in owner or owner in all_keys()


@sweep(
    ("system", "values", "key", "message"),
    [
        ("alloy", {"contoller": {}}, "contoller", "did you mean alloy.values.controller?"),
        ("alloy", {"alloy": {"listnPort": 1}}, "alloy.listnPort", "alloy.values.alloy.listenPort?"),
        ("alloy", {"zzz": 1}, "zzz", "is no key of alloy 1.11.1; the keys there are agent, alloy,"),
        ("alloy", {"alloy.listenPort": 1}, "alloy.listenPort", "write a mapping for each part"),
        ("alloy", {"alloy": {"listenPort": 1}}, "alloy.listenPort", "network policies follow"),
        ("alloy", {"alloy": {"configMap": {"key": "x"}}}, "alloy.configMap.key", "generated from"),
        ("alloy", {"alloy": None}, "alloy", "replaces alloy.configMap, which is the stack's own"),
        ("alloy", {"controller": {"tolerations": []}}, "controller.tolerations",
         "is what alloy.placement.tolerations sets: set that, and remove this key"),
        ("alloy", {"alloy": {"clustering": {"enabled": "no"}}}, "alloy.clustering.enabled",
         "must be true or false"),
        ("alloy", {"alloy": {"clustering": []}}, "alloy.clustering", "must be a mapping"),
        ("alloy", {"ingress": {"hosts": {}}}, "ingress.hosts", "must be a list"),
        ("alloy", {"alloy": {"extraPorts": []}}, "alloy.extraPorts",
         'add {"name": "otlp-grpc", "port": 4317, "targetPort": 4317, "protocol": "TCP", '
         '"appProtocol": "grpc"}, {"name": "otlp-http"'),
        ("alloy", {"alloy": {"extraPorts": {"a": 1}}}, "alloy.extraPorts.a", "must contain its"),
        ("tempo", {"tempo": {"extraEnv": [{"name": "GOMEMLIMIT", "value": "1GiB"}]}},
         "tempo.extraEnv", 'choose others than "GOMEMLIMIT"'),
        ("tempo", {"replicas": 2}, "replicas", "mode monolithic is one process"),
        ("alloy", {"controller": {"minReadySeconds": 5}}, "controller.minReadySeconds",
         "is the stack's own, because the timeout of the release follows from it"),
        ("beyla", {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 1}}},
         "updateStrategy.rollingUpdate.maxUnavailable", "timeout of the release"),
        ("tempo", {"ingester": {}}, "ingester", "is no key of tempo 2.2.4"),
        ("beyla", {"config": {"data": {"discovery": {"instrument": []}}}},
         "config.data.discovery.instrument", "is what beyla.namespaces sets"),
        ("operator", {"manager": {"resources": {"limits": {"cpu": "1"}}}},
         "manager.resources.limits.cpu", "is what operator.workload sets"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_refused_with_what_is_right(
    system: str, values: dict[str, Any], key: str, message: str
) -> None:
    found = said(**{system: {"values": values}})

    assert message in found[f"{system}.values.{key}"]
    assert len(found) == 1


def test_keys_are_those_of_the_chart_in_use() -> None:
    values = {"ingester": {"config": {"max_block_duration": "1h"}, "replicas": 4}, "replicas": 1}
    found = said(tempo={**DISTRIBUTED, "values": values})

    assert "generated" in found["tempo.values.ingester.config.max_block_duration"]
    assert "tempo.workloads.ingester.replicas" in found["tempo.values.ingester.replicas"]
    assert "is no key of tempo-distributed" in found["tempo.values.replicas"]


@sweep(
    "values",
    [
        {"alloy": {"extraEnv": [{"name": "DB_PASSWORD", "value": SECRET}]}},
        {"alloy": {"extraArgs": [f"--remote.password={SECRET}"]}},
        {"alloy": {"livenessProbe": {"httpHeaders": [{"name": "Authorization", "value": SECRET}]}}},
        {"service": {"annotations": {"example.com/api-key": SECRET}}},
        {"service": {"annotations": {"a": f"http://me:{SECRET}@host"}}},
        {"serviceMonitor": {"tlsConfig": {"password": 12345}}},
        {"password": SECRET},
        {"extraObjects": [{"kind": "Secret", "stringData": {"password": SECRET}}]},
    ],
)
def test_a_secret_is_refused_and_never_shown(values: dict[str, Any]) -> None:
    [(key, message)] = said(alloy={"values": values}).items()

    assert key.startswith("alloy.values.")
    assert "Kubernetes Secret" in message or "is no key" in message
    with pytest.raises(SettingsError) as refused:
        parse_settings({**BASE, "alloy": {"values": {**values, "x": values}}})
    assert SECRET not in str(refused.value)


def test_a_reference_to_a_secret_is_none() -> None:
    reference = {"secretKeyRef": {"name": "db-token", "key": "password"}}
    values = {
        "alloy": {
            "extraEnv": [{"name": "DB_PASSWORD", "valueFrom": reference}],
            "envFrom": [{"secretRef": {"name": "credentials"}}],
        },
        "serviceAccount": {"automountServiceAccountToken": True},
    }
    assert said(alloy={"values": values}) == {}


def nested(levels: int) -> Any:
    return {"a": nested(levels - 1)} if levels else "x"


@sweep(
    ("values", "message"),
    [
        (None, "must be a mapping of any values"),
        ([], "must be a mapping of any values"),
        ("x", "must be a mapping of any values"),
        ({5: 1}, "has the key 5, which must be a string in quotes"),
        ({"service": {None: 1}}, "has the key null, which must be a string"),
        ({"extraObjects": [{True: 1}]}, "has the key true, which must be a string"),
        ({"service": nested(40)}, "nested more than 30 levels deep"),
        ({"a": float("nan")}, "can't keep exactly"),
        ({"a": float("inf")}, "can't keep exactly"),
        ({"a": 10**400}, "can't keep exactly"),
        ({"a": {1, 2}}, "has a value of type set"),
    ],
    ids=lambda case: repr(case)[:40],
)
def test_what_is_no_tree_of_values_is_refused(values: Any, message: str) -> None:
    assert message in said(alloy={"values": values})["alloy.values"]


def test_anchors_and_merge_keys_of_yaml_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: tracing\nruntime: python\n")
    (tmp_path / "Pulumi.qa.yaml").write_text(
        "config:\n  tracing:alloy:\n    values:\n      service: &a {internalTrafficPolicy: Local}\n"
        "      ingress: {annotations: {<<: *a, x: y}}\n"
    )
    values = json.loads(read(tmp_path, "qa").values["tracing:alloy"])["values"]

    assert values["ingress"]["annotations"] == {"internalTrafficPolicy": "Local", "x": "y"}
    assert said(alloy={"values": values}) == {}


def test_values_merge_last_lists_replace_and_null_removes() -> None:
    built = {"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}}
    given = {"a": {"c": [3]}, "d": None, "e": 5, "g": {"h": None}}

    assert merged(built, given) == {"a": {"b": 1, "c": [3]}, "d": None, "e": 5, "g": {"h": None}}
    assert built["a"] == {"b": 1, "c": [1, 2]}


def test_entries_with_names_are_added_to_those_of_the_stack() -> None:
    own, other = {"name": "a", "value": "1"}, {"name": "b", "value": "2"}

    assert merged({"env": [own]}, {"env": [own, other]}) == {"env": [own, other]}
    assert merged({"env": [own]}, {"env": [other, "c"]}) == {"env": [other, "c"]}
    assert said(tempo={"values": {"tempo": {"extraEnv": [other]}}}) == {}


def test_releases_have_the_values() -> None:
    found = {
        release.name: release.inputs["values"] for release in releases(recorded("distributed-irsa"))
    }

    assert found["tracing-tempo-release"]["ingester"]["service"] == {
        "annotations": {"example.com/a": "b"}
    }
    assert found["tracing-tempo-release"]["ingester"]["replicas"] == 5
    alloy = found["tracing-alloy-release"]
    assert alloy["service"] == {"internalTrafficPolicy": "Local"}
    assert alloy["controller"]["revisionHistoryLimit"] == 5
    assert alloy["controller"]["updateStrategy"] is None
    assert found["tracing-beyla-release"]["config"]["data"]["log_level"] == "DEBUG"
    assert found["tracing-operator-release"]["pdb"] == {"create": True}


def test_whole_numbers_of_other_languages_stay_integers() -> None:
    assert BeylaSettings(values={"a": [5.0, 0.5]}).values == {"a": [5, 0.5]}


def test_another_version_of_a_chart_is_not_checked_and_the_plan_warns() -> None:
    groups = {**BASE, "charts": {"alloy": {"version": "1.99.0"}}}
    values = {"new": 1, "controller": {"replicas": 3}}
    found = validate({**groups, "alloy": {"values": values}})[1]
    settings = parse_settings({**groups, "alloy": {"values": {"new": 1}}})

    assert [problem.key for problem in found] == ["alloy.values.controller.replicas"]
    assert any(line.startswith("alloy.values is not checked") for line in warnings(settings))
    assert not any("not checked" in line for line in warnings(parse_settings(groups)))


def test_a_component_refuses_them_by_itself() -> None:
    def program() -> None:
        settings = TempoSettings(values={"tempo": {"retenton": "48h"}})
        args = TempoArgs(settings=settings, namespace="t", bucket="b", region="r", cluster_name="c")
        with pytest.raises(SettingsError, match=r"did you mean tempo\.values\.tempo\.retention\?"):
            Tempo("tempo", args)

    assert [r.type for r in record(program).resources] == ["pulumi:pulumi:Stack"]


def policies(values: Mapping[str, Any]) -> set[str]:
    """Return the policies that a release of Alloy with these values violates."""
    settings = parse_settings({**BASE, "alloy": {"values": values}})
    inputs = {
        "chart": "alloy",
        "version": helm.ALLOY.version,
        "maxHistory": 10,
        "values": alloy_values(alloy_args(settings, has_credentials=True)),
    }
    release = {"urn": "urn::a", "type": "kubernetes:helm.sh/v3:Release", "inputs": inputs}
    return {violation.rule for violation in ask([release], Tier.PRODUCTION)}


def test_policies_judge_the_merged_values() -> None:
    assert policies({}) == set()
    assert policies({"controller": {"hostPID": True}}) == {"privileged-pods"}
    unlimited = {"configReloader": {"resources": {"limits": None}}}
    assert policies(unlimited) == {"release-without-limits"}


def test_the_summary_lists_the_values() -> None:
    values = {
        "controller": {"revisionHistoryLimit": 5},
        "serviceAccount": {"annotations": {"a": "b|c"}},
    }
    made = plan("dev", ("tracing:alloy",), {"values": values})
    rows = [line for line in files(made)["summary.md"].splitlines() if "alloy.values" in line]

    assert [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows] == [
        ["alloy.values", "controller.revisionHistoryLimit", "5"],
        ["alloy.values", "serviceAccount.annotations.a", '"b\\|c"'],
    ]


def test_contracts_of_other_versions_are_none() -> None:
    assert contracts.of_chart("alloy", "99.0.0") is None
    assert contracts.of_chart("*", "1.11.1") is None
    assert contracts.of_tempo("2.99.0") is None


def test_tempo_has_the_values_of_its_chart() -> None:
    settings = TempoSettings(values={"service": {"type": "NodePort"}})
    args = TempoArgs(settings=settings, namespace="t", bucket="b", region="r", cluster_name="c")

    assert tempo_values(args)["service"] == {"type": "NodePort"}
