"""What the suite puts beside the stack: Prometheus, a log sink, a gate before S3, tools."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import yaml

from tests.e2e.cluster.cluster import Cluster, Json
from tests.e2e.cluster.place import ROOT, Place

PROMETHEUS_IMAGE = "quay.io/prometheus/prometheus:v3.13.5"
#: Namespaces: of the backends and Grafana, of applications, of what touches the node, of S3.
MONITORING = "monitoring"
SHOP = "e2e-shop"
NODE = "e2e-node"
S3 = "moto"
KAFKA = "e2e-kafka"
#: Host and port of the broker of `kafka.yaml`.
KAFKA_ADDRESS = f"kafka.{KAFKA}.svc.cluster.local:9092"
NAMESPACES = (MONITORING, SHOP, NODE)
#: Not `prometheus`, as that of the local stack is called.
PROMETHEUS = "e2e-prometheus"
PROMETHEUS_URL = f"http://{PROMETHEUS}.{MONITORING}.svc.cluster.local:9090"
SINK_URL = f"http://sink.{MONITORING}.svc.cluster.local:3100"
GATE_URL = f"http://gate.{S3}.svc.cluster.local:5000"
TOOLS = "tools"
_HERE = Path(__file__).parent
_PROGRAMS = _HERE / "programs"
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_RBAC = "rbac.authorization.k8s.io/v1"


def namespace(name: str, level: str = "baseline") -> Json:
    """Return a namespace with a level of pod security."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def config_map(name: str, where: str, data: Mapping[str, str]) -> Json:
    """Return a ConfigMap."""
    metadata = {"name": name, "namespace": where}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def programs(where: str) -> Json:
    """Return the programs that run in pods."""
    data = {file.name: file.read_text() for file in _PROGRAMS.glob("*.py")}
    return config_map("programs", where, data)


def pod_spec(
    place: Place,
    program: str,
    *arguments: str,
    sdk: bool = False,
    port: int | None = None,
    memory: str = "128Mi",
) -> Json:
    """Return the spec of a pod that runs one of the programs, at the level `restricted`."""
    container: Json = {
        "name": "main",
        "image": place.image,
        "command": place.command(f"/e2e/{program}", *arguments, sdk=sdk),
        "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108
        "securityContext": _RESTRICTED,
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": memory}},
        "volumeMounts": [
            {"name": "programs", "mountPath": "/e2e"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    if port:
        container["ports"] = [{"containerPort": port}]
        container["readinessProbe"] = {"tcpSocket": {"port": port}, "periodSeconds": 1}
    return {
        # Names of Services would become variables that programs misread.
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [
            {"name": "programs", "configMap": {"name": "programs"}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def deployment(name: str, where: str, spec: Json, **annotations: str) -> Json:
    """Return a Deployment of one pod."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": where},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": spec},
        },
    }


def service(name: str, where: str, port: int) -> Json:
    """Return a Service of a Deployment."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": where},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
    }


def pod(name: str, where: str, spec: Json, labels: Mapping[str, str] | None = None) -> Json:
    """Return a pod that runs once."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": where, "labels": dict(labels or {"app": name})},
        "spec": {**spec, "restartPolicy": "Never"},
    }


def prometheus(config: Json, rules: Sequence[Json]) -> list[Json]:
    """Return Prometheus with what it scrapes and the rules that it evaluates."""
    files = {
        "prometheus.yml": yaml.safe_dump(config),
        "rules.yml": yaml.safe_dump({"groups": list(rules)}),
    }
    spec: Json = {
        "enableServiceLinks": False,
        "serviceAccountName": PROMETHEUS,
        "securityContext": {"runAsUser": 65534, "runAsNonRoot": True, "fsGroup": 65534},
        "containers": [
            {
                "name": "prometheus",
                "image": PROMETHEUS_IMAGE,
                "args": [
                    "--config.file=/etc/prometheus/prometheus.yml",
                    "--storage.tsdb.path=/data",
                    "--web.enable-remote-write-receiver",
                    "--enable-feature=exemplar-storage",
                ],
                "ports": [{"containerPort": 9090}],
                "readinessProbe": {
                    "httpGet": {"path": "/-/ready", "port": 9090},
                    "periodSeconds": 1,
                },
                "resources": {
                    "requests": {"cpu": "50m", "memory": "256Mi"},
                    "limits": {"memory": "1Gi"},
                },
                "volumeMounts": [
                    {"name": "config", "mountPath": "/etc/prometheus"},
                    {"name": "data", "mountPath": "/data"},
                ],
            }
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": PROMETHEUS}},
            {"name": "data", "emptyDir": {}},
        ],
    }
    metadata = {"name": PROMETHEUS}
    reads = {
        "apiGroups": ["", "discovery.k8s.io"],
        "resources": ["pods", "services", "endpointslices"],
        "verbs": ["get", "list", "watch"],
    }
    subject = {"kind": "ServiceAccount", "name": PROMETHEUS, "namespace": MONITORING}
    account = {"name": PROMETHEUS, "namespace": MONITORING}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        {"apiVersion": _RBAC, "kind": "ClusterRole", "metadata": metadata, "rules": [reads]},
        {
            "apiVersion": _RBAC,
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC.split("/")[0], "kind": "ClusterRole", **metadata},
            "subjects": [subject],
        },
        config_map(PROMETHEUS, MONITORING, files),
        # Its pod is replaced when the configuration changes.
        deployment(PROMETHEUS, MONITORING, spec, config=_digest(files)),
        service(PROMETHEUS, MONITORING, 9090),
    ]


def _digest(files: Mapping[str, str]) -> str:
    return sha256(json.dumps(files).encode()).hexdigest()


def scraping(monitors: Sequence[Json]) -> Json:
    """Return Prometheus' configuration for monitors, as the operator would write it."""
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "storage": {"exemplars": {"max_exemplars": 100_000}},
        "rule_files": ["/etc/prometheus/rules.yml"],
        "scrape_configs": [
            _scrape(monitor, index, endpoint)
            for monitor in monitors
            for index, endpoint in enumerate(monitor["spec"][_MONITORS[monitor["kind"]].endpoints])
        ],
    }


@dataclass(frozen=True)
class _Monitor:
    """What a kind of monitor selects, in the operator's and in Prometheus' words."""

    endpoints: str
    role: str
    labels: str
    port: str


_MONITORS = {
    "ServiceMonitor": _Monitor(
        "endpoints", "endpointslice", "service_label_", "endpointslice_port_name"
    ),
    "PodMonitor": _Monitor("podMetricsEndpoints", "pod", "pod_label_", "pod_container_port_name"),
}


def _scrape(monitor: Json, index: int, endpoint: Json) -> Json:
    its = _MONITORS[monitor["kind"]]
    where, own_name = (monitor["metadata"][key] for key in ("namespace", "name"))
    spec = monitor["spec"]
    names = spec.get("namespaceSelector", {}).get("matchNames", [where])
    meta = "__meta_kubernetes"
    keep: list[Json] = [
        {
            "action": "keep",
            "source_labels": [f"{meta}_{its.labels}{_label(name)}"],
            "regex": value,
        }
        for name, value in spec["selector"].get("matchLabels", {}).items()
    ]
    keep.append(
        {
            "action": "keep",
            "source_labels": [f"{meta}_{its.port}"],
            "regex": endpoint["port"],
        }
    )
    copied: list[Json] = [
        {"source_labels": [f"{meta}_{source}"], "target_label": target}
        for source, target in {
            "namespace": "namespace",
            "service_name": "service",
            "pod_name": "pod",
            "pod_container_name": "container",
        }.items()
    ]
    # A pod has no Service to be named after.
    copied.append({"target_label": "job", "replacement": f"{where}/{own_name}"})
    job = spec.get("jobLabel")
    source = f"{its.labels}{_label(job)}" if job else "service_name"
    copied.append({"source_labels": [f"{meta}_{source}"], "target_label": "job", "regex": "(.+)"})
    copied.append({"target_label": "endpoint", "replacement": endpoint["port"]})
    return {
        "job_name": f"{where}/{own_name}/{index}",
        "kubernetes_sd_configs": [{"role": its.role, "namespaces": {"names": names}}],
        "metrics_path": endpoint.get("path", "/metrics"),
        "honor_labels": endpoint.get("honorLabels", False),
        "scrape_interval": endpoint.get("interval", "15s"),
        "scrape_timeout": endpoint.get("scrapeTimeout", "10s"),
        "relabel_configs": keep + copied + _relabelings(endpoint.get("relabelings", [])),
        "metric_relabel_configs": _relabelings(endpoint.get("metricRelabelings", [])),
    }


def _label(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def _relabelings(given: Sequence[Json]) -> list[Json]:
    keys = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return [{keys.get(key, key): value for key, value in one.items()} for one in given]


def install(cluster: Cluster, place: Place, *, kafka: bool) -> None:
    """Put everything beside the stack and wait for it.

    Args:
        cluster: the cluster.
        place: how programs run there.
        kafka: whether the stack needs Kafka.
    """
    levels = dict.fromkeys(NAMESPACES, "baseline") | {NODE: "privileged"}
    cluster.apply(namespace(name, level) for name, level in levels.items())
    cluster.run("apply", "-f", str(ROOT / "local/moto.yaml"))
    objects = [programs(name) for name in (*NAMESPACES, S3)]
    sink = pod_spec(place, "sink.py", "3100", port=3100)
    gate = pod_spec(place, "gate.py", "5000", f"moto.{S3}.svc.cluster.local", "5000", port=5000)
    objects += [deployment("sink", MONITORING, sink), service("sink", MONITORING, 3100)]
    objects += [deployment("gate", S3, gate), service("gate", S3, 5000)]
    for name in (MONITORING, SHOP):
        objects.append(deployment(TOOLS, name, pod_spec(place, "tools.py", "wait")))
    # What it fills a file system in memory with counts as its own memory.
    killer: Json = {**pod_spec(place, "tools.py", "wait", memory="1Gi"), "hostPID": True}
    killer["containers"][0]["securityContext"] = {"runAsUser": 0, "privileged": True}
    objects.append(deployment(TOOLS, NODE, killer))
    objects += prometheus(scraping([]), [])
    cluster.apply(objects)
    workloads = [(S3, "moto"), (S3, "gate"), (MONITORING, "sink"), (MONITORING, PROMETHEUS)]
    if kafka:
        cluster.run("apply", "-f", str(_HERE / "kafka.yaml"))
        workloads.append((KAFKA, "kafka"))
    for where, name in [*workloads, *((namespace, TOOLS) for namespace in NAMESPACES)]:
        cluster.rolled_out(where, f"deployment/{name}")


def remove(cluster: Cluster) -> None:
    """Remove everything again, the emulator with its bucket too."""
    names = (*NAMESPACES, S3, KAFKA, "shop")
    # It waits until they are gone, so that the next stack can have them.
    cluster.run("delete", "namespace", *names, "--ignore-not-found", "--timeout=300s")
    for kind in ("clusterrole", "clusterrolebinding"):
        cluster.run("delete", kind, PROMETHEUS, "--ignore-not-found")


def shop(place: Place) -> list[Json]:
    """Return the demo shop of `local/`, run by the Python that the suite uses."""
    folder = ROOT / "local/shop"
    objects: list[Json] = list(yaml.safe_load_all((folder / "shop.yaml").read_text()))
    for one in objects:
        if one["kind"] == "Deployment":
            name = one["metadata"]["name"]
            [container] = one["spec"]["template"]["spec"]["containers"]
            sdk = "env" in container
            container["image"] = place.image
            container["command"] = place.command("/shop/shop.py", name, sdk=sdk)
    program = config_map("shop", "shop", {"shop.py": (folder / "shop.py").read_text()})
    # Its namespace first.
    return [objects[0], program, *objects[1:]]
