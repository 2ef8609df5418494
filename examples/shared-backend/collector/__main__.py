"""One Tempo for the clusters of an environment: the stack of each cluster that sends to it.

Alloy and Beyla run in this cluster and send to Tempo, whose address is an output of the backend's
stack. Each cluster has one stack of this program. The attribute `k8s.cluster.name` of a span names
its cluster.
"""

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import Namespace
from tracing_stack import Alloy, AlloyArgs, Beyla, BeylaArgs, BeylaSettings

config = pulumi.Config()
cluster = config.require("clusterName")
backend = pulumi.StackReference(config.require("backend"))
in_cluster = kubernetes.Provider(
    "kubernetes",
    kubeconfig=config.get("kubeconfig") or "~/.kube/config",
    context=config.require("kubeContext"),
)

# Only Beyla's eBPF needs a privileged namespace.
levels = {"tracing": "restricted", "tracing-beyla": "privileged"}
namespaces = {
    name: Namespace(
        name,
        metadata={"name": name, "labels": {"pod-security.kubernetes.io/enforce": level}},
        opts=pulumi.ResourceOptions(provider=in_cluster),
    )
    for name, level in levels.items()
}
alloy = Alloy(
    "alloy",
    AlloyArgs(
        namespace="tracing",
        environment=config.require("environment"),
        cluster_name=cluster,
        tempo_endpoint=backend.require_output("tempoOtlpEndpoint"),
        tls=True,
        stack_namespaces=list(levels),
        # Beyla reports for the pods that it instruments.
        trusted_namespaces=["tracing-beyla"],
    ),
    pulumi.ResourceOptions(provider=in_cluster, depends_on=[namespaces["tracing"]]),
)
Beyla(
    "beyla",
    BeylaArgs(
        settings=BeylaSettings(namespaces=config.require_object("namespaces")),
        namespace="tracing-beyla",
        nodes=config.require_int("nodes"),
        cluster_name=cluster,
        otlp_endpoint=alloy.otlp_grpc_endpoint,
        excluded_namespaces=list(levels),
    ),
    pulumi.ResourceOptions(provider=in_cluster, depends_on=[namespaces["tracing-beyla"], alloy]),
)

pulumi.export("otlpGrpcEndpoint", alloy.otlp_grpc_endpoint)
