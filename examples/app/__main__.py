"""Traced applications in the stack of their team.

The endpoint comes from the outputs of the tracing stack. Each of the three services is configured
in another way: an SDK with settings, an injected agent, and settings shared by a namespace.
"""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from tracing_stack import (
    Language,
    OtlpEnv,
    OtlpEnvArgs,
    OtlpSettings,
    with_injection,
    with_otlp_env,
)

config = pulumi.Config()
version = config.require("version")
tracing = pulumi.StackReference(config.require("tracing"))
endpoint = tracing.require_output("otlpHttpEndpoint")
in_cluster = kubernetes.Provider(
    "kubernetes",
    kubeconfig=config.get("kubeconfig") or "~/.kube/config",
    context=config.require("kubeContext"),
)
shop = core.Namespace(
    "shop",
    metadata={"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    opts=pulumi.ResourceOptions(provider=in_cluster),
)


def spec(
    name: str,
    *,
    env: Sequence[core.EnvVarArgs] = (),
    env_from: Sequence[core.EnvFromSourceArgs] = (),
) -> apps.DeploymentSpecArgs:
    """Return the spec of a Deployment with one container."""
    container = core.ContainerArgs(
        name=name,
        image=f"registry.example.com/shop/{name}:{version}",
        env=list(env),
        env_from=list(env_from),
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": "100m", "memory": "128Mi"},
            limits={"cpu": "500m", "memory": "256Mi"},
        ),
        security_context=core.SecurityContextArgs(
            allow_privilege_escalation=False,
            capabilities=core.CapabilitiesArgs(drop=["ALL"]),
            run_as_non_root=True,
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
    )
    return apps.DeploymentSpecArgs(
        selector=meta.LabelSelectorArgs(match_labels={"app": name}),
        template=core.PodTemplateSpecArgs(
            metadata=meta.ObjectMetaArgs(labels={"app": name}),
            spec=core.PodSpecArgs(containers=[container]),
        ),
    )


def deploy(name: str, its: apps.DeploymentSpecArgs) -> None:
    """Create the Deployment of a service."""
    apps.Deployment(
        name,
        metadata={"name": name, "namespace": "shop"},
        spec=its,
        opts=pulumi.ResourceOptions(provider=in_cluster, depends_on=[shop]),
    )


# The image contains an SDK: set name, version, and a sampling ratio of one in ten traces.
cart = OtlpSettings(
    language=Language.PYTHON, service_name="cart", service_version=version, sample_ratio=0.1
)
deploy("cart", with_otlp_env(spec("cart"), endpoint, cart))

# Without an SDK: the OpenTelemetry Operator injects the Java agent into the pod.
instrumentation = tracing.require_output("instrumentation")
deploy("orders", with_injection(spec("orders"), Language.JAVA, instrumentation))

# Variables shared by the namespace, and the service's own name.
shared = OtlpEnv(
    "otlp",
    OtlpEnvArgs(endpoint=endpoint, namespace="shop", settings=OtlpSettings()),
    pulumi.ResourceOptions(provider=in_cluster, depends_on=[shop]),
)
deploy(
    "web",
    spec(
        "web",
        env=[core.EnvVarArgs(name="OTEL_SERVICE_NAME", value="web")],
        env_from=[
            core.EnvFromSourceArgs(
                config_map_ref=core.ConfigMapEnvSourceArgs(name=shared.config_map_name)
            )
        ],
    ),
)
