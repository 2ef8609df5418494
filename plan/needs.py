"""What the platform must have before the first `up`.

The plan lists it, and `make preflight` checks each line in the cluster and the account.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from components.alloy.ingress import GATEWAY_API
from components.alloy.pod_logs.system import ALLOY_LOGS
from components.alloy.settings import QueuePlace
from components.beyla.kernels import OLDEST
from components.core import placement
from components.core.registry import running
from components.core.settings import ClusterSettings
from components.core.workload import Workload
from components.grafana.settings import GrafanaDelivery
from components.identity.settings import IdentityMode
from components.settings import TracingSettings
from components.tempo.sizes import partitions
from plan.charts import API, RENDERED, Rendered
from plan.diff.markdown import counted
from plan.recorder import Resource
from plan.run import Plan
from policy.rules.reading import RELEASE

#: Oldest version of Kubernetes that the charts accept. Pod security admission is stable from it on.
KUBERNETES: Final = (1, 25)


@dataclass(frozen=True, kw_only=True)
class Need:
    """One thing that the stack needs and doesn't create.

    Attributes:
        name: name for people, unique.
        text: what is needed.
        source: settings or systems that need it.
    """

    name: str
    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Pods:
    """The pods of one workload.

    Attributes:
        name: name of the workload for people.
        release: name of its Helm release.
        namespace: their namespace.
        size: number, requests and limits.
        scheduling: `nodeSelector`, `tolerations` and `affinity` as in Kubernetes.
        on_each_node: one pod on each node, whatever the number in `size`.
        priority_class: their priority class, or None.
    """

    name: str
    release: str
    namespace: str
    size: Workload
    scheduling: Mapping[str, Any] = field(default_factory=dict[str, Any])
    on_each_node: bool
    priority_class: str | None


def pods(settings: TracingSettings) -> list[Pods]:
    """Return the pods of every workload."""
    found: list[Pods] = []
    for system in running(settings):
        own = system.placement(settings)
        placed = own.over(settings.placement)
        for name, size in system.workloads(settings).items():
            agent = name == "beyla" or system is ALLOY_LOGS
            scheduling = placement.on_every_node(own) if agent else placement.scheduling(placed)
            found.append(
                Pods(
                    name=name,
                    release=system.release,
                    namespace=system.namespace_name(settings),
                    size=size,
                    scheduling=scheduling,
                    on_each_node=agent,
                    priority_class=placed.priority_class,
                )
            )
    return found


def objects(plan: Plan) -> list[Resource]:
    """Return the planned Kubernetes objects, without those in Helm releases."""
    return [
        r
        for r in plan.recording.resources
        if r.type.startswith("kubernetes:") and r.type != RELEASE
    ]


def releases(plan: Plan) -> list[tuple[Resource, Rendered]]:
    """Return the planned Helm releases with what their charts render."""
    return [
        (release, RENDERED[release.inputs["chart"].rpartition("/")[2]])
        for release in plan.recording.of_type(RELEASE)
    ]


def access(cluster: ClusterSettings) -> str:
    """Return what selects the cluster, for people."""
    if cluster.kube_context:
        return f"context {cluster.kube_context}"
    return f"stack {cluster.stack_reference}"


def touched(plan: Plan) -> list[tuple[str, str, str]]:
    """Return API version, kind and namespace of all objects, those of the charts included.

    The namespace is where a kind has objects, and has no meaning for cluster-wide kinds.
    """
    found = {
        (item.inputs["apiVersion"], item.inputs["kind"], namespace_of(item))
        for item in objects(plan)
    }
    for release, chart in releases(plan):
        kinds = {*chart.kinds, "Secret"}
        if plan.settings.grafana.service_monitor.enabled:
            kinds.add(chart.monitor)
        found |= {(API[kind], kind, release.inputs["namespace"]) for kind in kinds}
    return sorted(found)


def namespace_of(item: Resource) -> str:
    """Return the namespace of a planned object; empty if it is cluster-wide."""
    return item.inputs["metadata"].get("namespace", "")


def cluster_wide(release: Resource, chart: Rendered) -> list[tuple[str, str]]:
    """Return kind and name of the objects of a release that are in no namespace."""
    values = release.inputs["values"]
    return [
        *((kind, name.format(values["fullnameOverride"])) for kind, name in chart.cluster_wide),
        *(
            (each["kind"], each["metadata"]["name"])
            for each in values.get("extraObjects", ())
            if each["kind"].startswith("ClusterRole")
        ),
    ]


def custom_kinds(plan: Plan) -> dict[tuple[str, str], str]:
    """Return API version and kind of custom resources, and the setting that creates them.

    Without those whose definitions one of the stack's own charts brings.
    """
    brought = {
        name.partition(".")[2]
        for release, chart in releases(plan)
        for kind, name in cluster_wide(release, chart)
        if kind == "CustomResourceDefinition"
    }
    found: dict[tuple[str, str], str] = {}
    for api, kind, _ in touched(plan):
        group = api.partition("/")[0]
        # The Gateway API is the one group of Kubernetes itself that is installed apart.
        own = group.endswith(".k8s.io") and api != GATEWAY_API
        if "." in group and not own and group not in brought:
            found[api, kind] = _KEYS.get(kind, kind)
    return found


_KEYS = {
    "PrometheusRule": "alerts.delivery",
    **dict.fromkeys(("PodMonitor", "ServiceMonitor"), "grafana.serviceMonitor"),
    **dict.fromkeys(("GRPCRoute", "HTTPRoute"), "alloy.ingress.gateway"),
    **dict.fromkeys(("GrafanaDashboard", "GrafanaDatasource", "GrafanaFolder"), "grafana.delivery"),
}


def volumes(settings: TracingSettings) -> list[Pods]:
    """Return the pods that have a volume."""
    return [each for each in pods(settings) if each.size.volume_gib]


def storage_classes(settings: TracingSettings) -> dict[str, str | None]:
    """Return the storage classes of volumes by their settings; None for the default one."""
    queue = settings.alloy.queue_storage_class
    on_volume = settings.alloy.queue is QueuePlace.VOLUME
    return {
        "tempo.storageClass": settings.tempo.storage_class,
        **({"alloy.queueStorageClass": queue} if on_volume else {}),
    }


def needs(plan: Plan) -> list[Need]:
    """Return everything that the platform must have for a plan, in the order of an `up`."""
    return [
        Need(name=name, text=text, source=source)
        for part in (_account, _cluster, _grafana, _beyla, _room)
        for name, text, source in part(plan)
    ]


_Rows = Iterator[tuple[str, str, str]]


def _account(plan: Plan) -> _Rows:
    settings = plan.settings
    cluster, storage = settings.cluster, settings.storage
    if storage.endpoint:
        return
    yield "AWS account", f"credentials for {cluster.account_id}", "cluster.accountId"
    state = "exists" if storage.existing else "does not exist yet"
    yield "bucket", f"{settings.bucket} in {cluster.region} {state}", "storage.bucket"


def _cluster(plan: Plan) -> _Rows:
    settings = plan.settings
    its = settings.cluster
    yield "cluster", f"{its.name}, through {access(its)}", "cluster"
    yield "Kubernetes", f"{'.'.join(map(str, KUBERNETES))} or later", "charts"
    names = ", ".join(release.inputs["name"] for release, _ in releases(plan))
    yield (
        "permissions",
        "create, change and delete all kinds of objects in the plan, ClusterRoles included",
        "Pulumi",
    )
    if kinds := custom_kinds(plan):
        served = ", ".join(f"{kind} ({version})" for version, kind in kinds)
        yield "kinds", served, ", ".join(dict.fromkeys(kinds.values()))
    yield "names", f"free: those of the releases {names} and of all objects", "Pulumi"
    if foreign := foreign_namespaces(plan):
        yield "namespaces", f"must exist: {', '.join(foreign)}", ", ".join(foreign.values())
    levels = ", ".join(f"{level} in {name}" for name, level in pod_security(plan).items())
    yield "pod security", f"admitted: {levels}", "pods"
    if claims := volumes(settings):
        classes = {key: one or "a default one" for key, one in storage_classes(settings).items()}
        count = sum(each.size.replicas for each in claims)
        amount = sum(each.size.replicas * (each.size.volume_gib or 0) for each in claims)
        yield (
            "storage class",
            f"{' and '.join(dict.fromkeys(classes.values()))}, for {amount} GiB in "
            f"{counted(count, 'volume')}",
            ", ".join(classes),
        )
    if settings.identity.mode is IdentityMode.POD_IDENTITY:
        yield "Pod Identity", "the EKS Pod Identity Agent on the nodes", "identity.mode"
    if settings.identity.mode is IdentityMode.IRSA:
        yield "OIDC issuer", str(settings.cluster.oidc_issuer), "cluster.oidcIssuer"
    if settings.namespaces.network_policies:
        yield "network policies", "a CNI that enforces them", "namespaces.networkPolicies"
    yield "IP addresses", settings.cluster.ip_family, "cluster.ipFamily"
    if kafka := settings.tempo.kafka:
        secret = kafka.password_secret
        yield (
            "Kafka",
            f"a broker at {kafka.address} with the topic {kafka.topic} of "
            f"{counted(partitions(settings.tempo), 'partition')}"
            + (f", and the Secret {secret.name}" if secret else ""),
            "tempo.kafka",
        )


def _grafana(plan: Plan) -> _Rows:
    its = plan.settings.grafana
    if its.delivery is GrafanaDelivery.OPERATOR:
        labels = ", ".join(f"{key}={value}" for key, value in its.instance_labels.items())
        yield "Grafana", f"a Grafana object with {labels} in {its.namespace}", "grafana.delivery"
    if its.delivery is GrafanaDelivery.SIDECAR:
        label = f"{its.datasource_label}={its.datasource_label_value}"
        yield "Grafana", f"a sidecar that reads {label} in {its.namespace}", "grafana.delivery"
        yield "datasources", f"no other named {its.tempo_uid}", "grafana.tempoUid"


def _beyla(plan: Plan) -> _Rows:
    settings = plan.settings
    if settings.beyla_runs:
        version = ".".join(map(str, OLDEST))
        yield "kernels", f"Linux {version} or later with BTF, not Fargate", "beyla"
    if settings.beyla_in_host_network:
        yield "Cilium", "not on the nodes of Beyla", "beyla.contextPropagation"


def _room(plan: Plan) -> _Rows:
    settings = plan.settings
    each = pods(settings)
    cpu = sum(p.size.replicas * p.size.cpu_request_millicores for p in each) / 1000
    memory = sum(p.size.replicas * p.size.memory_request_mib for p in each) / 1024
    count = sum(p.size.replicas for p in each)
    yield (
        "nodes",
        f"room for {count} pods that request {cpu:g} CPU and {memory:.1f} GiB",
        "pods, placement",
    )
    if classes := {p.priority_class for p in each if p.priority_class}:
        yield "priority class", f"{', '.join(sorted(classes))} exist", "placement.priorityClass"
    yield "quotas", "ResourceQuotas and LimitRanges leave room for the pods", "pods"
    registry = settings.charts.image_registry
    yield "images", f"nodes can pull from {registry or 'the public registries'}", "charts"
    yield "charts", "the repositories can be reached from where Pulumi runs", "charts"


def foreign_namespaces(plan: Plan) -> dict[str, str]:
    """Return the namespaces that must exist, and the setting that names each."""
    settings = plan.settings
    made = {o.inputs["metadata"]["name"] for o in objects(plan) if o.inputs["kind"] == "Namespace"}
    used = {namespace for _, _, namespace in touched(plan)} - made - {""}
    keys = {
        settings.slo_namespace: "alerts.sloRules.namespace",
        settings.alert_namespace: "alerts.namespace",
        settings.grafana.namespace: "grafana.namespace",
    }
    return {name: keys.get(name, "namespaces.existing") for name in sorted(used)}


def pod_security(plan: Plan) -> dict[str, str]:
    """Return the pod security level that the pods in each namespace need."""
    found: dict[str, str] = {}
    for system in running(plan.settings):
        name = system.namespace_name(plan.settings)
        if found.get(name) != "privileged":
            found[name] = system.pod_security
    return found
