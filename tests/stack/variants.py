"""Whole programs to record: the stack files, and variants that use what those leave out."""

import functools
import json
import runpy
from pathlib import Path
from typing import Any, cast

from components.core import helm
from config.loader import PROJECT
from plan.recorder import Recording, Resource, record
from plan.stackfile import load, read, stacks
from tests import golden
from tests.contracts.check import unknown_keys
from tests.sweep import sweep

ROOT = Path(__file__).parents[2]
STACKS = stacks(ROOT)
#: Stack files of other projects' platforms, by the names of their folders.
PLATFORMS = {
    folder.name: folder / f"Pulumi.{folder.name}.yaml"
    for folder in sorted((ROOT / "examples" / "platforms").iterdir())
    if folder.is_dir()
}

PINNED = (
    helm.TEMPO,
    helm.TEMPO_DISTRIBUTED,
    helm.ALLOY,
    helm.BEYLA,
    helm.OPERATOR,
    helm.TEMPO_VULTURE,
)

METRICS_PASSWORD = "correct-horse-battery"
LOGS_PASSWORD = "staple-%&-{{x}}"
PASSWORDS = (METRICS_PASSWORD, LOGS_PASSWORD)

CLUSTER = {"name": "apps", "region": "eu-west-1", "accountId": "123456789012", "kubeContext": "c"}
_BACKENDS: dict[str, Any] = {
    "metrics": {
        "url": "https://mimir.example.com",
        "remoteWriteUrl": "https://mimir.example.com/api/v1/push",
        "username": "writer",
        "createDatasource": True,
    },
    "logs": {
        "url": "https://loki.example.com",
        "otlpUrl": "https://loki.example.com/otlp",
        "username": "tenant-7",
        "createDatasource": True,
    },
    "profiles": {"url": "http://pyroscope.pyroscope.svc:4040", "createDatasource": True},
}
#: Placement in words that Helm would read as numbers or booleans without quotes.
PLACEMENT: dict[str, Any] = {
    "nodeSelector": {"dedicated": "tracing", "example.com/on": "true"},
    "tolerations": [{"key": "dedicated", "value": "1e3", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "arch", "operator": "In", "values": ["1e3"]}]}
                ]
            }
        },
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 7,
                    "podAffinityTerm": {
                        "topologyKey": "example.com/rack",
                        "labelSelector": {"matchLabels": {"noisy": "yes"}},
                    },
                }
            ]
        },
    },
    "priorityClass": "system-cluster-critical",
    "imagePullSecrets": ["registry", "mirror"],
    "podLabels": {"team": "platform", "example.com/cost": "0x1"},
    "podAnnotations": {"example.com/note": 'a {{ b }} "c"\n', "example.com/scrape": "true"},
}
#: Placement of Beyla's agents: the nodes of the applications.
AGENTS: dict[str, Any] = {
    "nodeSelector": {"role": "apps"},
    "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "pool", "operator": "In", "values": [pool]}]}
                    for pool in ("a", "b")
                ]
            }
        }
    },
}
#: Values by the keys of the charts, by system: of every kind, and one that removes a default.
VALUES: dict[str, dict[str, Any]] = {
    "tempo": {"service": {"annotations": {"example.com/a": "b"}}, "tempo": {"extraEnvFrom": []}},
    "alloy": {
        "alloy": {"livenessProbe": {"httpGet": {"path": "/-/healthy", "port": 12345}}},
        "controller": {"revisionHistoryLimit": 5, "updateStrategy": None},
        "service": {"internalTrafficPolicy": "Local"},
    },
    "alloy sampler": {"controller": {"revisionHistoryLimit": 5}},
    "alloy logs": {"controller": {"dnsPolicy": "Default"}},
    "beyla": {"config": {"data": {"log_level": "DEBUG"}}, "dnsPolicy": "Default"},
    "operator": {"pdb": {"create": True}},
    "canary": {"revisionHistoryLimit": 5},
}
#: Keys of Tempo's configuration: a replaced value, a new one, one that is a template to Helm, and
#: one that is left to Tempo.
TEMPO_CONFIG: dict[str, Any] = {
    "compactor": {"compaction": {"max_block_bytes": 107_374_182_400}},
    "querier": {"max_concurrent_queries": 7},
    "server": {"log_format": "{{ a }}`b`"},
    "usage_report": {"reporting_enabled": None},
}
_GRAFANA = {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}}
#: Groups of stack files; each has both passwords.
VARIANTS: dict[str, dict[str, Any]] = {
    "distributed-irsa": {
        "environment": {"name": "qa"},
        "cluster": {
            **CLUSTER,
            "oidcIssuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/A1",
            "nodes": 120,
        },
        "identity": {"mode": "irsa"},
        "storage": {"encryption": "sse-kms"},
        "tempo": {
            "mode": "distributed",
            "size": "m",
            "tenant": "team-a",
            "jaeger": True,
            "zipkin": True,
            "workloads": {"ingester": {"replicas": 5, "volumeGib": 80}},
            "values": {"ingester": {"service": {"annotations": {"example.com/a": "b"}}}},
            "config": TEMPO_CONFIG,
            "overrides": {"team-b": {"ingestion": {"max_global_traces_per_user": 9}}},
        },
        "alloy": {
            "values": VALUES["alloy"],
            "ingress": {
                "auth": "bearer",
                "secret": "senders",
                "gateway": {
                    "name": "public",
                    "namespace": "gateways",
                    "grpcHost": "grpc.example.com",
                    "httpHost": "otlp.example.com",
                },
            },
            "sampling": {
                "mode": "on",
                "rules": [{"name": "probes", "service": "probe-*", "never": True}],
                "values": VALUES["alloy sampler"],
            },
            "podLogs": {"enabled": True, "values": VALUES["alloy logs"]},
        },
        "placement": PLACEMENT,
        "beyla": {"namespaces": ["shop"], "values": VALUES["beyla"]},
        "operator": {
            "enabled": True,
            "go": True,
            "sampleRatio": 0.25,
            "metrics": True,
            "logs": True,
            "values": VALUES["operator"],
        },
        "charts": {"repository": "oci://mirror.example.com/charts", "imageRegistry": "mirror:5000"},
        "backends": _BACKENDS,
        "grafana": _GRAFANA,
    },
    "monolithic-given": {
        "environment": {"name": "dev"},
        "cluster": {**CLUSTER, "nodeCidrs": ["10.0.0.0/16"]},
        "identity": {"roleArn": "arn:aws:iam::123456789012:role/platform/tempo"},
        "storage": {
            "bucket": "our-traces",
            "existing": True,
            "encryption": "sse-kms",
            "kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/k1",
            "previousKmsKeyArns": ["arn:aws:kms:eu-west-1:123456789012:key/k0"],
        },
        "namespaces": {"tracing": "observe", "beyla": "observe-agent", "existing": ["tracing"]},
        # Where samplers decide, a canary is refused.
        "canary": {"enabled": True, "placement": PLACEMENT, "values": VALUES["canary"]},
        "placement": {"nodeSelector": {"dedicated": "none"}, "topologySpread": "none"},
        "tempo": {
            "size": "l",
            "jaeger": True,
            "zipkin": True,
            "placement": PLACEMENT,
            "values": VALUES["tempo"],
            "config": TEMPO_CONFIG,
        },
        "alloy": {
            "placement": PLACEMENT,
            "ingress": {
                "auth": "mtls",
                "secret": "senders",
                "tlsSecret": "otlp-tls",
                "loadBalancer": {"annotations": {"example.com/a": "b"}},
            },
        },
        "beyla": {"contextPropagation": "all", "placement": {**PLACEMENT, **AGENTS}},
        "backends": _BACKENDS,
        "grafana": {**_GRAFANA, "namespace": "observe"},
    },
    "bare": {
        "environment": {"name": "dev"},
        "cluster": CLUSTER,
        "namespaces": {"networkPolicies": False},
        "tempo": {"traceqlMetrics": False},
        "beyla": {"enabled": False},
    },
}
#: The stack that owns prod's cluster.
_OWNER = "organization/platform/prod"
#: All of them, by name.
PROGRAMS = [*STACKS, *VARIANTS]
#: Each of them at preview and at update.
RECORDED = [(name, preview) for name in PROGRAMS for preview in (True, False)]
#: A test of the recording of each, at preview and at update.
each_recording = sweep(
    "recording",
    lambda: [recorded(name, preview=preview) for name, preview in RECORDED],
    ids=[f"{name}-{'preview' if preview else 'update'}" for name, preview in RECORDED],
)


def recorded(name: str, *, preview: bool = True) -> Recording:
    """Return what `__main__.py` makes for a stack file, variant or platform; each is run once."""
    return _recorded(name, preview)


@functools.cache
def _recorded(name: str, preview: bool) -> Recording:
    if name in STACKS and preview:
        return golden.plan(name).recording
    if name in VARIANTS:
        config = {f"{PROJECT}:{group}": json.dumps(v) for group, v in VARIANTS[name].items()}
        secrets = {}
        if "backends" in VARIANTS[name]:
            secrets = {
                f"{PROJECT}:metricsPassword": METRICS_PASSWORD,
                f"{PROJECT}:logsPassword": LOGS_PASSWORD,
            }
        values, secret_keys = config | secrets, list(secrets)
    elif name in PLATFORMS:
        values = {key: json.dumps(group) for key, group in groups_of(PLATFORMS[name]).items()}
        secret_keys = []
    else:
        file = read(ROOT, name)
        values, secret_keys = file.values, file.secret_keys
    return record(
        lambda: runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__"),
        project=PROJECT,
        stack=name,
        preview=preview,
        config=values,
        secret_keys=secret_keys,
        references={} if preview else {_OWNER: {"kubeconfig": "{}"}},
    )


def groups_of(file: Path) -> dict[str, Any]:
    """Return the groups of a stack file by their full keys."""
    return cast("dict[str, dict[str, Any]]", load(file))["config"]


def releases(recording: Recording) -> list[Resource]:
    """Return the Helm releases."""
    return recording.of_type("kubernetes:helm.sh/v3:Release")


def chart_of(release: Resource) -> helm.Chart:
    """Return the pinned chart that a release installs, from wherever."""
    name = release.inputs["chart"].rpartition("/")[2]
    version = release.inputs.get("version")
    named = [
        chart for chart in (*PINNED, helm.TEMPO_3, helm.TEMPO_DISTRIBUTED_3) if chart.name == name
    ]
    return next((chart for chart in named if chart.version == version), named[0])


def unknown_values(recording: Recording) -> list[str]:
    """Return the keys of all releases' values that the pinned charts do not know."""
    return [
        f"{release.name}: {key}"
        for release in releases(recording)
        for chart in [chart_of(release)]
        for key in unknown_keys(chart.name, chart.version, release.inputs["values"])
    ]
