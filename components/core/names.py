"""Names and ports that systems share."""

from .regions import partition

TEMPO_RELEASE = "tempo"
ALLOY_RELEASE = "alloy"
ALLOY_SAMPLER_RELEASE = "alloy-sampler"
ALLOY_LOGS_RELEASE = "alloy-logs"
BEYLA_RELEASE = "beyla"
OPERATOR_RELEASE = "opentelemetry-operator"
#: As the chart names its pods.
CANARY_RELEASE = "tempo-vulture"
#: Name of the service in the canary's spans (pkg/util/trace_info.go of Tempo 3.0).
CANARY_SERVICE = "tempo-vulture"
#: Label `app.kubernetes.io/part-of` of the objects that this stack creates outside of charts.
PART_OF = "tracing"
#: Labels of these objects, except those that a release contains.
MANAGED = {
    "app.kubernetes.io/managed-by": "pulumi",
    "app.kubernetes.io/part-of": PART_OF,
}

#: Service account of Tempo's pods: named in the role's trust, the association and the chart.
TEMPO_SERVICE_ACCOUNT = "tempo"
#: Service account of Alloy's pods (chart alloy, by `fullnameOverride`).
ALLOY_SERVICE_ACCOUNT = ALLOY_RELEASE
#: Secret with the passwords of the backends, in the tracing namespace.
CREDENTIALS_SECRET = "tracing-backend-credentials"  # noqa: S105 - a name, not a password

#: The `Instrumentation` that annotations of pods name.
INSTRUMENTATION = "tracing"

#: OTLP ports, as registered with IANA.
OTLP_GRPC_PORT = 4317
OTLP_HTTP_PORT = 4318
#: Ports on which Alloy's pods receive OTLP from outside the cluster; its Service has those above.
INGRESS_GRPC_PORT = 14317
INGRESS_HTTP_PORT = 14318
#: Minutes that the gateway retries a batch before it drops it: longer than a restart of Tempo.
#: Tempo's span metrics must accept spans of this age.
OTLP_RETRY_MINUTES = 10
#: Tempo's HTTP API (charts tempo and tempo-distributed).
TEMPO_HTTP_PORT = 3200
#: Alloy's own HTTP server (chart value alloy.listenPort).
ALLOY_HTTP_PORT = 12345
#: The operator's webhooks (chart value manager.ports.webhookPort).
OPERATOR_WEBHOOK_PORT = 9443


def cluster_wide(name: str, namespace: str) -> str:
    """Return the name of an object without a namespace, such as a ClusterRole.

    The cluster has one namespace of a name, and no chart puts a colon into a name.
    """
    return f"{namespace}:{name}"


def service_host(service: str, namespace: str) -> str:
    """Return the name of a Service in the cluster's DNS."""
    return f"{service}.{namespace}.svc.cluster.local"


def cluster_arn(*, region: str, account_id: str, cluster: str) -> str:
    """Return the ARN of an EKS cluster."""
    return f"arn:{partition(region)}:eks:{region}:{account_id}:cluster/{cluster}"


def bucket_arn(bucket: str, *, region: str) -> str:
    """Return the ARN of a bucket."""
    return f"arn:{partition(region)}:s3:::{bucket}"


def default_bucket(*, environment: str, account_id: str, region: str) -> str:
    """Return the default name of the bucket.

    Bucket names are global, so account and region are part of it.
    """
    return f"traces-{environment}-{account_id}-{region}"


def default_role(*, environment: str, cluster: str, release: str = TEMPO_RELEASE) -> str:
    """Return the default name of the IAM role of a release's pods."""
    return f"tracing-{environment}-{cluster}-{release}"
