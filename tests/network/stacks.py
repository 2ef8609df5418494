"""Settings that the network tests share."""

from typing import Any

from bootstrap.loader import tracing_settings
from components.checks.validate import validate
from components.settings import TracingSettings
from tests.stack.variants import ROOT, STACKS, VARIANTS

CLUSTER = {"name": "dev", "region": "eu-west-1", "accountId": "123456789012", "kubeContext": "dev"}
BACKENDS: dict[str, Any] = {
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
            "backends": BACKENDS,
            **groups,
        }
    )


def _whole(name: str) -> TracingSettings:
    settings, problems = (
        tracing_settings(ROOT, name) if name in STACKS else validate(VARIANTS[name])
    )
    assert not problems
    return settings


_ON_NODES = {"contextPropagation": "headers"}
_MANY: dict[str, Any] = {"nodes": 25, "nodeCidrs": ["10.0.3.0/24"]}
_INSIDE: dict[str, Any] = {
    "backends": {**BACKENDS, "logs": {"url": "http://l.loki.svc", "otlpUrl": "http://l.loki.svc"}}
}
_SIGNED: dict[str, Any] = {
    "backends": {
        "metrics": {
            "url": "https://mimir.example.com",
            "remoteWriteUrl": "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1",
            "auth": "sigv4",
        }
    }
}
#: Stack files, variants of whole stacks, and what those leave out.
WORLDS: dict[str, TracingSettings] = {
    **{name: _whole(name) for name in (*STACKS, *VARIANTS)},
    "many nodes": stack(cluster=_MANY, **_INSIDE),
    "many nodes, propagating": stack("distributed", cluster=_MANY, beyla=_ON_NODES, **_INSIDE),
    "receivers": stack(tempo={"jaeger": True, "zipkin": True}, identity={"mode": "irsa"}),
    "scraped from a third namespace": stack(
        "distributed", namespaces={"scrapers": ["observability"]}
    ),
    "operator": stack(operator={"enabled": True}, namespaces={"operator": "otel"}),
    "pod logs": stack(
        alloy={"podLogs": {"enabled": True}},
        backends={**BACKENDS, "logs": {"otlpUrl": "https://loki.example.com/otlp"}},
    ),
    "sampling": stack(alloy={"sampling": {"mode": "on"}}, **_SIGNED),
    "rehearsal of sampling": stack("distributed", alloy={"sampling": {"mode": "rehearse"}}),
    "canary": stack(canary={"enabled": True}),
    "canary of many parts": stack("distributed", canary={"enabled": True}),
    "no backends": stack("distributed", backends={}, beyla={"namespaces": []}),
    "signed and further remote writes": stack(
        "distributed",
        backends={
            "metrics": {
                "url": "https://mimir.example.com",
                "remoteWriteUrl": "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1",
                "auth": "sigv4",
                "remoteWrites": [
                    {"url": "http://thanos.thanos.svc:19291/push"},
                    {"url": "http://m.example.com:9090"},
                ],
            }
        },
    ),
    "backends outside": stack(
        "distributed",
        backends={
            "metrics": {
                "url": "http://m.example.com:9090",
                "remoteWriteUrl": "http://m.example.com:9090",
            }
        },
    ),
}
