"""An API server in memory, a healthy cluster for the stacks, and faults to plant in it."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from components.grafana.delivery import API_VERSION
from delivery.preflight.api import Json, UnknownError
from delivery.preflight.finding import Finding, Level
from plan.charts import API, RENDERED

ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/A1"
_PLURALS = {
    **{kind: f"{kind.lower()}s" for kind in API},
    **{
        kind: f"{kind.lower()}s"
        for kind in ("LimitRange", "Namespace", "Node", "Pod", "PrometheusRule", "ResourceQuota")
    },
    "CSIDriver": "csidrivers",
    "Grafana": "grafanas",
    "NetworkPolicy": "networkpolicies",
    "PriorityClass": "priorityclasses",
    "StorageClass": "storageclasses",
}
_CLUSTER_WIDE = {
    *(kind for chart in RENDERED.values() for kind, _ in chart.cluster_wide),
    *("CSIDriver", "Namespace", "Node", "PriorityClass", "StorageClass"),
}
_VERSIONS = {
    **API,
    **dict.fromkeys(("LimitRange", "Namespace", "Node", "Pod", "ResourceQuota"), "v1"),
    **dict.fromkeys(("CSIDriver", "StorageClass"), "storage.k8s.io/v1"),
    "Grafana": API_VERSION,
    "NetworkPolicy": "networking.k8s.io/v1",
    "PriorityClass": "scheduling.k8s.io/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
}


def made(kind: str, name: str, namespace: str = "", **fields: Any) -> Json:
    """Return an object; `labels` and `annotations` go into its metadata."""
    metadata = {k: fields.pop(k) for k in ("labels", "annotations") if k in fields}
    where = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": _VERSIONS[kind],
        "kind": kind,
        "metadata": {
            "name": name,
            "creationTimestamp": "2026-11-01T00:00:00Z",
            **where,
            **metadata,
        },
        **fields,
    }


def node_info(kernel: str, system: str = "Amazon Linux 2023") -> dict[str, str]:
    """Return `nodeInfo` of a node, with all fields that the API server wants."""
    fields = (
        *("architecture", "bootID", "containerRuntimeVersion", "kubeProxyVersion"),
        *("kubeletVersion", "machineID", "operatingSystem", "systemUUID"),
    )
    return {**dict.fromkeys(fields, "test"), "kernelVersion": kernel, "osImage": system}


def node(name: str, zone: str, **fields: Any) -> Json:
    """Return a node with 16 cores and 64 GiB."""
    labels = {"kubernetes.io/os": "linux", "topology.kubernetes.io/zone": zone}
    status = {
        "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"},
        "nodeInfo": node_info("6.12.50-63.amzn2023"),
    }
    fields = {"spec": {}, "status": status, **fields}
    return {**made("Node", name, labels=labels), **fields}


def sidecar(label: str, **env: str) -> Json:
    """Return a container as Grafana's chart adds it."""
    variables = {"LABEL": label, "LABEL_VALUE": "1", "FOLDER": "/etc/grafana", **env}
    return {
        "name": label.replace("_", "-"),
        "image": "kiwigrid/k8s-sidecar",
        "env": [{"name": name, "value": value} for name, value in variables.items()],
    }


def grafana(*sidecars: Json) -> Json:
    """Return a pod of Grafana."""
    return made("Pod", "grafana", "monitoring", spec={"containers": [*sidecars]}, status={})


def healthy() -> list[Json]:
    """Return the objects of a cluster that has what the stacks need."""
    agent = {"status": {"numberReady": 3}, "spec": {}}
    args = [{"name": "agent", "args": ["--enable-network-policy=true"]}]
    return [
        *(node(f"node-{n}", f"zone-{n}") for n in (1, 2, 3)),
        made("Namespace", "default"),
        made("Namespace", "kube-system"),
        made("Namespace", "monitoring"),
        made("Service", "kubernetes", "default", spec={"clusterIP": "10.0.0.1"}),
        made("CSIDriver", "ebs.csi.aws.com"),
        made(
            "StorageClass",
            "gp3",
            annotations={"storageclass.kubernetes.io/is-default-class": "true"},
            provisioner="ebs.csi.aws.com",
            volumeBindingMode="WaitForFirstConsumer",
        ),
        made("DaemonSet", "eks-pod-identity-agent", "kube-system", **agent),
        made(
            "DaemonSet",
            "aws-node",
            "kube-system",
            spec={"template": {"spec": {"containers": args}}},
        ),
        grafana(
            sidecar("grafana_datasource"),
            sidecar("grafana_dashboard", FOLDER_ANNOTATION="grafana_folder"),
        ),
    ]


@dataclass
class Api:
    """An API server.

    Attributes:
        objects: what it has.
        missing: kinds that it doesn't serve.
        version: its version.
        refused: verbs and resources that the caller may not use.
        hidden: parts of paths that the caller may not read.
    """

    objects: list[Json] = field(default_factory=healthy)
    missing: Sequence[str] = ()
    version: str = "v1.34.2-eks-3025e55"
    refused: Sequence[tuple[str, str]] = ()
    hidden: Sequence[str] = ()

    def get(self, path: str, *, metadata: bool = False) -> Json | None:
        """Answer as the API server does."""
        del metadata
        if any(part in path for part in self.hidden):
            raise UnknownError("the cluster answers 403: forbidden")
        if path == "/version":
            return {"gitVersion": self.version}
        if path == "/.well-known/openid-configuration":
            return {"issuer": ISSUER}
        parts = urlsplit(path)
        words = parts.path.strip("/").split("/")
        length = 2 if words[0] == "api" else 3
        version, rest = "/".join(words[1:length]), words[length:]
        served = {k: p for k, p in _PLURALS.items() if _VERSIONS[k] == version}
        served = {k: p for k, p in served.items() if k not in self.missing}
        if not served:
            return None
        if not rest:
            kinds = [
                {"kind": kind, "name": plural, "namespaced": kind not in _CLUSTER_WIDE}
                for kind, plural in served.items()
            ]
            return {"resources": kinds}
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        found = [
            item
            for item in self.objects
            if served.get(item["kind"]) == rest[0]
            and namespace in ("", item["metadata"].get("namespace"))
            and _selected(item, parse_qs(parts.query).get("labelSelector", [""])[0])
        ]
        if len(rest) == 1:
            return {"items": copy.deepcopy(found)}
        return next((item for item in found if item["metadata"]["name"] == rest[1]), None)

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        """Answer a review."""
        if path.endswith("/selfsubjectreviews"):
            return {"status": {"userInfo": {"username": "jane"}}}
        its = body["spec"]["resourceAttributes"]
        asked = its["verb"], its["resource"]
        limited = bool(self.refused) and "*" in asked
        return {"status": {"allowed": not (limited or asked in self.refused)}}


def _selected(item: Json, selector: str) -> bool:
    labels = item["metadata"].get("labels", {})
    for part in filter(None, selector.split(",")):
        key, equals, value = part.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def aws(account: str = "111111111111", *, owner: str = "", issuer: str = ISSUER) -> Any:
    """Return an AWS CLI: its account, the owner of the bucket, the issuer of the cluster."""

    def answer(*arguments: str) -> Json:
        if arguments[0] == "sts":
            return {"Account": account, "Arn": f"arn:aws:iam::{account}:user/jane"}
        if arguments[0] == "eks":
            return {"cluster": {"identity": {"oidc": {"issuer": issuer}}}}
        if arguments[-1] != owner:
            raise UnknownError("An error occurred (403) when calling the HeadBucket operation")
        return {}

    return answer


def head(status: int = 404, region: str = "", **others: int) -> Any:
    """Return a network where the bucket has a status, and each other host 200 or its own."""

    def answer(url: str) -> tuple[int, Mapping[str, str]]:
        if "amazonaws.com" in url:
            return status, {"x-amz-bucket-region": region} if region else {}
        found = next((code for host, code in others.items() if host in url), 200)
        if not found:
            raise UnknownError(f"{url} doesn't answer: timed out")
        return found, {}

    return answer


def bad(found: Sequence[tuple[str, Finding]]) -> list[tuple[str, Level]]:
    """Return need and level of each error and warning."""
    return [(name, f.level) for name, f in found if f.level in (Level.WARNING, Level.ERROR)]
