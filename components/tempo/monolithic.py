"""Helm values of mode monolithic: chart tempo, one process with all parts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import placement
from ..core.helm import Rollout
from ..core.names import OTLP_GRPC_PORT, OTLP_HTTP_PORT, TEMPO_HTTP_PORT
from ..core.overrides import IDENTITY, MONITOR, MONITOR_LABELS, NAMES
from ..core.settings import PlacementSettings
from ..core.workload import Workload
from . import config, sizes
from .settings import TempoSettings

if TYPE_CHECKING:
    from .component import TempoArgs

#: Template of Tempo's configuration, by major version.
_CONFIGS: Mapping[int, str] = {
    major: Path(__file__)
    .with_name(name)
    .read_text()
    .replace("MAX_BLOCK_BYTES", str(config.MAX_BLOCK_BYTES))
    .replace("RETRY_AFTER", config.RETRY_AFTER)
    for major, name in {2: "monolithic.gotmpl", 3: "monolithic-3.gotmpl"}.items()
}
#: Ports of Jaeger's protocols in the chart's Service.
_JAEGER = {"grpc": 14250, "thrift_http": 14268, "thrift_compact": 6831, "thrift_binary": 6832}
#: Port of Zipkin in the chart's Service.
_ZIPKIN = 9411
#: Termination grace period in seconds (Kubernetes' default; the chart sets none).
_GRACE_SECONDS = 30


#: Keys of the chart that `tempo.values` can't set: what sets them, or why the stack owns them.
_OWNED: Mapping[str, str] = {
    "fullnameOverride": NAMES,
    "nameOverride": NAMES,
    "global.imageRegistry": "charts.imageRegistry",
    "replicas": "mode monolithic is one process",
    "config": config.GENERATED,
    "networkPolicy": "namespaces.networkPolicies",
    "persistence.enabled": "recent spans are on the volume only",
    "persistence.size": "tempo.workloads.monolithic.volumeGib",
    "persistence.storageClassName": "tempo.storageClass",
    "serviceAccount.create": IDENTITY,
    "serviceAccount.name": IDENTITY,
    "serviceAccount.annotations.eks.amazonaws.com/role-arn": "identity.mode",
    "serviceMonitor.enabled": MONITOR,
    "serviceMonitor.additionalLabels": MONITOR_LABELS,
    "tempo.registry": "charts.imageRegistry",
    "tempo.tag": "tempo.imageTag",
    "tempo.resources": "tempo.workloads.monolithic",
    "tempo.pullSecrets": "tempo.placement.imagePullSecrets",
    "tempo.retention": "tempo.retentionHours",
    "tempo.multitenancyEnabled": "tempo.tenant",
    **{
        f"tempo.{key}": config.GENERATED
        for key in (
            *("metricsGenerator", "overrides", "per_tenant_overrides"),
            *("querier", "queryFrontend", "receivers", "reportingEnabled", "server", "storage"),
            "streamOverHttpEnabled",
        )
    },
    **placement.owners("tempo", priorityClassName="priorityClass"),
}


def owned(settings: TempoSettings) -> Mapping[str, str]:
    """Return the keys of the chart in use that `tempo.values` can't set."""
    recent = "ingester" if settings.version == 2 else "liveStore"
    return {**_OWNED, f"tempo.{recent}": config.GENERATED}


def values(args: "TempoArgs") -> dict[str, Any]:
    """Return the values to install chart tempo with."""
    size = sizes.workloads(args.settings)["monolithic"]
    placed = args.settings.placement.over(args.placement)
    return {
        "global": {"imageRegistry": args.image_registry} if args.image_registry else {},
        "replicas": 1,
        "tempo": _tempo(args, size, placed),
        "config": _config(args.settings),
        "persistence": _persistence(args.settings, size),
        "securityContext": config.POD_SECURITY,
        "serviceAccount": config.service_account(args),
        "serviceMonitor": {
            "enabled": args.service_monitor.enabled,
            "additionalLabels": args.service_monitor.labels,
        },
        "extraVolumes": config.credential_volumes(args)[0],
        **_placement(placed),
    }


def _placement(placed: PlacementSettings) -> dict[str, Any]:
    """Return the placement of the one pod, which has nothing to spread."""
    return placement.given(
        {
            "nodeSelector": placement.node_selector(placed),
            "tolerations": placement.tolerations(placed),
            "affinity": placement.plain_affinity(placed),
            "priorityClassName": placed.priority_class,
            "podLabels": placed.pod_labels,
            "podAnnotations": placed.pod_annotations,
        }
    )


def rollouts() -> list[Rollout]:
    """Return how the one pod is replaced."""
    return [
        Rollout(
            pods=1,
            stop_seconds=_GRACE_SECONDS,
            ready_seconds=config.READY_SECONDS + config.REPLAY_SECONDS,
        )
    ]


def _tempo(args: "TempoArgs", size: Workload, placed: PlacementSettings) -> dict[str, Any]:
    """Return the chart's values below `tempo`."""
    settings = args.settings
    message_bytes = config.grpc_message_bytes(settings)
    return {
        "tag": settings.image_tag,
        "resources": size.resources(),
        # GOMEMLIMIT replaces the ballast, which Tempo 3 doesn't have.
        **({"memBallastSizeMbs": 0} if settings.version == 2 else {}),
        "extraEnv": [_go_memory(size), *config.emulator_credentials(args)],
        "extraVolumeMounts": config.credential_volumes(args)[1],
        "securityContext": config.CONTAINER_SECURITY,
        "livenessProbe": config.LIVENESS,
        "readinessProbe": config.READINESS,
        **placement.given(
            {
                "pullSecrets": placed.image_pull_secrets,
                "per_tenant_overrides": config.tenant_overrides(args),
            }
        ),
        "reportingEnabled": False,
        "multitenancyEnabled": args.multitenant,
        "streamOverHttpEnabled": True,
        "retention": config.retention(settings),
        "receivers": _receivers(args),
        "server": {
            "http_listen_port": TEMPO_HTTP_PORT,
            "grpc_server_max_recv_msg_size": message_bytes,
            "grpc_server_max_send_msg_size": message_bytes,
        },
        "querier": {
            "frontend_worker": {"grpc_client_config": {"max_send_msg_size": message_bytes}}
        },
        "queryFrontend": config.query_frontend(settings),
        **(
            {"ingester": config.ingester(settings)}
            if settings.version == 2
            else {"liveStore": config.live_store(settings)}
        ),
        "storage": {
            "trace": {
                "backend": "s3",
                "s3": config.s3(args),
                "wal": {
                    "path": "/var/tempo/wal",
                    "ingestion_time_range_slack": config.slack(settings),
                },
            }
        },
        "overrides": {"defaults": config.overrides(args)},
        "metricsGenerator": _generator(args),
    }


def _config(settings: TempoSettings) -> str:
    """Return the template of Tempo's configuration, with `tempo.config` merged into its result."""
    own = _CONFIGS[settings.version].replace("METRICS_SLACK", config.slack(settings))
    if not settings.config:
        return own
    # A backquote would end the raw string.
    given = json.dumps(settings.config, indent=2).replace("`", r"\u0060")
    return (
        f'{{{{- define "stack.config" }}}}\n{own}{{{{- end }}}}\n'
        '{{- toYaml (mergeOverwrite (fromYaml (include "stack.config" .)) (fromJson `'
        f"{given}`)) }}}}\n"
    )


def _generator(args: "TempoArgs") -> dict[str, Any]:
    """Return the values of the metrics-generator, with its data on the volume instead of /tmp."""
    if not config.processors(args.settings, args.metrics):
        return {"enabled": False}
    return {
        "enabled": True,
        "processor": config.generator_processors(args),
        "registry": config.generator_registry(args),
        "storage": {
            "path": "/var/tempo/generator/wal",
            "remote_write": config.remote_write(args),
        },
        **(
            {"traces_storage": {"path": "/var/tempo/generator/traces"}}
            if args.settings.version == 2
            else {}
        ),
    }


def _receivers(args: "TempoArgs") -> dict[str, Any]:
    """Return the receivers; an empty endpoint keeps a port out of the Service."""
    settings, host = args.settings, args.ip_family.any_address
    receivers: dict[str, Any] = {
        "otlp": {
            "protocols": {
                "grpc": {
                    "endpoint": f"{host}:{OTLP_GRPC_PORT}",
                    "max_recv_msg_size_mib": config.OTLP_MESSAGE_MIB,
                },
                "http": {"endpoint": f"{host}:{OTLP_HTTP_PORT}"},
            }
        },
        "jaeger": {
            "protocols": {
                protocol: {"endpoint": f"{host}:{port}" if settings.jaeger else ""}
                for protocol, port in _JAEGER.items()
            }
        },
    }
    if settings.zipkin:
        receivers["zipkin"] = {"endpoint": f"{host}:{_ZIPKIN}"}
    return receivers


def _persistence(settings: TempoSettings, size: Workload) -> dict[str, Any]:
    """Return the values of the volume for WAL and recent blocks."""
    return {
        "enabled": True,
        "size": f"{size.volume_gib}Gi",
        **({"storageClassName": c} if (c := settings.storage_class) else {}),
    }


def _go_memory(size: Workload) -> dict[str, str]:
    """Return GOMEMLIMIT for a memory limit."""
    limit = int(size.memory_limit_mib * config.GO_MEMORY_SHARE)
    return {"name": "GOMEMLIMIT", "value": f"{limit}MiB"}
