"""One Tempo for the clusters of an environment: the stack of the backend.

It creates the bucket, the identity and Tempo from single components. An internal load balancer with
TLS exposes Tempo's OTLP port to the networks in `collectorCidrs`. There is no password: anyone in
these networks can write traces.

The cluster must run the Pod Identity agent and the AWS Load Balancer Controller. The DNS zone and
the certificate must exist.
"""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import Namespace, Service
from tracing_stack import (
    GrafanaDatasources,
    GrafanaDatasourcesArgs,
    GrafanaSettings,
    Tempo,
    TempoArgs,
    TempoSettings,
    TraceStorage,
    TraceStorageArgs,
    WorkloadIdentity,
    WorkloadIdentityArgs,
)

NAMESPACE = "tempo"
PORT = 4317

config = pulumi.Config()
region, account_id = config.require("region"), config.require("accountId")
cluster, host = config.require("clusterName"), config.require("host")
bucket = f"shared-traces-{pulumi.get_stack()}-{account_id}-{region}"
tempo_settings = TempoSettings(retention_hours=config.require_int("retentionHours"))

on_aws = pulumi.ResourceOptions(
    provider=aws.Provider("aws", region=region, allowed_account_ids=[account_id])
)
in_cluster = pulumi.ResourceOptions(
    provider=kubernetes.Provider(
        "kubernetes",
        kubeconfig=config.get("kubeconfig") or "~/.kube/config",
        context=config.require("kubeContext"),
        enable_config_map_mutable=True,
    )
)

namespace = Namespace(
    "namespace",
    metadata={"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    opts=in_cluster,
)
storage = TraceStorage(
    "storage",
    TraceStorageArgs(
        bucket=bucket,
        region=region,
        account_id=account_id,
        retention_hours=tempo_settings.retention_hours,
    ),
    on_aws,
)
identity = WorkloadIdentity(
    "identity",
    WorkloadIdentityArgs(
        role_name=f"{cluster}-tempo",
        cluster_name=cluster,
        region=region,
        account_id=account_id,
        namespace=NAMESPACE,
        bucket=bucket,
    ),
    on_aws,
)
tempo = Tempo(
    "tempo",
    TempoArgs(
        settings=tempo_settings,
        namespace=NAMESPACE,
        bucket=bucket,
        region=region,
        cluster_name=cluster,
    ),
    pulumi.ResourceOptions(provider=in_cluster.provider, depends_on=[namespace, storage, identity]),
)

balancer = "service.beta.kubernetes.io/aws-load-balancer"
door = Service(
    "door",
    metadata={
        "name": "tempo-otlp",
        "namespace": NAMESPACE,
        "annotations": {
            f"{balancer}-scheme": "internal",
            f"{balancer}-nlb-target-type": "ip",
            f"{balancer}-ssl-cert": config.require("certificateArn"),
            f"{balancer}-ssl-ports": str(PORT),
            # gRPC needs HTTP/2, which client and load balancer negotiate in the TLS handshake.
            f"{balancer}-alpn-policy": "HTTP2Only",
        },
    },
    spec={
        "type": "LoadBalancer",
        "load_balancer_class": "service.k8s.aws/nlb",
        "load_balancer_source_ranges": config.require_object("collectorCidrs"),
        # The chart's labels of the pod in mode monolithic.
        "selector": {"app.kubernetes.io/name": "tempo", "app.kubernetes.io/instance": "tempo"},
        "ports": [{"name": "otlp-grpc", "port": PORT, "target_port": PORT}],
    },
    opts=pulumi.ResourceOptions(provider=in_cluster.provider, depends_on=[tempo]),
)
aws.route53.Record(
    "name",
    zone_id=config.require("zoneId"),
    name=host,
    type="CNAME",
    ttl=60,
    records=[door.status.load_balancer.ingress[0].hostname],
    opts=on_aws,
)
GrafanaDatasources(
    "grafana",
    GrafanaDatasourcesArgs(
        settings=GrafanaSettings(namespace=config.require("grafanaNamespace")),
        tempo_query_url=tempo.query_url,
    ),
    in_cluster,
)

# A plain string, so that the stacks of collectors know it at preview.
pulumi.export("tempoOtlpEndpoint", f"{host}:{PORT}")
pulumi.export("tempoQueryUrl", tempo.query_url)
