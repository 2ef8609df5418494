"""The gateway's access to the API server: enough for its attributes, and nothing more.

Needs `alloy` and `kubectl` on PATH, and a cluster to try it in: it makes a namespace, a ClusterRole
and a ClusterRoleBinding there, and removes them again.
"""

import json
import uuid
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.alloy.values import values
from components.core.names import cluster_wide
from tests.alloy.cases import arguments
from tests.alloy.gateway import attributes, gateway, needs_alloy, wait_for
from tests.alloy.sinks import trace_sink
from tests.rendered import cluster

REASON = cluster.missing()
pytestmark = [needs_alloy, pytest.mark.skipif(REASON is not None, reason=str(REASON))]


def kubectl(*words: str, objects: list[dict[str, Any]] | None = None) -> str:
    return cluster.kubectl(*words, objects=objects or []).stdout


def wanted(name: str) -> list[dict[str, Any]]:
    """Return a deployment, and a service account with the role of the release."""
    labels = {"app": "shop"}
    pod = {
        "metadata": {
            "labels": labels,
            "annotations": {"resource.opentelemetry.io/service.version": "1.2.3"},
        },
        "spec": {"containers": [{"name": "web", "image": "registry.example/shop:7"}]},
    }
    in_namespace = {"namespace": name}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "alloy", **in_namespace},
        },
        *values(replace(arguments(), namespace=name))["extraObjects"],
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "shop", **in_namespace},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod},
        },
    ]


@pytest.fixture(scope="module")
def namespace() -> Generator[str, None, None]:
    name = f"alloy-test-{uuid.uuid4().hex[:8]}"
    kubectl("apply", "-f", "-", objects=wanted(name))
    try:
        yield name
    finally:
        role = cluster_wide("alloy", name)
        kubectl("delete", "--wait=false", f"namespace/{name}", f"clusterrole/{role}")
        kubectl("delete", f"clusterrolebinding/{role}")


def own_kubeconfig(namespace: str, folder: Path) -> Path:
    """Write a kubeconfig for the gateway's service account."""
    config = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten"))
    token = kubectl("create", "token", "alloy", "--namespace", namespace).strip()
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


def running_pod(namespace: str) -> dict[str, Any]:
    def pods() -> list[dict[str, Any]]:
        items = json.loads(kubectl("get", "pods", "--namespace", namespace, "-o", "json"))["items"]
        return [pod for pod in items if pod["status"].get("podIP")]

    wait_for(lambda: bool(pods()))
    return pods()[0]


@pytest.mark.parametrize("known_by", ["k8s.pod.ip", "k8s.pod.uid"])
def test_the_role_is_enough_for_every_attribute(
    known_by: str, namespace: str, tmp_path: Path
) -> None:
    pod = running_pod(namespace)
    meta = pod["metadata"]
    known = {"k8s.pod.ip": pod["status"]["podIP"], "k8s.pod.uid": meta["uid"]}[known_by]
    span = {"traceId": f"{1:032x}", "spanId": f"{1:016x}", "name": "one"}
    request = {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes({known_by: known})},
                "scopeSpans": [{"spans": [span]}],
            }
        ]
    }
    # Waiting for the list of pods makes the component fail where the role is too small for it.
    kubernetes = 'auth_type = "kubeConfig"\n\t\twait_for_metadata = true'
    own = own_kubeconfig(namespace, tmp_path)
    with (
        trace_sink() as sink,
        gateway(
            arguments(tempo_endpoint=sink.endpoint, trust_unidentified=True),
            tmp_path,
            kubernetes=kubernetes,
            KUBECONFIG=str(own),
        ) as alloy,
    ):
        assert alloy.send("traces", request) == 200
        wait_for(lambda: bool(sink.spans), tmp_path / "alloy.log")

    want = {
        "k8s.namespace.name": namespace,
        "k8s.pod.name": meta["name"],
        "k8s.pod.uid": meta["uid"],
        "k8s.deployment.name": "shop",
        "k8s.node.name": pod["spec"]["nodeName"],
        "k8s.container.name": "web",
        "service.name": "shop",
        "service.namespace": namespace,
        "service.version": "1.2.3",
        "service.instance.id": f"{namespace}.{meta['name']}.web",
    }
    got = sink.spans[0].resource
    assert {key: got.get(key) for key in want} == want
    assert "forbidden" not in (tmp_path / "alloy.log").read_text()


@pytest.mark.parametrize("kind", ["secrets", "configmaps", "nodes", "namespaces", "replicasets"])
def test_the_role_allows_nothing_else(kind: str, namespace: str) -> None:
    subject = f"system:serviceaccount:{namespace}:alloy"

    def may(verb: str, resource: str) -> str:
        question = ("auth", "can-i", verb, resource, "--all-namespaces", "--as", subject)
        # No is an answer, and status 1.
        return cluster.kubectl(*question, ok=False).stdout.strip()

    assert may("list", "pods") == "yes"
    assert may("delete", "pods") == "no"
    assert may("list", kind) == "no"
