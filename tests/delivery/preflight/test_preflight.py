"""Every fault of a cluster or an account is found, and nothing else is reported."""

import contextlib
import dataclasses
import functools
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from components.settings import TracingSettings
from delivery.preflight import __main__ as preflight
from delivery.preflight import names, outside
from delivery.preflight.api import Json, UnknownError
from delivery.preflight.finding import Finding, Level
from delivery.preflight.sources import Sources, Unreachable
from plan import needs
from plan.run import Plan
from tests import golden
from tests.delivery.preflight.api import (
    Api,
    aws,
    bad,
    grafana,
    head,
    healthy,
    made,
    node,
    node_info,
    sidecar,
)
from tests.sweep import sweep

OK, NOT_CHECKED = Level.OK, Level.NOT_CHECKED
WARNING, ERROR = Level.WARNING, Level.ERROR
RELEASE = {"owner": "helm", "name": "alloy"}
SHARED = {"meta.helm.sh/release-name": "logs", "meta.helm.sh/release-namespace": "logging"}


def plan() -> Plan:
    """Return the plan of dev."""
    return golden.plan("dev")


def changed(**groups: Mapping[str, Any]) -> Plan:
    """Return the plan of dev with other settings; its resources stay those of dev."""
    its = plan()
    document = its.settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for group, values in groups.items():
        document[group] = {**document.get(group, {}), **values}
    return dataclasses.replace(its, settings=TracingSettings.model_validate(document))


def findings(
    its: Plan | None = None,
    *,
    deployed: frozenset[str] | None = frozenset(),
    cluster: Api | Unreachable | None = None,
    **sources: Any,
) -> list[tuple[str, Finding]]:
    """Return what preflight finds."""
    given = {"aws": aws(), "head": head(), **sources}
    return preflight.check(
        Sources(plan=its or plan(), cluster=cluster or Api(), deployed=deployed, **given)
    )


WITH_KAFKA: dict[str, Any] = {
    "tempo": {
        "version": 3,
        "mode": "distributed",
        "size": "m",
        "kafka": {"address": "kafka.kafka.svc:9092"},
    }
}


def test_each_need_has_a_check_and_each_check_a_need() -> None:
    variants = [
        plan(),
        changed(identity={"mode": "irsa"}, placement={"priorityClass": "platform"}),
        changed(**ON_NODES),
        changed(**WITH_KAFKA),
    ]
    named: set[str] = set()
    for its in variants:
        names_of = [need.name for need in needs.needs(its)]
        assert len(set(names_of)) == len(names_of)
        named.update(names_of)
    assert named == preflight.CHECKS.keys()


def test_a_healthy_cluster_has_no_error_and_no_warning() -> None:
    found = findings()
    assert bad(found) == []
    levels = {name: f.level for name, f in found}
    assert levels.pop("images") is NOT_CHECKED
    # The last finding is about lockdown, which only the node itself knows.
    assert levels.pop("kernels") is NOT_CHECKED
    assert set(levels.values()) == {OK}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault and what preflight says of it.

    Attributes:
        need: the need that is not met.
        says: part of the text or the fix.
        level: level of the finding.
        objects: objects that the cluster has besides, in place of those with the same name.
        without: names of objects that it doesn't have.
        api: other differences of its API.
        settings: other settings than those of dev.
        sources: differences outside of the cluster.
    """

    need: str
    says: str
    level: Level = ERROR
    objects: Sequence[Json] = ()
    without: Sequence[str] = ()
    api: Mapping[str, Any] = field(default_factory=dict[str, Any])
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Any])
    sources: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def api_server(self) -> Api:
        """Return the API server of the cluster with the fault."""
        replaced = {*self.without, *(o["metadata"]["name"] for o in self.objects)}
        kept = [o for o in healthy() if o["metadata"]["name"] not in replaced]
        return Api(objects=[*kept, *self.objects], **self.api)


def three(**fields: Any) -> list[Json]:
    """Return the three nodes, changed."""
    return [node(f"node-{n}", f"zone-{n}", **fields) for n in (1, 2, 3)]


def kernel(version: str, system: str = "Amazon Linux 2023") -> list[Json]:
    """Return the three nodes with a kernel."""
    allocatable = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    return three(status={"allocatable": allocatable, "nodeInfo": node_info(version, system)})


def small(cpu: str, memory: str) -> list[Json]:
    """Return the three nodes, smaller."""
    allocatable = {"cpu": cpu, "memory": memory, "pods": "110"}
    return three(status={"allocatable": allocatable, "nodeInfo": node_info("6.12.50")})


def storage(**fields: Any) -> Json:
    """Return the default storage class, changed."""
    found = next(o for o in healthy() if o["kind"] == "StorageClass")
    return {**found, **fields}


def provisioned(config_map: str, **datasource: Any) -> Json:
    """Return a ConfigMap with a datasource."""
    text = json.dumps({"apiVersion": 1, "datasources": [datasource]})
    labels = {"grafana_datasource": "1"}
    return made("ConfigMap", config_map, "monitoring", labels=labels, data={"other.yaml": text})


TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
LATE = {"contextPropagation": "headers", "namespaces": ["shop"]}
ON_NODES = {"cluster": {"nodeCidrs": ["10.0.0.0/16"]}, "beyla": LATE}
PRIVILEGED = "pod-security.kubernetes.io/enforce"

FAULTS = {
    "an old version": Fault(need="Kubernetes", says="v1.24.17", api={"version": "v1.24.17"}),
    "no ServiceMonitor": Fault(
        need="kinds", says="grafana.serviceMonitor", api={"missing": ["ServiceMonitor"]}
    ),
    "no PrometheusRule": Fault(
        need="kinds", says="alerts.delivery", api={"missing": ["PrometheusRule"]}
    ),
    "no default storage class": Fault(
        need="storage class",
        says="set tempo.storageClass; the cluster has gp3",
        objects=[storage(metadata={"name": "gp3"})],
    ),
    "another storage class": Fault(
        need="storage class",
        says="no storage class io2",
        settings={"tempo": {"storageClass": "io2"}},
    ),
    "no driver": Fault(
        need="storage class", says="aws-ebs-csi-driver", without=["ebs.csi.aws.com"]
    ),
    "a class of the old driver": Fault(
        need="storage class",
        says="ebs.csi.aws.com",
        without=["ebs.csi.aws.com"],
        objects=[storage(provisioner="kubernetes.io/aws-ebs")],
    ),
    "volumes in other zones": Fault(
        need="storage class",
        says="creates volumes in zone-9, the nodes are in zone-1, zone-2, zone-3",
        objects=[
            storage(
                allowedTopologies=[
                    {
                        "matchLabelExpressions": [
                            {"key": "topology.ebs.csi.aws.com/zone", "values": ["zone-9"]}
                        ]
                    }
                ]
            )
        ],
    ),
    "volumes before nodes": Fault(
        need="storage class",
        level=WARNING,
        says="WaitForFirstConsumer",
        objects=[storage(volumeBindingMode="Immediate")],
    ),
    "no agent": Fault(
        need="Pod Identity", says="not installed", without=["eks-pod-identity-agent"]
    ),
    "an agent that is not ready": Fault(
        need="Pod Identity",
        says="ready on no node",
        objects=[made("DaemonSet", "eks-pod-identity-agent", "kube-system", status={}, spec={})],
    ),
    "another issuer": Fault(
        need="OIDC issuer",
        says="set cluster.oidcIssuer: https://oidc.eks.eu-west-1.amazonaws.com/id/A1",
        settings={
            "identity": {"mode": "irsa"},
            "cluster": {"oidcIssuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/B2"},
        },
    ),
    "no namespace of Grafana": Fault(
        need="namespaces", says="no namespace monitoring", without=["monitoring"]
    ),
    "no Grafana": Fault(
        need="Grafana", level=WARNING, says="sidecar.datasources", without=["grafana"]
    ),
    "other labels of datasources": Fault(
        need="Grafana",
        says="no sidecar of Grafana reads grafana_datasource=1; they read "
        "grafana_dashboard=1, team_datasource=1",
        objects=[
            grafana(
                sidecar("team_datasource"),
                sidecar("grafana_dashboard", FOLDER_ANNOTATION="grafana_folder"),
            )
        ],
    ),
    "another value of the label": Fault(
        need="Grafana",
        says="set grafana.datasourceLabel and grafana.datasourceLabelValue",
        objects=[
            grafana(
                sidecar("grafana_datasource", LABEL_VALUE="yes"),
                sidecar("grafana_dashboard", FOLDER_ANNOTATION="grafana_folder"),
            )
        ],
    ),
    "no folders": Fault(
        need="Grafana",
        level=WARNING,
        says="sidecar.dashboards.folderAnnotation: grafana_folder",
        objects=[grafana(sidecar("grafana_datasource"), sidecar("grafana_dashboard"))],
    ),
    "another label of the folder": Fault(
        need="Grafana",
        level=WARNING,
        says="sidecar.dashboards.folderAnnotation: folder",
        settings={"grafana": {"folderAnnotation": "folder"}},
    ),
    "no Grafana of the operator": Fault(
        need="Grafana",
        says="no Grafana object in monitoring has the labels dashboards=grafana",
        objects=[made("Grafana", "other", "monitoring", labels={"dashboards": "others"})],
        settings={"grafana": {"delivery": "operator"}},
    ),
    "a CNI that ignores policies": Fault(
        need="network policies",
        level=WARNING,
        says="enableNetworkPolicy",
        objects=[
            made(
                "DaemonSet",
                "aws-node",
                "kube-system",
                spec={"template": {"spec": {"containers": [{"args": []}]}}},
            )
        ],
    ),
    "IPv6": Fault(
        need="IP addresses",
        says="set cluster.ipFamily: ipv6",
        objects=[made("Service", "kubernetes", "default", spec={"clusterIP": "fd00::1"})],
    ),
    "IPv4 instead of IPv6": Fault(
        need="IP addresses",
        says="set cluster.ipFamily: ipv4",
        settings={"cluster": {"ipFamily": "ipv6"}},
    ),
    "an old kernel": Fault(
        need="kernels",
        says="Beyla doesn't run on Linux 5.4.0-1 (3 nodes)",
        objects=kernel("5.4.0-1"),
        settings={"beyla": {"namespaces": ["shop"]}},
    ),
    "services on Fargate": Fault(
        need="kernels",
        level=WARNING,
        says="Beyla doesn't instrument services on Fargate (1 node)",
        objects=[
            made(
                "Node",
                "fargate-1",
                labels={"eks.amazonaws.com/compute-type": "fargate"},
                spec={"taints": [TAINT]},
                status={"allocatable": {}},
            )
        ],
        settings={"beyla": {"namespaces": ["shop"]}},
    ),
    "a kernel that breaks requests": Fault(
        need="kernels",
        says="context propagation fails requests",
        objects=kernel("6.12.75-1.amzn2023"),
        settings=ON_NODES,
    ),
    "a locked kernel": Fault(
        need="kernels",
        level=WARNING,
        says="Bottlerocket",
        objects=kernel("6.12.74", "Bottlerocket OS 1.30.0"),
        settings=ON_NODES,
    ),
    "Cilium": Fault(
        need="Cilium",
        says="set beyla.contextPropagation: disabled",
        objects=[made("DaemonSet", "cilium", "kube-system", spec={}, status={})],
        settings=ON_NODES,
    ),
    "taints everywhere": Fault(
        need="nodes",
        says="no node matches the placement; taints here: dedicated=gpu:NoSchedule",
        objects=three(spec={"taints": [TAINT]}),
    ),
    "labels that no node has": Fault(
        need="nodes",
        says="placement.nodeSelector",
        settings={"placement": {"nodeSelector": {"pool": "tracing"}}},
    ),
    "pods larger than any node": Fault(
        need="nodes", says="more than any node has", objects=small("16", "512Mi")
    ),
    "full nodes": Fault(
        need="nodes",
        says="of 2 pods with",
        objects=[
            made(
                "Pod",
                f"busy-{n}",
                "default",
                spec={
                    "nodeName": f"node-{n}",
                    "containers": [{"resources": {"requests": {"cpu": cpu}}}],
                },
                status={"phase": "Running"},
            )
            for n, cpu in ((1, "15800m"), (2, "15800m"), (3, "15200m"))
        ],
    ),
    "no node yet, but an autoscaler": Fault(
        need="nodes",
        level=WARNING,
        says="an autoscaler must add nodes",
        without=["node-1", "node-2", "node-3"],
        objects=[made("Deployment", "cluster-autoscaler", "kube-system")],
    ),
    "no room, but Fargate": Fault(
        need="nodes",
        level=WARNING,
        says="change placement.nodeSelector",
        objects=[
            made(
                "Node",
                "fargate-1",
                labels={"eks.amazonaws.com/compute-type": "fargate"},
                spec={"taints": [TAINT]},
                status={"allocatable": {}},
            )
        ],
        settings={"placement": {"nodeSelector": {"pool": "x"}}, "beyla": {"enabled": False}},
    ),
    "no Kafka": Fault(need="Kafka", says="no Service kafka in kafka", settings=WITH_KAFKA),
    "no password of Kafka": Fault(
        need="Kafka",
        says="no Secret kafka-user in tracing",
        settings={
            "tempo": {
                **WITH_KAFKA["tempo"],
                "kafka": {
                    "address": "b-1.kafka.example.com:9092",
                    "username": "tempo",
                    "passwordSecret": {"name": "kafka-user", "key": "password"},
                },
            }
        },
    ),
    "no priority class": Fault(
        need="priority class",
        says="placement.priorityClass",
        settings={"placement": {"priorityClass": "platform"}},
    ),
    "a quota": Fault(
        need="quotas",
        says="requests.memory has 1.0Gi of 2Gi left",
        objects=[
            made(
                "ResourceQuota",
                "small",
                "tracing",
                status={"hard": {"requests.memory": "2Gi"}, "used": {"requests.memory": "1Gi"}},
            ),
            made("Namespace", "tracing"),
        ],
        sources={"deployed": "namespaces"},
    ),
    "a limit range": Fault(
        need="quotas",
        says="memory limit above 1Gi",
        objects=[
            made(
                "LimitRange",
                "small",
                "tracing",
                spec={"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]},
            ),
            made("Namespace", "tracing"),
        ],
        sources={"deployed": "namespaces"},
    ),
    "a namespace that refuses Beyla": Fault(
        need="pod security",
        says="tracing-beyla enforces baseline, but its pods need privileged",
        objects=[made("Namespace", "tracing-beyla", labels={PRIVILEGED: "baseline"})],
        settings={"beyla": {"namespaces": ["shop"]}},
        sources={"deployed": "namespaces"},
    ),
    "the namespace of others": Fault(
        need="names",
        says="Namespace tracing exists and is not of this stack",
        objects=[made("Namespace", "tracing")],
    ),
    "a ConfigMap of others": Fault(
        need="names",
        says="ConfigMap tracing-datasource-tempo in monitoring exists",
        objects=[made("ConfigMap", "tracing-datasource-tempo", "monitoring")],
    ),
    "a namespace without a state": Fault(
        need="names",
        level=WARNING,
        says="Without the stack's state",
        objects=[made("Namespace", "tracing")],
        sources={"deployed": None},
    ),
    "a release of others": Fault(
        need="names",
        says="Helm release alloy in tracing exists",
        objects=[
            made(
                "Secret",
                "sh.helm.release.v1.alloy.v3",
                "tracing",
                labels=RELEASE,
            )
        ],
    ),
    "a ClusterRole of another release": Fault(
        need="names",
        says="belongs to Helm release logs in logging",
        objects=[made("ClusterRole", "tracing:alloy", annotations=SHARED)],
    ),
    "a ClusterRole by hand": Fault(
        need="names", says="belongs to no release", objects=[made("ClusterRole", "tracing:alloy")]
    ),
    "no permission": Fault(
        need="permissions",
        says="jane may not delete: namespaces",
        api={"refused": [("delete", "namespaces")]},
    ),
    "no escalation": Fault(
        need="permissions",
        level=WARNING,
        says="escalate",
        api={"refused": [("escalate", "clusterroles")]},
    ),
    "the context of another cluster": Fault(
        need="cluster",
        says="context platform-dev leads to another cluster than platform-dev",
        sources={"aws": aws(issuer="https://oidc.eks.eu-west-1.amazonaws.com/id/B2")},
    ),
    "another account": Fault(
        need="AWS account",
        says="account 999999999999",
        sources={"aws": aws("999999999999")},
    ),
    "the bucket of others": Fault(
        need="bucket",
        says="exists in another account than 111111111111",
        sources={"head": head(403, "eu-west-1")},
    ),
    "a bucket of this account": Fault(
        need="bucket",
        says="exists in this account",
        sources={"head": head(403, "eu-west-1"), "aws": aws(owner="111111111111")},
    ),
    "a bucket in another region": Fault(
        need="bucket", says="exists in us-east-1", sources={"head": head(301, "us-east-1")}
    ),
    "no bucket": Fault(
        need="bucket",
        says="there is no bucket ours",
        settings={"storage": {"existing": True, "bucket": "ours"}},
    ),
    "no repository": Fault(need="charts", says="timed out", sources={"head": head(github=0)}),
    "no chart in the repository": Fault(
        need="charts", says="index.yaml answers 404", sources={"head": head(github=404)}
    ),
    "no registry": Fault(
        need="images",
        level=WARNING,
        says="https://registry.example.com/v2/ doesn't answer",
        settings={"charts": {"imageRegistry": "registry.example.com/mirror"}},
        sources={"head": head(registry=0)},
    ),
}


@sweep(("name", "fault"), FAULTS.items(), ids=FAULTS)
def test_a_fault_is_found(name: str, fault: Fault) -> None:
    its = changed(**fault.settings)
    sources = dict(fault.sources)
    if sources.get("deployed") == "namespaces":
        made_by_us = [r.urn for r in its.recording.resources if r.type.endswith(":Namespace")]
        sources["deployed"] = frozenset(made_by_us)
    found = findings(its, cluster=fault.api_server(), **sources)
    assert set(bad(found)) == {(fault.need, fault.level)}, name
    said = [f"{f.text} {f.fix}" for n, f in found if n == fault.need]
    assert any(fault.says in text for text in said), said
    assert all(f.fix for _, f in found if f.level in (WARNING, ERROR))


@sweep("key", ["uid", "name"])
def test_a_datasource_of_others_is_found(key: str) -> None:
    [ours] = [each for item in needs.objects(plan()) for each in names.provisioned(item.inputs)]
    other = {"uid": "theirs", "name": "Theirs", key: ours[key]}
    cluster = Api(objects=[*healthy(), provisioned("others", **other)])
    found = findings(cluster=cluster)
    assert bad(found) == [("datasources", ERROR)]
    said = dict(found)["datasources"].text
    assert said.startswith(f"ConfigMap others in monitoring has a datasource with {key} ")
    elsewhere = provisioned("others", orgId=2, **other)
    assert bad(findings(cluster=Api(objects=[*healthy(), elsewhere]))) == []


def test_a_grafana_of_the_operator() -> None:
    its = changed(grafana={"delivery": "operator"})
    labels = {"dashboards": "grafana", "team": "platform"}
    mine = made("Grafana", "main", "monitoring", labels=labels)
    found = findings(its, cluster=Api(objects=[*healthy(), mine]))
    assert bad(found) == []
    assert dict(found)["Grafana"].text == "Grafana main in monitoring"


def test_without_delivery_grafana_is_not_needed() -> None:
    names_of = [need.name for need in needs.needs(changed(grafana={"delivery": "files"}))]
    assert not {"Grafana", "datasources"}.intersection(names_of)


def test_files_of_others_that_nobody_can_read_are_left_alone() -> None:
    labels = {"grafana_datasource": "1"}
    data = {"a.yaml": "{", "b.yaml": "- x", "c.txt": "datasources: 7"}
    broken = made("ConfigMap", "broken", "monitoring", labels=labels, data=data)
    assert bad(findings(cluster=Api(objects=[*healthy(), broken]))) == []


def test_an_existing_namespace_must_exist_and_is_nobody_elses_name() -> None:
    its = plan()
    kept = [
        r
        for r in its.recording.resources
        if (r.type.rpartition(":")[2], r.inputs.get("metadata", {}).get("name"))
        != ("Namespace", "tracing")
    ]
    its = dataclasses.replace(its, recording=dataclasses.replace(its.recording, resources=kept))
    found = findings(its)
    assert bad(found) == [("namespaces", ERROR)]
    assert dict(found)["namespaces"].text == "there is no namespace tracing"
    assert dict(found)["namespaces"].fix == "create it, or change namespaces.existing"
    assert bad(findings(its, cluster=Api(objects=[*healthy(), made("Namespace", "tracing")]))) == []


def test_what_the_stack_deployed_is_not_in_its_way() -> None:
    its = plan()
    urns = frozenset(resource.urn for resource in its.recording.resources)
    annotations = {
        "meta.helm.sh/release-name": "alloy",
        "meta.helm.sh/release-namespace": "tracing",
    }
    own = [
        made("Namespace", "tracing", labels={PRIVILEGED: "restricted"}),
        made("ClusterRole", "tracing:alloy", annotations=annotations),
        made(
            "Secret",
            "sh.helm.release.v1.alloy.v1",
            "tracing",
            labels={"owner": "helm", "name": "alloy"},
        ),
        made("ConfigMap", "tracing-datasource-tempo", "monitoring"),
        provisioned("tracing-datasource-tempo", uid="tracing-tempo", name="tempo"),
    ]
    cluster = Api(objects=[*healthy(), *own])
    found = findings(cluster=cluster, deployed=urns, head=head(403, "eu-west-1"))
    assert bad(found) == []


def test_what_may_not_be_read_is_not_checked() -> None:
    found = dict(findings(cluster=Api(hidden=["/nodes", "storageclasses"])))
    assert found["3 needs"].level is NOT_CHECKED
    said = "the cluster answers 403: forbidden (storage class, kernels, nodes)"
    assert found["3 needs"].text == said


def test_a_cluster_that_does_not_answer_is_one_error() -> None:
    found = findings(cluster=Unreachable("connection refused"))
    assert bad(found) == [("cluster", ERROR)]
    assert dict(found)["cluster"].text == "connection refused"
    [others] = [f.text for name, f in found if name.endswith(" needs")]
    assert others.startswith("the cluster can't be reached (Kubernetes, permissions, ")


def test_without_aws_the_cluster_is_checked_but_not_which_one_it_is() -> None:
    def nothing(*_: str) -> Json:
        raise UnknownError("the AWS CLI is not on PATH")

    found = findings(aws=nothing)
    assert bad(found) == []
    which = [f.text for name, f in found if name == "cluster"]
    assert which[1] == "whether it is platform-dev: the AWS CLI is not on PATH"


def test_the_account_of_an_assumed_role_is_not_compared() -> None:
    its = plan()
    [provider] = its.recording.of_type("pulumi:providers:aws")
    inputs = {**provider.inputs, "assumeRoles": "[]"}
    resources = [
        dataclasses.replace(r, inputs=inputs) if r is provider else r
        for r in its.recording.resources
    ]
    recording = dataclasses.replace(its.recording, resources=resources)
    sources = Sources(
        plan=dataclasses.replace(its, recording=recording),
        cluster=Api(),
        aws=aws("999999999999"),
        head=head(),
        deployed=None,
    )
    [found] = outside.account(sources)
    assert found.level is NOT_CHECKED


def _given(value: Any, *_: Any) -> Any:
    return value


class TestCommand:
    """What a person at a terminal gets."""

    def run(self, monkeypatch: pytest.MonkeyPatch, fault: Fault, *options: str) -> int:
        cluster = fault.api_server()
        found = {
            "run": plan(),
            "reached": contextlib.nullcontext(cluster),
            "sources.deployed": frozenset[str](),
            "sources.aws": aws(),
        }
        for name, value in found.items():
            # The constant functions take any arguments.
            answer = functools.partial(_given, value)
            monkeypatch.setattr(f"delivery.preflight.__main__.{name}", answer)
        monkeypatch.setattr("delivery.preflight.sources.head", head())
        monkeypatch.setattr(sys, "argv", ["delivery.preflight", "dev", *options])
        return preflight.main()

    def test_an_error_ends_it_with_status_1_and_a_fix(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(monkeypatch, FAULTS["no agent"]) == 1
        said = capsys.readouterr().out
        assert said.startswith("Preflight of dev: platform-dev, eu-west-1, 111111111111\n")
        assert "\nerror        Pod Identity      the EKS Pod Identity Agent is not" in said
        assert "fix: install the EKS add-on eks-pod-identity-agent" in said
        assert said.endswith("1 error, 2 not checked, 18 ok\n")
        assert max(map(len, said.splitlines())) <= 100

    def test_a_warning_does_not(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(monkeypatch, FAULTS["no Grafana"]) == 0
        assert "1 warning" in capsys.readouterr().out

    def test_json(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(monkeypatch, FAULTS["no agent"], "--json") == 1
        document = json.loads(capsys.readouterr().out)
        assert document["errors"] == 1
        [found] = [f for f in document["findings"] if f["level"] == "error"]
        assert found["need"] == "Pod Identity"
        assert set(found) == {"need", "level", "text", "fix"}
