"""Helm values of mode distributed: chart tempo-distributed, 3.x with Kafka and 2.x without it."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core import placement
from ..core.helm import Rollout, no_template
from ..core.names import OTLP_GRPC_PORT, OTLP_HTTP_PORT
from ..core.overrides import IDENTITY, MONITOR, MONITOR_LABELS, NAMES, merged
from ..core.settings import IpFamily, PlacementSettings
from ..core.texts import map_strings
from ..core.workload import Workload
from . import config, kafka, sizes
from .settings import TempoSettings, TempoWorkloadSettings

if TYPE_CHECKING:
    from .component import TempoArgs

#: Components by their names in the chart's values, with those in the stack's settings and those on
#: the pods.
_COMPONENTS = {
    "distributor": ("distributor", "distributor"),
    "ingester": ("ingester", "ingester"),
    "querier": ("querier", "querier"),
    "queryFrontend": ("query_frontend", "query-frontend"),
    "compactor": ("compactor", "compactor"),
    "metricsGenerator": ("metrics_generator", "metrics-generator"),
    "memcached": ("memcached", "memcached"),
}
#: The same of Tempo 3.
_COMPONENTS_3 = {
    **{name: its for name, its in _COMPONENTS.items() if name not in ("ingester", "compactor")},
    "liveStore": ("live_store", "live-store"),
    "blockBuilder": ("block_builder", "block-builder"),
    "backendScheduler": ("backend_scheduler", "backend-scheduler"),
    "backendWorker": ("backend_worker", "backend-worker"),
}
#: Termination grace period in seconds: the chart's 30 for most, Kubernetes' 30 for memcached. An
#: ingester and a generator finish their uploads; the rest stays on the volume, so that less than
#: the chart's 300 is enough and an upgrade of many ingesters ends in time.
_GRACE_SECONDS: Mapping[str, int] = {
    "ingester": 120,
    "metrics_generator": 120,
    # It would finish its cycle, which takes five minutes. A new one starts the cycle again: spans
    # stay in Kafka until they are in S3. Tempo's own wait is as long (stopping in
    # modules/blockbuilder/blockbuilder.go of 3.0.3).
    "block_builder": 60,
    "live_store": 60,
}
#: Workloads that read their own or an earlier pod's spans when they start.
_REPLAYING = ("ingester", "metrics_generator", "live_store")
_DEFAULT_GRACE_SECONDS = 30
#: Share of the pods that a rolling update replaces at the same time, of workloads without data. The
#: chart's one at a time takes hours for a hundred queriers.
_ROLLOUT_SHARES: Mapping[str, float] = {"distributor": 0.25, "querier": 0.25, "compactor": 0.25}
#: Ports of Jaeger's protocols and of Zipkin (chart defaults).
_JAEGER = {"grpc": 14250, "thriftHttp": 14268, "thriftCompact": 6831, "thriftBinary": 6832}
_ZIPKIN = 9411
#: Share of memcached's memory limit for items; the rest is for connections.
_CACHE_SHARE = 0.8
#: Largest item in memcached; footers and bloom filters of big blocks exceed its default of 1 MiB.
_CACHE_ITEM = "5m"
#: Connections to memcached; every querier, compactor and query-frontend has several to each.
_CACHE_CONNECTIONS = "4096"


def _owned(name: str, setting: str) -> dict[str, str]:
    """Return the owned keys of one component, by its names in the chart and in the settings."""
    workload = f"tempo.workloads.{setting}"
    return {
        f"{name}.{key}": owner
        for key, owner in {
            # The chart has one scheduler.
            **({} if name == "backendScheduler" else {"replicas": f"{workload}.replicas"}),
            "resources": workload,
            "image.registry": "charts.imageRegistry",
            "image.pullSecrets": "tempo.placement.imagePullSecrets",
            "nodeSelector": "tempo.placement.nodeSelector",
            "tolerations": "tempo.placement.tolerations",
            "affinity": "tempo.placement.affinity",
            # The chart documents none for it.
            **(
                {}
                if name == "compactor"
                else {"topologySpreadConstraints": "tempo.placement.topologySpread"}
            ),
            **({} if name == "memcached" else {"config": config.GENERATED}),
        }.items()
    }


def _owned_volume(name: str) -> dict[str, str]:
    """Return the owned keys of the volumes of one component."""
    return {
        f"{name}.persistence.enabled": "recent spans are on the volume only",
        f"{name}.persistence.size": f"tempo.workloads.{name}.volumeGib",
        f"{name}.persistence.storageClass": "tempo.storageClass",
    }


#: Keys of the chart that `tempo.values` can't set: what sets them, or why the stack owns them.
_OWNED: Mapping[str, str] = {
    "fullnameOverride": NAMES,
    "nameOverride": NAMES,
    "global.image.registry": "charts.imageRegistry",
    "global.image.pullSecrets": "tempo.placement.imagePullSecrets",
    "global.podLabels": "tempo.placement.podLabels",
    "global.podAnnotations": "tempo.placement.podAnnotations",
    "global.priorityClassName": "tempo.placement.priorityClass",
    "global.storageClass": "tempo.storageClass",
    "enterprise.enabled": "it needs a license",
    "minio": "storage.endpoint",
    "multitenancyEnabled": "tempo.tenant",
    "metaMonitoring.serviceMonitor.enabled": MONITOR,
    "metaMonitoring.serviceMonitor.labels": MONITOR_LABELS,
    "serviceAccount.create": IDENTITY,
    "serviceAccount.name": IDENTITY,
    "serviceAccount.annotations.eks.amazonaws.com/role-arn": "identity.mode",
    "tempo.image.registry": "charts.imageRegistry",
    "tempo.image.tag": "tempo.imageTag",
    "tempo.podLabels": "tempo.placement.podLabels",
    "tempo.podAnnotations": "tempo.placement.podAnnotations",
    **dict.fromkeys(
        (
            *("cache", "config", "configStorageType", "externalConfigSecretName", "memberlist"),
            *("overrides", "per_tenant_overrides", "reportingEnabled", "server", "storage"),
            *("streamOverHTTPEnabled", "tempo.structuredConfig", "traces", "useExternalConfig"),
        ),
        config.GENERATED,
    ),
    **{
        f"{name}.autoscaling.{key}": f"tempo.workloads.{name}.{setting}"
        for name in ("distributor", "querier")
        for key, setting in {
            "enabled": "maxReplicas",
            "minReplicas": "replicas",
            "maxReplicas": "maxReplicas",
        }.items()
    },
    **_owned_volume("metricsGenerator"),
    "memcached.enabled": "dashboards and sizes count on it",
    "metricsGenerator.enabled": "tempo.traceqlMetrics",
    "metricsGenerator.kind": "names of its pods are a label of every series",
}


#: The same of chart 2.x alone.
_OWNED_2: Mapping[str, str] = {
    "ingest": "Tempo 2 runs without Kafka",
    **_owned_volume("ingester"),
}
#: The same of chart 3.x alone.
_OWNED_3: Mapping[str, str] = {
    "ingest": "tempo.kafka",
    "defaults.extraEnv": "tempo.kafka.passwordSecret",
    "defaults.extraArgs": "tempo.kafka.passwordSecret",
    "blockBuilder.replicas": "tempo.kafka.partitions",
    "liveStore.replicas": "tempo.kafka.partitions",
    "blockBuilder.enabled": "without it, no block is written",
    "liveStore.enabled": "without it, recent spans aren't found",
    "backendScheduler.enabled": "without it, blocks are neither merged nor deleted",
    "backendWorker.autoscaling.enabled": "tempo.workloads.backendWorker.replicas",
}


def owned(settings: TempoSettings) -> Mapping[str, str]:
    """Return the keys of the chart in use that `tempo.values` can't set."""
    by_component = {
        key: owner
        for name, (setting, _) in _components(settings).items()
        for key, owner in _owned(
            name, TempoWorkloadSettings.model_fields[setting].alias or setting
        ).items()
    }
    return {**_OWNED, **by_component, **(_OWNED_2 if settings.version == 2 else _OWNED_3)}


def _components(settings: TempoSettings) -> Mapping[str, tuple[str, str]]:
    return _COMPONENTS if settings.version == 2 else _COMPONENTS_3


def values(args: "TempoArgs") -> dict[str, Any]:
    """Return the values to install chart tempo-distributed with.

    With Tempo 2 they never contain `ingest.kafka.address`, which would move the write path to
    Kafka.
    """
    placed = args.settings.placement.over(args.placement)
    generator = bool(config.processors(args.settings, args.metrics))
    workloads = sizes.workloads(args.settings, generator=generator)
    components = {
        chart_name: _component(workloads[name], name, label, placed)
        for chart_name, (name, label) in _components(args.settings).items()
        if name in workloads
    }
    return {
        "global": _global(args, placed),
        "reportingEnabled": False,
        "multitenancyEnabled": args.multitenant,
        "streamOverHTTPEnabled": True,
        "tempo": {
            "image": {"tag": args.settings.image_tag},
            "podSecurityContext": config.POD_SECURITY,
            "securityContext": config.CONTAINER_SECURITY,
            "livenessProbe": config.LIVENESS,
            "readinessProbe": config.READINESS,
            **placement.given(
                {"podLabels": placed.pod_labels, "podAnnotations": placed.pod_annotations}
            ),
            # The chart runs it through its template engine.
            **_service(args.ip_family),
            "structuredConfig": merged(
                _without_values(args),
                map_strings(no_template, args.settings.config),
            ),
        },
        **placement.given({"per_tenant_overrides": config.tenant_overrides(args)}),
        "serviceAccount": config.service_account(args),
        "storage": {"trace": {"backend": "s3", "s3": config.s3(args)}},
        "server": _server(args.settings),
        "traces": _receivers(args),
        **({"memberlist": {"bind_addr": ["::"]}} if args.ip_family is IpFamily.IPV6 else {}),
        "overrides": {"defaults": config.overrides(args)},
        "metaMonitoring": {
            "serviceMonitor": {
                "enabled": args.service_monitor.enabled,
                "labels": args.service_monitor.labels,
            }
        },
        "gateway": {"enabled": False},
        **components,
        "distributor": components["distributor"] | {"strategy": _rolling("distributor")},
        "querier": components["querier"] | _querier(args.settings),
        **_storing(args.settings, components, workloads),
        "memcached": components["memcached"] | _memcached(workloads["memcached"]),
        "metricsGenerator": (
            components["metricsGenerator"] | _generator(args, workloads["metrics_generator"])
            if generator
            else {"enabled": False}
        ),
    }


def _storing(
    settings: TempoSettings,
    components: Mapping[str, dict[str, Any]],
    workloads: Mapping[str, Workload],
) -> dict[str, Any]:
    """Return the values of the parts that hold recent spans, write blocks, and merge them."""
    if settings.version == 2:
        return {
            "ingester": components["ingester"] | _ingester(settings, workloads["ingester"]),
            "compactor": components["compactor"] | _compactor(settings),
            "minio": {"enabled": False},
        }
    provider = {"compaction": {"compaction": _compaction(settings)}}
    return {
        "ingest": kafka.ingest(settings),
        # Unlike `global`, these are not for memcached.
        **placement.given(
            {
                "defaults": placement.given(
                    {
                        "extraEnv": kafka.environment(settings),
                        "extraArgs": kafka.arguments(settings),
                    }
                )
            }
        ),
        "liveStore": components["liveStore"] | {"config": config.live_store(settings)},
        "blockBuilder": components["blockBuilder"]
        | {
            "config": {"partitions_per_instance": 1},
            "terminationGracePeriodSeconds": _GRACE_SECONDS["block_builder"],
        },
        "backendScheduler": components["backendScheduler"] | {"config": {"provider": provider}},
    }


def rollouts(args: "TempoArgs") -> list[Rollout]:
    """Return how the pods of each workload are replaced."""
    generator = bool(config.processors(args.settings, args.metrics))
    return [
        Rollout(
            pods=size.max_replicas or size.replicas,
            share=_ROLLOUT_SHARES.get(name, 0),
            stop_seconds=_GRACE_SECONDS.get(name, _DEFAULT_GRACE_SECONDS),
            ready_seconds=config.READY_SECONDS
            + (config.REPLAY_SECONDS if name in _REPLAYING else 0),
        )
        for name, size in sizes.workloads(args.settings, generator=generator).items()
    ]


def _global(args: "TempoArgs", placed: PlacementSettings) -> dict[str, Any]:
    """Return the values for all pods, memcached's too."""
    settings = args.settings
    section: dict[str, Any] = {"extraEnv": config.emulator_credentials(args)}
    image = {"registry": args.image_registry, "pullSecrets": placed.image_pull_secrets}
    section |= placement.given(
        {"image": placement.given(image), "priorityClassName": placed.priority_class}
    )
    if settings.storage_class:
        section["storageClass"] = settings.storage_class
    return section


def _component(size: Workload, name: str, label: str, placed: PlacementSettings) -> dict[str, Any]:
    """Return size and placement of one component."""
    section: dict[str, Any] = {"resources": size.resources(), **_placement(name, label, placed)}
    # The chart has one scheduler, and no disruption budget for it.
    if name != "backend_scheduler":
        section |= {
            "replicas": size.replicas,
            # One pod at a time. The chart's budget for ingesters would allow all but two to stop.
            "podDisruptionBudget": {"enabled": True},
            "maxUnavailable": 1,
        }
    if size.max_replicas:
        section["autoscaling"] = {
            "enabled": True,
            "minReplicas": size.replicas,
            "maxReplicas": size.max_replicas,
        }
    return section


def _placement(name: str, label: str, placed: PlacementSettings) -> dict[str, Any]:
    """Return the placement of one component.

    The chart takes affinity and spread as strings, in which it would run templates. Their defaults
    forbid a second pod on a node, so that there could be no more replicas than nodes.
    """
    selector = config.selector(label)
    topologies: tuple[str, ...] = (placement.HOST,)
    spread: list[dict[str, Any]] | None = placement.spread(placed, selector)
    if name == "ingester":
        spread.insert(0, config.host_spread(selector))
    elif name == "compactor":
        # The chart documents no topology spread constraints for it.
        topologies, spread = (placement.HOST, placement.ZONE), None
    affinity = placement.affinity(placed, selector, topologies)
    return {
        # In JSON, because Helm and PyYAML disagree about strings without quotes.
        "affinity": json.dumps(affinity, indent=2) if affinity else "",
        **(
            {}
            if spread is None
            else {"topologySpreadConstraints": json.dumps(spread, indent=2) if spread else ""}
        ),
        **placement.given(
            {
                "nodeSelector": placement.node_selector(placed),
                "tolerations": placement.tolerations(placed),
            }
        ),
    }


def _ingester(settings: TempoSettings, size: Workload) -> dict[str, Any]:
    return {
        "terminationGracePeriodSeconds": _GRACE_SECONDS["ingester"],
        "config": {"replication_factor": sizes.replication_factor(settings)},
        "persistence": {"enabled": True, "size": f"{size.volume_gib}Gi"},
    }


def _querier(settings: TempoSettings) -> dict[str, Any]:
    client = {"max_send_msg_size": config.grpc_message_bytes(settings)}
    return {
        "config": {"frontend_worker": {"grpc_client_config": client}},
        # The chart builds the strategy from this key and maxSurge.
        **_rolling("querier"),
    }


def _compactor(settings: TempoSettings) -> dict[str, Any]:
    return {"config": {"compaction": _compaction(settings)}, "strategy": _rolling("compactor")}


def _compaction(settings: TempoSettings) -> dict[str, Any]:
    return {
        "block_retention": config.retention(settings),
        "max_block_bytes": config.MAX_BLOCK_BYTES,
    }


def _rolling(name: str) -> dict[str, Any]:
    """Return how many pods a rolling update may stop at the same time: one at least."""
    return {"rollingUpdate": {"maxUnavailable": f"{_ROLLOUT_SHARES[name]:.0%}"}}


def _memcached(size: Workload) -> dict[str, Any]:
    megabytes = str(int(size.memory_limit_mib * _CACHE_SHARE))
    return {
        "enabled": True,
        "extraArgs": ["-m", megabytes, "-I", _CACHE_ITEM, "-c", _CACHE_CONNECTIONS],
    }


def _generator(args: "TempoArgs", size: Workload) -> dict[str, Any]:
    """Return the metrics-generator's values.

    It is a StatefulSet, because the WAL must survive a restart, and so must the pods' names, which
    are a label of every series that it writes.
    """
    volumes, mounts = config.credential_volumes(args)
    return {
        "enabled": True,
        "kind": "StatefulSet",
        "terminationGracePeriodSeconds": _GRACE_SECONDS["metrics_generator"],
        "persistence": {"enabled": True, "size": f"{size.volume_gib}Gi"},
        "extraVolumes": volumes,
        "extraVolumeMounts": mounts,
        "config": {
            "processor": config.generator_processors(args),
            "registry": map_strings(no_template, config.generator_registry(args)),
            "metrics_ingestion_time_range_slack": config.slack(args.settings),
            "storage": {
                # Metrics are written and queried without a tenant.
                "remote_write_add_org_id_header": False,
                "remote_write": map_strings(no_template, config.remote_write(args)),
            },
        },
    }


def _server(settings: TempoSettings) -> dict[str, Any]:
    message_bytes = config.grpc_message_bytes(settings)
    return {
        "grpc_server_max_recv_msg_size": message_bytes,
        "grpc_server_max_send_msg_size": message_bytes,
    }


def _service(family: IpFamily) -> dict[str, Any]:
    """Return the address family of all Services, if it isn't IPv4 alone."""
    if family is IpFamily.IPV4:
        return {}
    if family is IpFamily.IPV6:
        return {"service": {"ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"}}
    # Kubernetes adds the second family. The chart can't write two.
    return {"service": {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "PreferDualStack"}}


def _without_values(args: "TempoArgs") -> dict[str, Any]:
    """Return the keys of Tempo's configuration for which the chart has no values."""
    slack = {"ingestion_time_range_slack": config.slack(args.settings)}
    section: dict[str, Any] = {
        "distributor": {"retry_after_on_resource_exhausted": config.RETRY_AFTER},
        "query_frontend": config.query_frontend(args.settings),
        "storage": {"trace": {"wal": slack}},
    }
    if args.settings.version == 2:
        section["ingester"] = config.ingester(args.settings)
    else:
        section["block_builder"] = {"wal": slack}
        section["ingest"] = kafka.without_values(args.settings)
    if args.ip_family is IpFamily.IPV6:
        # The addresses by which the parts reach each other.
        by_ipv6 = {"enable_inet6": True}
        parts = ["distributor", "metrics_generator"]
        if args.settings.version == 2:
            section["ingester"]["lifecycler"] = by_ipv6
            parts.append("compactor")
        else:
            parts += ["live_store", "backend_worker"]
        for part in parts:
            section[part] = {**section.get(part, {}), "ring": by_ipv6}
    return section


def _receivers(args: "TempoArgs") -> dict[str, Any]:
    """Return the receivers; the chart binds each to all addresses of IPv4."""
    settings, family = args.settings, args.ip_family

    def bound(port: int) -> dict[str, str]:
        return {} if family is IpFamily.IPV4 else {"endpoint": f"{family.any_address}:{port}"}

    grpc = {
        **bound(OTLP_GRPC_PORT),
        "max_recv_msg_size_mib": config.OTLP_MESSAGE_MIB,
        # A client discovers new distributors only when a connection ends.
        "keepalive": {
            "server_parameters": {"max_connection_age": "2m", "max_connection_age_grace": "30s"}
        },
    }

    def receiver(enabled: bool, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"enabled": enabled, **({"receiverConfig": config} if config else {})}

    return {
        "otlp": {
            "grpc": receiver(True, grpc),
            "http": receiver(True, bound(OTLP_HTTP_PORT)),
        },
        "jaeger": {
            protocol: receiver(settings.jaeger, bound(port)) for protocol, port in _JAEGER.items()
        },
        "zipkin": receiver(settings.zipkin, bound(_ZIPKIN)),
    }
