"""Settings and pods that the network tests share."""

from typing import Any

from components.settings import TracingSettings
from tests.network.evaluator import Outside, Pod

CLUSTER = {"name": "dev", "region": "eu-west-1", "accountId": "123456789012", "kubeContext": "dev"}
GRAFANA: dict[str, Any] = {
    "metrics": {
        "url": "http://mimir-gateway.mimir.svc:80/prometheus",
        "remoteWriteUrl": "http://mimir-gateway.mimir.svc:80/api/v1/push",
    },
    "logs": {"url": "https://logs.example.com:8443", "otlpUrl": "https://logs.example.com:8443/o"},
}


def stack(mode: str = "monolithic", **groups: Any) -> TracingSettings:
    """Return the settings of a stack with Beyla and two backends."""
    tempo = {"mode": mode, "size": "m", **groups.pop("tempo", {})}
    cluster = {**CLUSTER, **groups.pop("cluster", {})}
    beyla = {"namespaces": ["shop"], **groups.pop("beyla", {})}
    return TracingSettings.model_validate(
        {
            "environment": {"name": "dev"},
            "cluster": cluster,
            "tempo": tempo,
            "beyla": beyla,
            "grafana": GRAFANA,
            **groups,
        }
    )


def labels(name: str, instance: str, component: str | None = None) -> dict[str, str]:
    """Return the labels that the charts put on a pod."""
    found = {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": instance}
    return found | ({"app.kubernetes.io/component": component} if component else {})


def tempo_pod(component: str | None = None) -> Pod:
    """Return a pod of Tempo: the one of mode monolithic, or a component's."""
    return Pod("tracing", labels("tempo", "tempo", component))


APP = Pod("shop", {"app": "cart"})
STRANGER = Pod("tracing", {"app": "stranger"})
ALLOY = Pod("tracing", labels("alloy", "alloy"))
AGENT = Pod("tracing-beyla", labels("beyla", "beyla", "workload"))
AGENT_ON_HOST = Pod("tracing-beyla", AGENT.labels, address="10.0.3.7", host_network=True)
CACHE = Pod("tracing-beyla", labels("beyla-k8s-cache", "beyla"))
OPERATOR_POD = Pod("tracing-operator", labels("opentelemetry-operator", "opentelemetry-operator"))
GRAFANA_POD = Pod("monitoring", {"app.kubernetes.io/name": "grafana"})
MIMIR = Pod("mimir", {"app": "mimir"})
COREDNS = Pod("kube-system", {"k8s-app": "kube-dns"})
API = Outside("10.0.1.1")
S3 = Outside("52.218.0.1")
LOKI = Outside("203.0.113.5")
POD_IDENTITY = Outside("169.254.170.23")
POD_IDENTITY_V6 = Outside("fd00:ec2::23")
ELSEWHERE = Outside("198.51.100.9")
