"""Preflight against a real API server: each fault is planted, found, and removed again.

The cluster may serve other tests at the same time. So the plan has names that only it has, and its
pods run on a node of their own.
"""

import contextlib
import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.preflight import __main__ as preflight
from delivery.preflight import access
from delivery.preflight.api import Json, UnknownError
from delivery.preflight.finding import Finding, Level
from delivery.preflight.sources import Sources, proxied
from plan import needs
from plan.run import Plan, run
from tests.delivery.preflight.api import aws, bad, head, made, node, node_info, sidecar
from tests.rendered import cluster
from tests.rendered.cluster import KUBECONFIG, kubectl
from tests.stack.variants import ROOT

REASON = cluster.missing()
pytestmark = [
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
    pytest.mark.xdist_group("preflight"),
]
KUBECTL = (cluster.KUBECTL or "kubectl", "--kubeconfig", KUBECONFIG)
TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
ENFORCE = "pod-security.kubernetes.io/enforce"
DEFAULT = "storageclass.kubernetes.io/is-default-class"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A part of the cluster.

    Attributes:
        plan: a plan for it.
        tracing: namespace of Tempo and Alloy, which doesn't exist.
        beyla: namespace of Beyla, which exists.
        grafana: namespace of Grafana.
        node: name of the node.
        issuer: issuer of the cluster.
    """

    plan: Plan
    tracing: str
    beyla: str
    grafana: str
    node: str
    issuer: str

    def check(
        self, *kubectl: str, plan: Plan | None = None, deployed: Sequence[str] = ()
    ) -> list[tuple[str, Finding]]:
        """Return what preflight finds.

        Args:
            kubectl: further options of kubectl.
            plan: another plan.
            deployed: kinds of the plan that its stack has deployed.
        """
        its = plan or self.plan
        urns = {r.urn for r in its.recording.resources if r.type.rpartition(":")[2] in deployed}
        with proxied([*KUBECTL, *kubectl]) as api:
            return preflight.check(
                Sources(
                    plan=its,
                    cluster=api,
                    aws=aws(issuer=self.issuer),
                    head=head(),
                    deployed=frozenset(urns),
                )
            )

    def on_a_node(self, name: str, **fields: Any) -> Json:
        """Return a simulated node that the plan's pods can run on."""
        made = node(name, "zone-9", **fields)
        made["metadata"]["annotations"] = {"kwok.x-k8s.io/node": "fake"}
        made["metadata"]["labels"]["pool"] = self.tracing
        return made


@contextlib.contextmanager
def planted(*objects: Json) -> Generator[None]:
    """Create objects, and delete them again."""
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", objects=objects)
    try:
        yield
    finally:
        kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", objects=objects)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    mark = f"preflight-{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("project")
    (folder / "Pulumi.yaml").symlink_to(ROOT / "Pulumi.yaml")
    document = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    config = document["config"]
    config["tracing:namespaces"] = {
        "tracing": mark,
        "beyla": f"{mark}-beyla",
        "existing": ["beyla"],
    }
    config["tracing:grafana"]["namespace"] = f"{mark}-grafana"
    config["tracing:placement"] = {"nodeSelector": {"pool": mark}}
    config["tracing:beyla"] = {
        "namespaces": ["shop"],
        "placement": {"nodeSelector": {"pool": mark}},
    }
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(document))
    issuer = json.loads(kubectl("get", "--raw", "/.well-known/openid-configuration").stdout)
    made_up = Place(
        plan=run("dev", folder),
        tracing=mark,
        beyla=f"{mark}-beyla",
        grafana=f"{mark}-grafana",
        node=mark,
        issuer=issuer["issuer"],
    )
    sidecars = [
        sidecar("grafana_datasource"),
        sidecar("grafana_dashboard", FOLDER_ANNOTATION="grafana_folder"),
    ]
    agent = {
        "selector": {"matchLabels": {"app": "agent"}},
        "template": {
            "metadata": {"labels": {"app": "agent"}},
            "spec": {"containers": [{"name": "agent", "image": "agent"}]},
        },
    }
    with planted(
        made("Namespace", made_up.grafana),
        made("Namespace", made_up.beyla),
        made_up.on_a_node(made_up.node),
        made("Pod", "grafana", made_up.grafana, spec={"containers": sidecars}),
        made("DaemonSet", "eks-pod-identity-agent", "kube-system", spec=agent),
    ):
        wait(lambda: ("Pod Identity", Level.ERROR) not in bad(made_up.check()))
        yield made_up


def wait(done: Callable[[], bool]) -> None:
    """Wait until a controller has done its work."""
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end, "the cluster's controllers don't work"
        time.sleep(0.2)


def texts(found: Sequence[tuple[str, Finding]], need: str, level: Level = Level.ERROR) -> str:
    """Return all findings of a need with a level."""
    return "\n".join(f.text for name, f in found if name == need and f.level is level)


def test_without_a_fault_there_is_no_error(place: Place) -> None:
    found = place.check()
    # Classes that are made by hand bind at once.
    assert bad(found) in ([], [("storage class", Level.WARNING)])
    levels = {name: f.level for name, f in found}
    for name in ("Kubernetes", "permissions", "kinds", "names", "Grafana", "nodes", "Pod Identity"):
        assert levels[name] is Level.OK, name


def test_a_version_that_is_too_old(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "KUBERNETES", (1, 99))
    assert "is too old" in texts(place.check(), "Kubernetes")


@pytest.mark.parametrize("api", ["monitoring.coreos.com/v1", "example.com/v1"])
def test_kinds_that_are_missing(place: Place, api: str) -> None:
    recording = place.plan.recording
    resources = [
        dataclasses.replace(r, inputs={**r.inputs, "apiVersion": api, "kind": "RuleOfNobody"})
        if r.inputs.get("kind") == "PrometheusRule"
        else r
        for r in recording.resources
    ]
    plan = dataclasses.replace(
        place.plan, recording=dataclasses.replace(recording, resources=resources)
    )
    assert texts(place.check(plan=plan), "kinds") == f"the cluster has no RuleOfNobody ({api})"


def test_no_default_storage_class(place: Place) -> None:
    classes = json.loads(kubectl("get", "storageclass", "-o", "json").stdout)["items"]
    default = [
        c["metadata"]["name"]
        for c in classes
        if c["metadata"].get("annotations", {}).get(DEFAULT) == "true"
    ]
    assert default
    try:
        # Claims that are made meanwhile get the default class when it is back.
        kubectl("annotate", "--overwrite", "storageclass", *default, f"{DEFAULT}=false")
        found = place.check()
    finally:
        kubectl("annotate", "--overwrite", "storageclass", *default, f"{DEFAULT}=true")
    assert texts(found, "storage class") == "no storage class is the default"


def test_names_of_others_and_their_quotas(place: Place) -> None:
    owner = {
        "meta.helm.sh/release-name": "logs",
        "meta.helm.sh/release-namespace": "logging",
    }
    name = f"{place.tracing}:alloy"
    revision = {
        "type": "helm.sh/release.v1",
        "labels": {"owner": "helm", "name": "alloy", "status": "deployed", "version": "1"},
    }
    limits = [{"type": "Container", "max": {"memory": "64Mi"}}]
    with planted(
        made("ClusterRole", name, annotations=owner),
        made("Namespace", place.tracing),
        made("Secret", "sh.helm.release.v1.alloy.v1", place.tracing, **revision),
        made("ResourceQuota", "small", place.tracing, spec={"hard": {"requests.memory": "1Gi"}}),
        made("LimitRange", "small", place.tracing, spec={"limits": limits}),
    ):
        get = ("get", "quota", "small", "-n", place.tracing, "-o", "jsonpath={.status.hard}")
        wait(lambda: bool(kubectl(*get).stdout))
        found = place.check()
        deployed = place.check(deployed=("Namespace", "Release"))
    said = texts(found, "names").splitlines()
    assert said == [
        f"Namespace {place.tracing} exists and is not of this stack",
        f"Helm release alloy in {place.tracing} exists and is not of this stack",
        f"ClusterRole {name} belongs to Helm release logs in logging: Helm refuses release alloy",
    ]
    # Helm's owner is in the object itself, whatever the stack has deployed.
    assert texts(deployed, "names") == said[2]

    quotas = texts(found, "quotas")
    assert "requests.memory has 1.0Gi of 1Gi left, the pods take" in quotas
    assert "tempo monolithic has a memory limit above 64Mi" in quotas
    # The pods of a deployed release are in the quota's use already.
    assert "requests.memory" not in texts(deployed, "quotas")


def test_a_namespace_that_refuses_beyla(place: Place) -> None:
    for level in ("restricted", "baseline"):
        kubectl("label", "--overwrite", "namespace", place.beyla, f"{ENFORCE}={level}")
        said = texts(place.check(), "pod security")
        assert said.startswith(f"namespace {place.beyla} enforces {level}")
    kubectl("label", "namespace", place.beyla, f"{ENFORCE}-")
    assert texts(place.check(), "pod security") == ""


def test_tainted_nodes_and_an_old_kernel(place: Place) -> None:
    tainted = place.on_a_node(place.node, spec={"taints": [TAINT]})
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", objects=[tainted])
    try:
        said = texts(place.check(), "nodes")
    finally:
        untainted = place.on_a_node(place.node)
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", objects=[untainted])
    assert "tempo monolithic: no node matches the placement" in said
    assert "dedicated=gpu:NoSchedule" in said

    status = {**tainted["status"], "nodeInfo": node_info("5.4.0-1")}
    with planted(place.on_a_node(f"{place.node}-old", status=status)):
        assert "Linux 5.4.0-1 (1 node)" in texts(place.check(), "kernels")


def test_a_datasource_with_the_uid(place: Place) -> None:
    uid = place.plan.settings.grafana.tempo_uid
    text = json.dumps({"apiVersion": 1, "datasources": [{"name": "Theirs", "uid": uid}]})
    other = made(
        "ConfigMap",
        "others",
        place.grafana,
        labels={"grafana_datasource": "1"},
        data={"others.yaml": text},
    )
    with planted(other):
        found = place.check()
    assert f"has a datasource with uid {uid} too" in texts(found, "datasources")


def test_a_caller_without_permissions(place: Place) -> None:
    with planted(made("ServiceAccount", "guest", place.grafana)):
        token = kubectl("create", "token", "guest", "-n", place.grafana).stdout.strip()
        found = place.check(f"--token={token}")
    said = texts(found, "permissions")
    user = f"system:serviceaccount:{place.grafana}:guest"
    verbs = ", ".join(access.VERBS)
    [wide] = [line for line in said.splitlines() if "namespaces" in line]
    assert wide.startswith(f"{user} may not {verbs}: ")
    assert "clusterroles.rbac.authorization.k8s.io" in wide
    assert any(line.endswith(f" in {place.tracing}") for line in said.splitlines())
    # What it may not read is not checked, and no reason to stop.
    assert "answers 403" in "".join(f.text for _, f in found if f.level is Level.NOT_CHECKED)


def test_the_command_reaches_the_cluster(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cluster_settings = place.plan.settings.cluster.model_copy(
        update={"kubeconfig": KUBECONFIG, "kube_context": None}
    )
    settings = place.plan.settings.model_copy(update={"cluster": cluster_settings})
    with preflight.reached(dataclasses.replace(place.plan, settings=settings)) as api:
        assert (api.get("/version") or {})["gitVersion"]
    nowhere = cluster_settings.model_copy(update={"kube_context": "nowhere"})
    settings = place.plan.settings.model_copy(update={"cluster": nowhere})
    with preflight.reached(dataclasses.replace(place.plan, settings=settings)) as api:
        assert "nowhere" in getattr(api, "reason", "")
    refused = pytest.raises(UnknownError, match=r"can't be reached: .*connection refused")
    with proxied([*KUBECTL, "--server=https://127.0.0.1:1"]) as api, refused:
        api.get("/version")
