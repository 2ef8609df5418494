"""The Kubernetes provider."""

import json

import pulumi
import pulumi_kubernetes as kubernetes

from . import names
from .settings import ClusterSettings


def kubernetes_provider(name: str, cluster: ClusterSettings) -> kubernetes.Provider:
    """Create the provider of the cluster in the settings.

    Kubeconfig and context are always explicit, so that the environment of the user doesn't decide.
    The cluster's ARN as identifier keeps a changed API server address from replacing every release.
    """
    kubeconfig: pulumi.Input[str] = cluster.kubeconfig
    if cluster.stack_reference:
        owner = pulumi.StackReference(cluster.stack_reference)
        kubeconfig = owner.require_output("kubeconfig").apply(_text)
    return kubernetes.Provider(
        name,
        kubeconfig=kubeconfig,
        context=cluster.kube_context,
        # Updated in place: a replaced one is gone for a moment, and Grafana would drop datasources
        # and dashboards.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        cluster_identifier=names.cluster_arn(
            region=cluster.region, account_id=cluster.account_id, cluster=cluster.name
        ),
    )


def _text(kubeconfig: object) -> str:
    """Return a kubeconfig as a string; stacks export it as a string or an object."""
    return kubeconfig if isinstance(kubeconfig, str) else json.dumps(kubeconfig)
