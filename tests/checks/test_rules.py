"""Types and rules refuse invalid settings with the key to change, and nothing else."""

from typing import Any

import pytest

from bootstrap.loader import tracing_settings
from components import checks as rules
from components.beyla.settings import ContextPropagation
from components.checks.validate import validate
from components.checks.warnings import warnings
from components.core.tier import Tier
from components.settings import TracingSettings
from policy.rules import RULES, Level
from tests.stack.variants import ROOT
from tests.sweep import sweep

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/abc"
ROLE_ARN = "arn:aws:iam::123456789012:role/tempo"
METRICS = {"url": "http://m.m.svc", "remoteWriteUrl": "http://m.m.svc"}
DISTRIBUTED = {"mode": "distributed", "size": "m"}


def stack_file(**changes: dict[str, Any]) -> dict[str, Any]:
    """Return the groups of a valid stack file with some values replaced."""
    groups: dict[str, dict[str, Any]] = {
        "environment": {"name": "qa", "tier": "production"},
        "cluster": {
            "name": "test",
            "region": "eu-west-1",
            "accountId": "123456789012",
            "kubeContext": "test",
        },
    }
    for group, values in changes.items():
        groups[group] = {**groups.get(group, {}), **values}
    return groups


def settings(**changes: dict[str, Any]) -> TracingSettings:
    """Return settings, each valid by itself."""
    return TracingSettings.model_validate(stack_file(**changes))


EPHEMERAL = {"environment": {"name": "pr-7", "tier": "ephemeral"}}
STAND_IN = {
    **EPHEMERAL,
    "storage": {"endpoint": "http://moto:5000"},
    "identity": {"mode": "none"},
}

REFUSED: list[tuple[str, dict[str, dict[str, Any]]]] = [
    ("environment.tier", {"environment": {"name": "prod", "tier": "staging"}}),
    ("cluster.kubeContext", {"cluster": {"kubeContext": None}}),
    ("cluster.stackReference", {"cluster": {"stackReference": "o/p/s"}}),
    ("cluster.nodeCidrs[1]", {"cluster": {"nodeCidrs": ["10.0.0.0/16", "10.0.0.300/16"]}}),
    (
        "cluster.oidcIssuer",
        {"cluster": {"oidcIssuer": "https://oidc.eks.us-east-1.amazonaws.com/id/A"}},
    ),
    ("identity.mode", {"identity": {"mode": "irsa"}}),
    ("identity.mode", {**EPHEMERAL, "identity": {"mode": "none"}}),
    ("identity.roleName", {"identity": {"roleArn": ROLE_ARN, "roleName": "x"}}),
    ("identity.roleName", {"cluster": {"name": "c" * 60}}),
    (
        "identity.permissionsBoundaryArn",
        {
            "identity": {
                "roleArn": ROLE_ARN,
                "permissionsBoundaryArn": "arn:aws:iam::aws:policy/ReadOnly",
            }
        },
    ),
    ("identity.roleArn", {"identity": {"roleArn": "arn:aws:iam::999999999999:role/tempo"}}),
    ("identity.roleArn", {**STAND_IN, "identity": {"mode": "none", "roleArn": ROLE_ARN}}),
    ("namespaces.tracing", {"namespaces": {"tracing": "kube-system"}}),
    ("namespaces.beyla", {"namespaces": {"beyla": "tracing"}}),
    ("namespaces.beyla", {"namespaces": {"beyla": "monitoring"}}),
    ("namespaces.tracing", {"namespaces": {"tracing": "monitoring"}}),
    ("grafana.namespace", {"grafana": {"namespace": "tracing"}}),
    ("charts.tempo.version", {"charts": {"tempo": {"version": "3.0.0"}}}),
    ("charts.tempoDistributed.version", {"charts": {"tempoDistributed": {"version": "3.3.0"}}}),
    ("charts.alloy.version", {"charts": {"alloy": {"version": "2.0.0"}}}),
    ("charts.beyla.version", {"charts": {"beyla": {"version": "0.9.0"}}}),
    (
        "charts.opentelemetryOperator.version",
        {"charts": {"opentelemetryOperator": {"version": "1.0.0"}}},
    ),
    ("namespaces.operator", {"namespaces": {"operator": "kube-system"}}),
    ("namespaces.operator", {"namespaces": {"operator": "o" * 51}}),
    ("namespaces.operator", {"namespaces": {"operator": "tracing"}, "operator": {"enabled": True}}),
    (
        "namespaces.operator",
        {"namespaces": {"operator": "monitoring"}, "operator": {"enabled": True}},
    ),
    ("operator.metrics", {"operator": {"metrics": True}}),
    ("operator.logs", {"operator": {"logs": True}}),
    ("operator.workload.maxReplicas", {"operator": {"workload": {"maxReplicas": 3}}}),
    ("operator.workload.memoryLimitMib", {"operator": {"workload": {"memoryLimitMib": 64}}}),
    ("tags.environment", {"tags": {"environment": "x"}}),
    ("tags.aws:x", {"tags": {"aws:x": "y"}}),
    ("tags.note", {"tags": {"note": "what?"}}),
    ("tags", {"tags": {f"t{n}": "x" for n in range(49)}}),
    ("beyla.namespaces[0]", {"beyla": {"namespaces": ["Shop"]}}),
    ("beyla.excludedNamespaces[0]", {"beyla": {"excludedNamespaces": ["a b"]}}),
    ("cluster.nodeCidrs[0]", {"cluster": {"nodeCidrs": ["0.0.0.0/0"]}}),
    ("cluster.nodeCidrs[0]", {"cluster": {"nodeCidrs": ["::/0"]}}),
    *(
        (
            f"beyla.excludedNamespaces[{len(excluded) - 1}]",
            {"beyla": {"namespaces": names, "excludedNamespaces": excluded}},
        )
        for names, excluded in [
            (["a"], ["a"]),
            (["shop"], ["*"]),
            (["shop", "cart"], ["sh*"]),
            (["*"], ["*"]),
            (["team-*"], ["team-*"]),
            (["team-a-*"], ["*-a-*"]),
            (["team-a"], ["other", "team-*"]),
        ]
    ),
    *(
        ("beyla.namespaces", {"beyla": {"namespaces": names}})
        for names in (
            ["monitoring"],
            ["kube-system", "kube-public"],
            ["kube-*", "cert-manager"],
            ["tracing", "tracing-beyla"],
        )
    ),
    ("namespaces.tracing", {"beyla": {"namespaces": ["shop"]}, "namespaces": {"tracing": "shop"}}),
    ("beyla.namespaces", {"beyla": {"namespaces": ["shop", "tracing"]}}),
    (
        "namespaces.tracing",
        {
            "beyla": {"namespaces": ["pay", "shop"]},
            "namespaces": {"tracing": "shop", "existing": ["tracing"]},
        },
    ),
    ("beyla.services", {"beyla": {"services": [{"namespace": "monitoring"}]}}),
    ("beyla.services[0]", {"beyla": {"services": [{}]}}),
    ("beyla.services[0].workload", {"beyla": {"services": [{"workload": "A"}]}}),
    ("beyla.excludedContainers[0]", {"beyla": {"excludedContainers": ["a b"]}}),
    *(
        ("beyla.services[0]", {"beyla": {"namespaces": names, "services": [service]}})
        for names, service in [
            (["*"], {"labels": {"team": "a"}}),
            (["team-*"], {"namespace": "team-a", "workload": "cart"}),
        ]
    ),
    ("beyla.contextPropagation", {"beyla": {"namespaces": ["a"], "contextPropagation": "all"}}),
    (
        "alloy.trustUnidentified",
        {
            "beyla": {"namespaces": ["a"], "contextPropagation": "all"},
            "cluster": {"nodeCidrs": ["10.0.0.0/8"]},
            "alloy": {"trustUnidentified": False},
        },
    ),
    ("storage.bucket", {"storage": {"bucket": "ab"}}),
    ("storage.bucket", {"storage": {"bucket": "b" * 64}}),
    ("storage.bucket", {"storage": {"bucket": "Traces"}}),
    ("storage.bucket", {"storage": {"bucket": "my.traces"}}),
    ("storage.bucket", {"storage": {"bucket": "xn--traces"}}),
    ("storage.bucket", {"storage": {"bucket": "traces-s3alias"}}),
    ("storage.existing", {"storage": {"existing": True}}),
    ("storage.kmsKeyArn", {"storage": {"kmsKeyArn": KEY_ARN}}),
    (
        "storage.previousKmsKeyArns[1]",
        {
            "storage": {
                "encryption": "sse-kms",
                "previousKmsKeyArns": [KEY_ARN, KEY_ARN.replace("eu-west-1", "us-east-1")],
            }
        },
    ),
    (
        "storage.kmsKeyArn",
        {
            "storage": {
                "encryption": "sse-kms",
                "kmsKeyArn": KEY_ARN.replace("eu-west-1", "us-east-1"),
            }
        },
    ),
    (
        "storage.encryption",
        {"storage": {"existing": True, "bucket": "traces", "encryption": "sse-kms"}},
    ),
    ("storage.protect", {"storage": {"protect": False}}),
    (
        "storage.forceDestroy",
        {
            "environment": {"name": "dev", "tier": "development"},
            "storage": {"protect": False, "forceDestroy": True},
        },
    ),
    ("storage.forceDestroy", {**EPHEMERAL, "storage": {"protect": True, "forceDestroy": True}}),
    (
        "storage.forceDestroy",
        {
            **EPHEMERAL,
            "storage": {
                "protect": False,
                "forceDestroy": True,
                "existing": True,
                "bucket": "traces",
            },
        },
    ),
    ("storage.endpoint", {**STAND_IN, "environment": {"name": "qa", "tier": "staging"}}),
    ("storage.endpoint", {**STAND_IN, "identity": {"mode": "podIdentity"}}),
    ("tempo.retentionHours", {"tempo": {"retentionHours": 1}}),
    ("tempo.size", {"tempo": {"mode": "distributed", "size": "xs"}}),
    ("tempo.size", {"tempo": {"mode": "distributed", "size": "s"}}),
    ("tempo.mode", {"tempo": {"mode": "distributed"}}),
    *(
        ("tempo.spanMetrics.dimensions", {"tempo": {"spanMetrics": {"dimensions": names}}})
        for names in (["service"], ["http.route"], ["k8s_namespace_name"], ["a.b", "a-b"])
    ),
    ("tempo.acceptTwoIngesters", {"tempo": {"acceptTwoIngesters": True}}),
    ("tempo.acceptTwoIngesters", {"tempo": {**DISTRIBUTED, "acceptTwoIngesters": True}}),
    *(
        (
            "tempo.workloads.ingester.replicas",
            {"tempo": {**DISTRIBUTED, "workloads": {"ingester": {"replicas": count}}}},
        )
        for count in (1, 2)
    ),
    ("tempo.imageTag", {"tempo": {"imageTag": "3.0.3"}}),
    ("tempo.imageTag", {"tempo": {"imageTag": "2.9.1"}}),
    ("tempo.imageTag", {"tempo": {"imageTag": "latest"}}),
    ("tempo.limits.rateLimitMib", {"tempo": {"limits": {"rateLimitMib": 60}}}),
    (
        "tempo.limits.burstSizeMib",
        {"tempo": {"limits": {"rateLimitMib": 60, "burstSizeMib": 50}}},
    ),
    ("tempo.mode", {"tempo": {"mode": "distributed"}}),
    ("namespaces.tracing", {"namespaces": {"tracing": "tracing-beyla"}}),
    ("grafana.namespace", {"grafana": {"namespace": "tracing-beyla"}}),
    ("grafana.tempoUid", {"grafana": {"tempoUid": "prometheus"}, "backends": {"metrics": METRICS}}),
    (
        "tempo.workloads.ingester.replicas",
        {"tempo": {"workloads": {"ingester": {"replicas": 3}}}},
    ),
    (
        "tempo.workloads.monolithic.replicas",
        {"tempo": {"workloads": {"monolithic": {"replicas": 2}}}},
    ),
    (
        "tempo.workloads.metricsGenerator.replicas",
        {
            "tempo": {
                **DISTRIBUTED,
                "traceqlMetrics": False,
                "workloads": {"metricsGenerator": {"replicas": 2}},
            }
        },
    ),
    (
        "tempo.workloads.querier.volumeGib",
        {"tempo": {**DISTRIBUTED, "workloads": {"querier": {"volumeGib": 9}}}},
    ),
    (
        "tempo.workloads.compactor.maxReplicas",
        {"tempo": {**DISTRIBUTED, "workloads": {"compactor": {"maxReplicas": 9}}}},
    ),
    (
        "tempo.workloads.querier.maxReplicas",
        {"tempo": {**DISTRIBUTED, "workloads": {"querier": {"maxReplicas": 1}}}},
    ),
    (
        "tempo.workloads.monolithic.memoryLimitMib",
        {"tempo": {"workloads": {"monolithic": {"memoryLimitMib": 64}}}},
    ),
    (
        "alloy.workload.cpuRequestMillicores",
        {"alloy": {"workload": {"cpuRequestMillicores": 9000}}},
    ),
    ("alloy.workload.maxReplicas", {"alloy": {"workload": {"replicas": 5, "maxReplicas": 4}}}),
    ("alloy.workload.volumeGib", {"alloy": {"workload": {"volumeGib": 4}}}),
    ("alloy.ignoredPaths[0]", {"alloy": {"ignoredPaths": ["healthz"]}}),
    ("beyla.workload.replicas", {"beyla": {"workload": {"replicas": 2}}}),
    ("beyla.workload.memoryRequestMib", {"beyla": {"workload": {"memoryRequestMib": 900}}}),
    ("beyla.workload.memoryLimitMib", {"beyla": {"workload": {"memoryLimitMib": 400}}}),
    ("canary.workload.memoryRequestMib", {"canary": {"workload": {"memoryRequestMib": 900}}}),
    (
        "alloy.podLogs.workload.memoryLimitMib",
        {"alloy": {"podLogs": {"workload": {"memoryLimitMib": 64}}}},
    ),
    ("load.growthPercentPerMonth", {"load": {"growthPercentPerMonth": 5}}),
    ("load.storedBytesPerSpan", {"load": {"spansPerSecond": 9, "storedBytesPerSpan": 501}}),
    ("load.edges", {"load": {"spansPerSecond": 9, "edges": 3}}),
    ("grafana.delivery", {"grafana": {"delivery": "files"}}),
    ("grafana.dashboardLabel", {"grafana": {"delivery": "operator", "dashboardLabel": "a"}}),
    ("grafana.instanceLabels", {"grafana": {"instanceLabels": {"a": "b"}}}),
    ("backends.metrics.uid", {"backends": {"metrics": {**METRICS, "uid": "tracing-tempo"}}}),
    ("grafana.folder", {"grafana": {"folder": "use  Cases"}}),
    (
        "grafana.serviceMonitor.labels.release",
        {"grafana": {"serviceMonitor": {"labels": {"release": "a b"}}}},
    ),
]


@sweep(("key", "changes"), REFUSED, ids=[f"{k}-{n}" for n, (k, _) in enumerate(REFUSED)])
def test_refused_by_its_key_alone(key: str, changes: dict[str, dict[str, Any]]) -> None:
    _, problems = validate(stack_file(**changes))
    assert {p.key for p in problems} == {key}


ALLOWED: list[dict[str, dict[str, Any]]] = [
    {},
    STAND_IN,
    {"storage": {"protect": False, "acknowledgeDataLoss": True}},
    {**EPHEMERAL, "storage": {"protect": False, "forceDestroy": True}},
    {"identity": {"mode": "irsa"}, "cluster": {"oidcIssuer": "https://oidc.example.com/id/A"}},
    {"identity": {"roleArn": ROLE_ARN}},
    {"storage": {"encryption": "sse-kms", "kmsKeyArn": KEY_ARN}},
    {"tempo": {**DISTRIBUTED, "workloads": {"querier": {"maxReplicas": 9}}}},
    {"tempo": {"imageTag": "2.11.0-rc.0"}},
    {"charts": {"tempo": {"version": "2.3.0"}}},
    {
        "beyla": {"namespaces": ["team-*"], "contextPropagation": "all"},
        "cluster": {"nodeCidrs": ["10.0.0.0/8", "fd00::/8"]},
    },
    {
        "beyla": {"namespaces": ["a"], "contextPropagation": "all"},
        "namespaces": {"networkPolicies": False},
    },
    {"alloy": {"trustUnidentified": False}, "beyla": {"namespaces": ["a"]}},
    {"alloy": {"trustUnidentified": True}},
    {"beyla": {"namespaces": ["*"], "excludedNamespaces": ["team-*"]}},
    {"beyla": {"namespaces": ["team-*"], "excludedNamespaces": ["team-a"]}},
    {"beyla": {"namespaces": ["team-*"], "excludedNamespaces": ["*-test"]}},
    {"beyla": {"namespaces": ["kube-shop-*", "shop"]}},
    {"beyla": {"enabled": False, "namespaces": ["monitoring"]}},
    {"tags": {"cost-center": "a b/c:d=e+f@g"}},
    {"namespaces": {"tracing": "monitoring", "existing": ["tracing"]}},
    {"grafana": {"namespace": "tracing", "delivery": "files", "tempoUrl": "https://t.example.com"}},
    {"load": {"spansPerSecond": 9, "storedBytesPerSpan": 500, "operations": 5, "edges": 3}},
    {"tempo": {"mode": "distributed", "size": "s", "acceptTwoIngesters": True}},
    {
        "tempo": {
            "mode": "distributed",
            "size": "s",
            "workloads": {"ingester": {"replicas": 3}},
        }
    },
]


@sweep("changes", ALLOWED, ids=str)
def test_allowed(changes: dict[str, dict[str, Any]]) -> None:
    assert validate(stack_file(**changes))[1] == []


def test_the_message_names_the_policy_that_refuses_the_same() -> None:
    _, [problem] = validate(stack_file(storage={"protect": False}))
    policy = next(rule for rule in RULES if rule.name in problem.message)
    assert policy.name == "bucket-unprotected"
    assert policy.levels[Tier.PRODUCTION] is Level.MANDATORY
    assert f"{problem.key}: {problem.value}" in policy.fix


def test_the_message_names_the_source_and_every_problem() -> None:
    wrong = settings(tempo={"mode": "distributed", "size": "xs"}, storage={"protect": False})
    with pytest.raises(rules.SettingsError) as raised:
        rules.check(wrong, "my-stack", {}, {})
    assert str(raised.value) == (
        "my-stack: 2 problems; nothing was changed.\n\n"
        "  storage.protect: false\n"
        "    lets the bucket and its traces be deleted, in production: remove this key. If you "
        "need it, set storage.acknowledgeDataLoss: true, and change the level of the policy "
        "bucket-unprotected, which refuses it too (docs/policies.md)\n\n"
        '  tempo.size: "xs"\n'
        "    mode distributed needs size s, m or l: set tempo.size: m, or another mode"
    )


WARNED: list[tuple[str, dict[str, dict[str, Any]]]] = [
    ("tempo.mode monolithic is one replica", {}),
    ("storage.protect is off", {"storage": {"protect": False, "acknowledgeDataLoss": True}}),
    ("storage.existing", {"storage": {"existing": True, "bucket": "traces"}}),
    ("identity.roleArn", {"identity": {"roleArn": ROLE_ARN}}),
    (
        "cluster.region me-west-1: the S3 client",
        {"cluster": {"region": "me-west-1"}},
    ),
    (
        "tempo.spanMetrics.histograms native: backends.metrics",
        {"tempo": {"spanMetrics": {"histograms": "native"}}, "backends": {"metrics": METRICS}},
    ),
    ("backends.metrics is not set", {}),
    ("backends.logs is not set", {}),
    ("beyla.namespaces is empty", {}),
    (
        "beyla.sampleRatio 0.1: span metrics",
        {"beyla": {"namespaces": ["shop"], "sampleRatio": 0.1}},
    ),
    (
        "Beyla never instruments monitoring, kube-*.",
        {"beyla": {"namespaces": ["monitoring", "shop", "kube-*"]}},
    ),
    *(
        (
            f"beyla.contextPropagation {mode}: on nodes with Cilium",
            {
                "beyla": {"namespaces": ["shop"], "contextPropagation": mode},
                "cluster": {"nodeCidrs": ["10.0.0.0/16"]},
            },
        )
        for mode in ("headers", "tcp", "all")
    ),
    ("namespaces.networkPolicies is off", {"namespaces": {"networkPolicies": False}}),
    ("of 4 (ingestion limit, MiB/s)", {"load": {"spansPerSecond": 5_000}}),
    ("of 2 (load that Tempo's size s is meant for", {"load": {"spansPerSecond": 2_500}}),
    (
        "of 7,778 (spans/s that Alloy carries)",
        {"load": {"spansPerSecond": 6_000, "bytesPerSpan": 50}},
    ),
    ("of 10 (volume of each pod, monolithic, GiB)", {"load": {"spansPerSecond": 2_500}}),
    (
        "of 10 (volume of each pod, metrics generator, GiB)",
        {"tempo": DISTRIBUTED, "load": {"spansPerSecond": 12_000}},
    ),
    (
        "of 30 (volume of each pod, ingester, GiB)",
        {"tempo": DISTRIBUTED, "load": {"spansPerSecond": 12_000}},
    ),
    (
        "of 50,000 (series of a metrics-generator)",
        {
            "load": {"spansPerSecond": 9, "operations": 1_500},
            "backends": {"metrics": METRICS},
        },
    ),
    ("charts.alloy.version 1.12.0 is not tested", {"charts": {"alloy": {"version": "1.12.0"}}}),
]


@sweep(("text", "changes"), WARNED, ids=[t for t, _ in WARNED])
def test_warned_of(text: str, changes: dict[str, dict[str, Any]]) -> None:
    assert any(text in warning for warning in warnings(settings(**changes)))


def test_production_does_not_propagate_context() -> None:
    prod, problems = tracing_settings(ROOT, "prod")
    assert not problems
    assert prod.beyla.context_propagation is ContextPropagation.DISABLED


def test_nothing_is_warned_of_where_all_is_well() -> None:
    logs = {"otlpUrl": "http://l.l.svc/otlp"}
    well = settings(
        tempo=DISTRIBUTED,
        backends={"metrics": METRICS, "logs": logs},
        beyla={"namespaces": ["shop"]},
    )
    assert list(warnings(well)) == []


@pytest.mark.parametrize(
    ("group", "value"),
    [
        ("logs", {"otlpUrl": "http://l.l.svc/otlp", "url": "http://l.l.svc"}),
        ("profiles", {"url": "http://p.p.svc"}),
    ],
)
def test_what_only_a_datasource_made_here_uses_is_warned_of_without_one(
    group: str, value: dict[str, Any]
) -> None:
    def unused(value: dict[str, Any]) -> list[str]:
        found = warnings(settings(tempo=DISTRIBUTED, backends={group: value}))
        return [warning for warning in found if "has no effect" in warning]

    [warning] = unused(value)
    assert warning.startswith(f"backends.{group}.url ")
    assert unused({**value, "createDatasource": True}) == []


@pytest.mark.parametrize("group", ["logs", "profiles"])
def test_a_datasource_made_here_needs_a_url(group: str) -> None:
    value = {"createDatasource": True, **({"otlpUrl": "http://l/otlp"} if group == "logs" else {})}
    [found] = rules.problems(settings(backends={group: value}))
    assert found.key == f"backends.{group}.url"
    assert found.message.startswith("is missing")
