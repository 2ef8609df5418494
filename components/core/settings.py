"""Settings that all systems share: environment, cluster, namespaces, charts, sizes."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from .affinity import AffinitySettings
from .base import Settings, explained
from .on_change import OnChange
from .regions import Region
from .texts import (
    AccountId,
    AnnotationValue,
    ChartRepository,
    ChartVersion,
    Cidr,
    ClassName,
    ClusterName,
    EnvironmentName,
    FilePath,
    ImageRegistry,
    IssuerUrl,
    KubeContext,
    LabelKey,
    LabelValue,
    NamespaceName,
    OperatorNamespaceName,
    OwnNamespaceName,
    PodAnnotationKey,
    PodLabelKey,
    SecretName,
    StackName,
)
from .tier import Tier

_MOVED = OnChange(
    happens="Everything in the cluster is replaced, which fails halfway.",
    do="Keep a stack with its cluster and namespaces, or move it step by step.",
    section="changes.md#move-to-another-cluster-or-namespace",
)
_ELSEWHERE = OnChange(
    happens="Everything in the cluster is replaced, which fails halfway. The bucket has this "
    "region and account too.",
    do="Start a new stack.",
    section="changes.md#move-to-another-cluster-or-namespace",
)
_RENAMED = OnChange(
    happens="The bucket, Tempo's role and the roles of GitHub's jobs are named after the "
    "environment: Tempo starts with an empty bucket.",
    do="Start a new stack for a new environment.",
    section="changes.md#replace-the-bucket",
)
_FAMILY = OnChange(
    happens="Kubernetes doesn't change the first address family of a Service, so that an upgrade "
    "of Tempo in mode `distributed` may fail.",
    do="Set it when you install the stack.",
    section="network.md#ipv6",
)
_ISSUER = OnChange(
    happens="With `identity.mode: irsa`, Tempo's role trusts the new issuer only.",
    do="Change it only with the cluster.",
    section="credentials.md#aws-identity",
)
_REACHED = OnChange(
    happens="Pulumi connects to the cluster in another way. In another cluster it doesn't find its "
    "resources, and creates them again.",
    do="Make sure that it is the same cluster.",
    section="changes.md#move-to-another-cluster-or-namespace",
)


_ADOPTED = OnChange(
    happens="Pulumi deletes a namespace that is added to the list, with everything in it. One that "
    "is removed from it must not exist.",
    do="Decide before the first `up`, or move the stack step by step.",
    section="changes.md#move-to-another-cluster-or-namespace",
)


#: Mark of each `placement`.
PLACED = OnChange(
    happens="The pods restart. A pod with a volume stays pending if none of the nodes that the new "
    "placement allows is in the zone of the volume.",
    do="Allow nodes in all zones that have volumes.",
    section="install.md#place-pods-on-nodes",
)
_LABELLED = OnChange(
    happens="If the labels are those of Beyla's pods too, the upgrade of Beyla fails: its chart "
    "puts them into the selector of the DaemonSet, which Kubernetes fixes.",
    do="Then delete Beyla's DaemonSet by hand first. The upgrade creates it again.",
    section="install.md#place-pods-on-nodes",
)


class Size(StrEnum):
    """Size preset: replicas, requests, limits, volumes and ingestion limits in one word."""

    XS = "xs"
    S = "s"
    M = "m"
    L = "l"


class IpFamily(StrEnum):
    """Addresses of the pods in a cluster."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    DUAL = "dual"

    @property
    def any_address(self) -> str:
        """Every address of a pod, as part of `host:port`; `[::]` includes those of IPv4."""
        return "0.0.0.0" if self is IpFamily.IPV4 else "[::]"  # noqa: S104


class EnvironmentSettings(Settings):
    """Which environment this is."""

    name: Annotated[EnvironmentName, _RENAMED]
    """Name of the environment. It goes into the names of bucket and role, into tags and onto each
    span that has no `deployment.environment.name` of its own."""
    tier: Tier = Tier.PRODUCTION
    """What the environment's data is worth; it sets the defaults listed under "Tiers". Left out, it
    follows from `name` as listed there, and is production for any name that is not."""


class ClusterSettings(Settings):
    """The EKS cluster that the stack is installed in, and how to reach it."""

    name: Annotated[ClusterName, _MOVED]
    """Name of the EKS cluster, also put onto spans as `k8s.cluster.name`. Before you change
    it, see docs/changes.md."""
    region: Annotated[Region, _ELSEWHERE]
    """AWS region of the cluster and of the bucket, for example `eu-west-1`."""
    account_id: Annotated[AccountId, _ELSEWHERE]
    """AWS account id, 12 digits, in quotes. Pulumi refuses to work in any other account."""
    kubeconfig: Annotated[FilePath, _REACHED] = "~/.kube/config"
    """Path of the kubeconfig file that holds `kubeContext`."""
    kube_context: Annotated[KubeContext | None, _REACHED] = None
    """Context of the kubeconfig to use. Give this or `stackReference`."""
    stack_reference: Annotated[StackName | None, _REACHED] = None
    """Stack that made the cluster, `organization/project/stack`; its output `kubeconfig` is used.
    Give this or `kubeContext`."""
    oidc_issuer: Annotated[IssuerUrl | None, _ISSUER] = None
    """URL of the cluster's OIDC issuer; needed with `identity.mode: irsa`."""
    ip_family: Annotated[IpFamily, _FAMILY] = IpFamily.IPV4
    """Addresses of the pods: `ipv4`, `ipv6` or `dual`. With `dual`, the parts of Tempo still reach
    each other by IPv4."""
    nodes: int = Field(default=3, ge=1, le=10_000)
    """Expected number of nodes. Sets the size of Beyla's Kubernetes cache (one replica for each 50
    nodes) and the sums in the plan."""
    node_cidrs: list[Cidr] = Field(default=[])
    """Address ranges of the nodes, for example `10.0.0.0/16`. Needed with
    `beyla.contextPropagation`: Beyla then sends from node addresses, and network policies let it in
    by these."""


class NamespaceKey(StrEnum):
    """Keys of the namespaces in `namespaces`."""

    TRACING = "tracing"
    BEYLA = "beyla"
    OPERATOR = "operator"


class NamespaceSettings(Settings):
    """The namespaces of the stack's systems, which it creates unless they are in `existing`."""

    tracing: Annotated[OwnNamespaceName, _MOVED] = "tracing"
    """Namespace of Tempo and Alloy, with pod-security level `restricted`."""
    beyla: Annotated[OwnNamespaceName, _MOVED] = "tracing-beyla"
    """Namespace of Beyla alone, with pod-security level `privileged`: eBPF needs it."""
    operator: Annotated[OperatorNamespaceName, _MOVED] = "tracing-operator"
    """Namespace of the OpenTelemetry Operator and its `Instrumentation`, with pod-security level
    `restricted`."""
    existing: Annotated[list[NamespaceKey], _ADOPTED] = Field(default=[])
    """Keys of the namespaces that exist already, for example `[tracing]`. The stack uses them
    without changing or deleting them. Their pod-security level must permit the pods: see
    docs/install.md."""
    scrapers: list[NamespaceName] = Field(default=[])
    """Additional namespaces whose Prometheus may scrape the stack, for example `[observability]`.
    `grafana.namespace` and the namespace of `backends.metrics` always may."""
    network_policies: bool = True
    """Deny all traffic in these namespaces but what flows between senders, Beyla, Alloy, Tempo,
    Grafana, S3 and the backends. The cluster's CNI must enforce network policies."""


class PodSettings(Settings):
    """Requests and limits of each pod that replace those of the size preset."""

    cpu_request_millicores: int | None = Field(default=None, ge=1, le=256_000)
    """CPU request of a pod in thousandths of a core."""
    cpu_limit_millicores: int | None = Field(default=None, ge=0, le=256_000)
    """CPU limit of a pod in thousandths of a core; 0 for no CPU limit."""
    memory_request_mib: int | None = Field(default=None, ge=16, le=4_194_304)
    """Memory request of a pod in MiB."""
    memory_limit_mib: int | None = Field(default=None, ge=16, le=4_194_304)
    """Memory limit of a pod in MiB."""


class StatefulPodSettings(PodSettings):
    """Values of a single pod with a volume that replace those of the size preset."""

    volume_gib: int | None = Field(default=None, ge=1, le=16_384)
    """Volume in GiB. Kubernetes can't resize it in place: see docs/changes.md before you change
    it."""


class WorkloadSettings(PodSettings):
    """Values of a workload that replace those of the size preset."""

    replicas: int | None = Field(default=None, ge=1, le=200)
    """Number of pods."""


class ScalableWorkloadSettings(PodSettings):
    """Values of an autoscaled workload that replace those of the size preset."""

    replicas: int | None = Field(default=None, ge=1, le=200)
    """Smallest number of pods."""
    max_replicas: int | None = Field(default=None, ge=1, le=500)
    """Largest number of pods."""


class StatefulWorkloadSettings(WorkloadSettings, StatefulPodSettings):
    """Values of a workload with volumes that replace those of the size preset."""


class TolerationOperator(StrEnum):
    """How a toleration matches the value of a taint."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """What a taint does to pods that don't tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class TolerationSettings(Settings):
    """A taint that pods tolerate, as in Kubernetes."""

    key: LabelKey | None = None
    """Key of the taint; by default every key, with `operator: Exists`."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """`Equal` compares `value`, `Exists` matches every value."""
    value: LabelValue | None = None
    """Value of the taint."""
    effect: TaintEffect | None = None
    """Effect of the taint; by default every effect."""
    toleration_seconds: int | None = Field(default=None, ge=0)
    """Seconds that a pod stays on a node with the effect `NoExecute`; by default it stays."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.operator is TolerationOperator.EXISTS and self.value is not None:
            raise explained("has a value, which operator: Exists doesn't compare: remove one")
        if self.operator is TolerationOperator.EQUAL and self.key is None:
            raise explained("has no key: add the key of the taint, or operator: Exists for all")
        if self.toleration_seconds is not None and self.effect is not TaintEffect.NO_EXECUTE:
            raise explained("has tolerationSeconds, which need effect: NoExecute")
        return self


class TopologySpread(StrEnum):
    """Over what the pods of a workload spread, if they can."""

    ZONE = "zone"
    HOST = "host"
    BOTH = "both"
    NONE = "none"


class PlacementSettings(Settings):
    """Nodes that pods run on, and what else the platform requires of pods.

    A key in the `placement` of a system replaces the same key in `placement` of the stack.
    """

    node_selector: dict[LabelKey, LabelValue] | None = None
    """Labels of the nodes. That of the stack doesn't apply to Beyla's agents, which run where the
    applications run; `beyla.placement.nodeSelector` does."""
    tolerations: list[TolerationSettings] | None = None
    """Taints that the pods tolerate. Beyla's agents tolerate every taint unless
    `beyla.placement.tolerations` is set."""
    affinity: AffinitySettings | None = None
    """Affinity, as in Kubernetes. That of the stack doesn't apply to Beyla's agents;
    `beyla.placement.affinity` does."""
    topology_spread: TopologySpread | None = None
    """Spread the pods of a workload over `zone`, `host`, `both` or `none`, by default `both`. It is
    a preference, except that Tempo's ingesters always spread over hosts."""
    priority_class: ClassName | None = None
    """Priority class of the pods. Beyla's cache has none, because its chart can't set it."""
    image_pull_secrets: list[SecretName] | None = None
    """Names of Secrets for the image registry, in the namespace of the pods. Pods that start before
    their Secret exists wait for it."""
    pod_labels: Annotated[dict[PodLabelKey, LabelValue] | None, _LABELLED] = None
    """Additional labels of the pods."""
    pod_annotations: dict[PodAnnotationKey, AnnotationValue] | None = None
    """Additional annotations of the pods."""

    def over(self, stack: "PlacementSettings") -> "PlacementSettings":
        """Return the placement of a system: its own keys, and those of the stack for the rest."""
        own = {n: v for n in type(self).model_fields if (v := getattr(self, n)) is not None}
        return stack.model_copy(update=own)

    def spreads_over(self, topology: TopologySpread) -> bool:
        """Return whether pods spread over zones or hosts."""
        return (self.topology_spread or TopologySpread.BOTH) in (topology, TopologySpread.BOTH)


class ChartSettings(Settings):
    """Where one chart comes from."""

    repository: ChartRepository | None = None
    """Repository of this chart: an HTTP(S) chart repository or an `oci://` registry path."""
    version: ChartVersion | None = None
    """Exact version of this chart, instead of the pinned one. The plan warns, because the values
    were checked against the pinned one."""


class ChartsSettings(Settings):
    """Where charts and images come from, for mirrors and clusters without internet access."""

    repository: ChartRepository | None = None
    """One repository that mirrors all charts, HTTP(S) or `oci://`; a chart's own setting wins."""
    image_registry: ImageRegistry | None = None
    """Registry that mirrors all images: host with optional port and path, put in front of the
    images' names."""
    atomic: bool = True
    """Let Helm roll back an upgrade that fails. Off, the failed pods stay, to be looked at."""
    tempo: ChartSettings = ChartSettings()
    """Chart `tempo` (mode monolithic)."""
    tempo_distributed: ChartSettings = ChartSettings()
    """Chart `tempo-distributed` (mode distributed)."""
    alloy: ChartSettings = ChartSettings()
    """Chart `alloy`."""
    beyla: ChartSettings = ChartSettings()
    """Chart `beyla`."""
    opentelemetry_operator: ChartSettings = ChartSettings()
    """Chart `opentelemetry-operator`."""
    tempo_vulture: ChartSettings = ChartSettings()
    """Chart `tempo-vulture`, the canary."""


class ServiceMonitorSettings(Settings):
    """ServiceMonitor objects for the Prometheus operator."""

    enabled: bool = False
    """Create ServiceMonitors for Tempo, Alloy and Beyla; the operator's kinds must be installed."""
    labels: dict[LabelKey, LabelValue] = Field(default={})
    """Labels that the operator selects by, for example `release: kube-prometheus-stack`."""
