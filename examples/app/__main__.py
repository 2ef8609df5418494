"""Applications that are traced, in the stack of the team that owns them.

Where to send comes from the outputs of the tracing stack. Three services take three ways: an SDK
with its settings, an agent by the operator, and the settings that a namespace shares.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Namespace
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
shop = Namespace(
    "shop",
    metadata={"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    opts=pulumi.ResourceOptions(provider=in_cluster),
)


def spec(name: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a Deployment of one container is made from."""
    its = {
        "name": name,
        "image": f"registry.example.com/shop/{name}:{version}",
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "500m", "memory": "256Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **(more or {}),
    }
    return {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [its]}},
    }


def deploy(name: str, its: dict[str, Any]) -> None:
    """Make the Deployment of a service."""
    Deployment(
        name,
        metadata={"name": name, "namespace": "shop"},
        spec=its,
        opts=pulumi.ResourceOptions(provider=in_cluster, depends_on=[shop]),
    )


# An SDK in the image: its name, its version, each tenth trace.
cart = OtlpSettings(
    language=Language.PYTHON, service_name="cart", service_version=version, sample_ratio=0.1
)
deploy("cart", with_otlp_env(spec("cart"), endpoint, cart))

# No code: the operator of the tracing stack puts Java's agent into the pod.
instrumentation = tracing.require_output("instrumentation")
deploy("orders", with_injection(spec("orders"), Language.JAVA, instrumentation))

# What the namespace shares, and the one variable that is each service's own.
shared = OtlpEnv(
    "otlp",
    OtlpEnvArgs(endpoint=endpoint, namespace="shop", settings=OtlpSettings()),
    pulumi.ResourceOptions(provider=in_cluster, depends_on=[shop]),
)
deploy(
    "web",
    spec(
        "web",
        {
            "envFrom": [{"configMapRef": {"name": shared.config_map_name}}],
            "env": [{"name": "OTEL_SERVICE_NAME", "value": "web"}],
        },
    ),
)
