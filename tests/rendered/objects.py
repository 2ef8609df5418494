"""All Kubernetes objects that a stack brings: its own, and what the charts make of the values."""

import functools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from plan.recorder import Resource, Secret
from tests.helm import HELM, TEMPLATE
from tests.stack.variants import chart_of, recorded, releases

Object = dict[str, Any]

CHARTS = os.environ.get("TRACING_TEST_CHARTS")

needs_charts = pytest.mark.skipif(
    not (HELM and CHARTS), reason="needs helm on PATH and TRACING_TEST_CHARTS, a folder of charts"
)

#: Kinds without a namespace.
CLUSTER_WIDE = (
    *("APIService", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"),
    *("IngressClass", "MutatingWebhookConfiguration", "Namespace", "PersistentVolume"),
    *("PriorityClass", "RuntimeClass", "StorageClass", "ValidatingWebhookConfiguration"),
)
_WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")
_OWN = ("ConfigMap", "Namespace", "NetworkPolicy", "Secret", "ServiceAccount")


@functools.cache
def objects_of(name: str) -> list[Object]:
    """Return the objects of a stack file or a variant, each with the namespace that it goes to."""
    recording = recorded(name)
    own = [
        cast(Object, _revealed(resource.inputs))
        for resource in recording.resources
        if resource.type.startswith("kubernetes:") and resource.type.endswith(_OWN)
    ]
    return [*own, *(o for release in releases(recording) for o in _rendered(release))]


def _revealed(value: Any) -> Any:
    if isinstance(value, Secret):
        return _revealed(value.value)
    if isinstance(value, dict):
        return {k: _revealed(v) for k, v in cast(Object, value).items()}
    return [_revealed(v) for v in cast(list[Any], value)] if isinstance(value, list) else value


def _rendered(release: Resource) -> Iterator[Object]:
    """Render a release and yield its objects."""
    inputs, chart = release.inputs, chart_of(release)
    namespace = inputs["namespace"]
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        # As JSON, since Helm and PyYAML disagree about words like `y`.
        json.dump(inputs["values"], file)
        file.flush()
        # The kinds of the Prometheus operator are told, since there is no cluster to ask.
        done = subprocess.run(
            [
                *(*TEMPLATE, inputs["name"]),
                *(Path(CHARTS or "") / f"{chart.name}-{chart.version}.tgz", "--include-crds"),
                *("--namespace", namespace, "--values", file.name),
                *("--api-versions", "monitoring.coreos.com/v1"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    for document in yaml.safe_load_all(done.stdout):
        if document and document["kind"] not in CLUSTER_WIDE:
            document["metadata"].setdefault("namespace", namespace)
        if document:
            yield document


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    """Return the objects of some kinds."""
    return [o for o in objects if o["kind"] in kinds]


def pods(objects: list[Object]) -> list[Object]:
    """Return a pod of each workload, as its controller would make it."""
    return [_pod(workload) for workload in of_kind(objects, *_WORKLOADS)]


def _pod(workload: Object) -> Object:
    meta, spec = workload["metadata"], workload["spec"]
    template = spec["template"]
    claims = [
        {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{meta['name']}-0"}}
        for claim in spec.get("volumeClaimTemplates", [])
        for name in [claim["metadata"]["name"]]
    ]
    where = {"name": meta["name"], "namespace": meta["namespace"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], **where},
        "spec": {**template["spec"], "volumes": template["spec"].get("volumes", []) + claims},
    }


def name_of(o: Object) -> tuple[str, str]:
    """Return namespace and name."""
    return o["metadata"].get("namespace", ""), o["metadata"]["name"]
