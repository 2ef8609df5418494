"""Settings of Alloy."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ..core.base import Settings
from ..core.names import OTLP_RETRY_MINUTES
from ..core.on_change import OnChange
from ..core.overrides import Overrides
from ..core.settings import PLACED, PlacementSettings, ScalableWorkloadSettings, Size
from ..core.texts import (
    AnnotationValue,
    Cidr,
    ClassName,
    HostName,
    LabelKey,
    ModulePath,
    NamespaceName,
    ObjectName,
    SecretName,
    Url,
    UrlPath,
)
from .clean.settings import (
    AttributeLimitSettings,
    DropSettings,
    RedactionSettings,
    RouteSettings,
)
from .pod_logs.settings import PodLogsSettings
from .sampling.settings import SamplingSettings


class AlloyModulesSettings(Settings):
    """Own modules of Alloy's configuration: see docs/overrides.md."""

    after_receive: list[ModulePath] = Field(default=[])
    """Files of modules that data passes first, with the attributes that senders set."""
    before_sampling: list[ModulePath] = Field(default=[])
    """Files of modules that data passes with all attributes, after health checks are dropped. Span
    metrics of `sampling` see what they leave."""
    before_export: list[ModulePath] = Field(default=[])
    """Files of modules that data passes last, before it is batched and sent. With `sampling.mode`
    `on`, spans pass them in the samplers, after the decision."""
    destinations: list[Url] = Field(default=[])
    """URLs that the modules send to; network policies let Alloy reach them."""


_CLASS = OnChange(
    happens="Kubernetes refuses to change the class of a Service.",
    do="Remove `alloy.ingress.loadBalancer`, run `up`, and add it with the new class.",
    section="ingress.md#entry-from-outside",
)


_QUEUE = OnChange(
    happens="All pods of Alloy are deleted before the new ones run. Senders find no gateway in the "
    "meantime, and spans on the old volumes stay there.",
    do="Change it in a quiet hour while Tempo answers.",
    section="bad-days.md#queues-on-volumes",
)
_QUEUE_CLASS = OnChange(
    happens="The upgrade fails: Kubernetes doesn't change the volumes of a StatefulSet.",
    do="Delete the StatefulSet by hand first. Existing volumes keep their class.",
    section="changes.md#resize-a-volume",
)


class QueuePlace(StrEnum):
    """Where Alloy's queues are."""

    MEMORY = "memory"
    VOLUME = "volume"


class IngressAuth(StrEnum):
    """How senders outside the cluster authenticate."""

    BASIC = "basic"
    BEARER = "bearer"
    MTLS = "mtls"


class LoadBalancerSettings(Settings):
    """A Network Load Balancer, which the AWS Load Balancer Controller creates."""

    class_name: Annotated[LabelKey, _CLASS] = "service.k8s.aws/nlb"
    """Class of the load balancer; `eks.amazonaws.com/nlb` in EKS Auto Mode."""
    internal: bool = True
    """Give the load balancer addresses of the VPC only; `false` makes it reachable from the
    internet."""
    source_ranges: list[Cidr] = Field(default=[])
    """Address ranges of senders that its security group admits, for example `10.0.0.0/8`; by
    default every address."""
    annotations: dict[LabelKey, AnnotationValue] = Field(default={})
    """Additional annotations of the Service, such as
    `service.beta.kubernetes.io/aws-load-balancer-subnets`."""


class GatewaySettings(Settings):
    """Routes of the Gateway API.

    The Gateway ends TLS, and must accept routes from `namespaces.tracing`.
    """

    name: ObjectName
    """Name of the Gateway."""
    namespace: NamespaceName
    """Namespace of the Gateway."""
    section: ObjectName | None = None
    """Name of its listener; by default every listener that fits."""
    grpc_host: HostName | None = None
    """Host of the GRPCRoute. Without it, there is no OTLP over gRPC."""
    http_host: HostName | None = None
    """Host of the HTTPRoute, different from `grpcHost`. Without it, there is no OTLP over HTTP."""


class IngressSettings(Settings):
    """Entry for OTLP from outside the cluster: see docs/ingress.md."""

    auth: IngressAuth
    """How senders authenticate: `basic` (user and password), `bearer` (a token) or `mtls` (a client
    certificate)."""
    secret: SecretName
    """Secret in `namespaces.tracing` with the key `htpasswd` for `auth: basic`, `tokens` (one a
    line) for `bearer`, or `ca.crt` (certificate authorities of senders) for `mtls`."""
    tls_secret: SecretName | None = None
    """Secret in `namespaces.tracing` with the server's certificate and key as `tls.crt` and
    `tls.key`. Required without `gateway`."""
    load_balancer: LoadBalancerSettings | None = None
    """Put a load balancer in front."""
    gateway: GatewaySettings | None = None
    """Attach routes to a Gateway instead. Without both, the Service `alloy-ingress` has an address
    inside the cluster only, for a load balancer of your own."""
    sources: list[Cidr] = Field(default=[])
    """Address ranges from which the network policy admits connections, by default every address.
    With a load balancer or Gateway, these are its own addresses, not those of senders."""
    max_request_mib: int = Field(default=4, ge=1, le=64)
    """Largest request in MiB, unpacked."""
    max_streams: int = Field(default=100, ge=1, le=10_000)
    """Most concurrent gRPC requests of one connection. Alloy can't limit the connections."""


class AlloySettings(Settings):
    """Grafana Alloy, the OTLP gateway for all senders."""

    size: Size = Size.S
    """Preset of replicas, autoscaling, requests, limits and queue: see docs/sizing.md."""
    workload: ScalableWorkloadSettings = ScalableWorkloadSettings()
    """Single values of the size preset to replace."""
    survive_minutes: int | None = Field(default=None, ge=1, le=240)
    """Minutes for which the queues hold all spans of the busiest hour (`load`) while Tempo doesn't
    answer. Queue, memory limit or volume, and how long Alloy retries follow from it. By default the
    queue of the size. See docs/bad-days.md."""
    queue_batches: int | None = Field(default=None, ge=10, le=100_000)
    """Batches of about 1 MiB that wait in a pod while a backend does not answer, instead of
    `surviveMinutes`. The memory limit does not follow from it."""
    queue: Annotated[QueuePlace, _QUEUE] = QueuePlace.MEMORY
    """Where the queues are: `memory`, or `volume`, which survives the loss of a pod. `volume` makes
    Alloy a StatefulSet with a fixed number of pods, and uses a component of Alloy that is in public
    preview."""
    queue_fsync: bool = True
    """Write each change of a queue on a volume to the disk at once. If false, Alloy accepts more
    requests per second, and a node that fails can leave a queue that Alloy can't read."""
    queue_storage_class: Annotated[ClassName | None, _QUEUE_CLASS] = None
    """Storage class of the volumes of queues; by default the cluster's own default."""
    max_request_mib: int = Field(default=4, ge=1, le=64)
    """Largest OTLP gRPC request in MiB; raise it where senders report `ResourceExhausted`."""
    ignored_paths: list[UrlPath] = Field(
        default=[
            "/health",
            "/healthz",
            "/livez",
            "/readyz",
            "/ready",
            "/-/healthy",
            "/-/ready",
            "/metrics",
        ]
    )
    """URL paths of probes and scrapes, as a whole; Alloy and Beyla drop their spans. The list
    replaces the default."""
    trusted_namespaces: list[NamespaceName] = Field(default=[])
    """Namespaces of senders that report for other pods, such as collectors; Beyla's is always
    trusted. The `k8s.*` attributes of other senders are replaced by those of the pod that sends."""
    trust_unidentified: bool | None = None
    """Keep the `k8s.*` attributes of senders in the host network or outside the cluster, which any
    of them can forge. By default true only with `beyla.contextPropagation`, because Beyla then
    sends from the host network."""
    redaction: RedactionSettings = RedactionSettings()
    """Redaction of secrets: see docs/clean-data.md."""
    drop: list[DropSettings] = Field(default=[], max_length=100)
    """Rules for spans that are dropped, besides `ignoredPaths`. Children of a dropped span stay,
    without their parent."""
    routes: RouteSettings = RouteSettings()
    """Templates of routes in span names and labels."""
    limits: AttributeLimitSettings = AttributeLimitSettings()
    """Limits of the size of spans and log records."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of Alloy's pods; each key replaces that of the stack's `placement`."""
    ingress: IngressSettings | None = None
    """Entry for OTLP from outside the cluster; without it, only pods can send."""
    span_logs: bool = False
    """Write a log line to `backends.logs` for each root span: its name, duration, status and route,
    with the id of its trace. With sampling, traces that are dropped have a line too."""
    pod_logs: PodLogsSettings = PodLogsSettings()
    """Logs of pods: see docs/logs.md."""
    modules: AlloyModulesSettings = AlloyModulesSettings()
    """Own modules of Alloy's configuration."""
    sampling: SamplingSettings = SamplingSettings()
    """Tail sampling: traces are kept or dropped as a whole, after they are complete."""
    values: Overrides = Field(default={})
    """Other values of the chart `alloy`, merged last: see docs/overrides.md."""

    @property
    def retry_minutes(self) -> int:
        """How long the gateway retries a batch before it drops it, in minutes."""
        return retry_minutes(self.survive_minutes)


def retry_minutes(survive_minutes: int | None) -> int:
    """Return how long a batch is retried before it is dropped, in minutes."""
    return max(OTLP_RETRY_MINUTES, survive_minutes or 0)
