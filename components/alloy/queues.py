"""Queues on volumes: each exporter's queue in a file of its own, and the StatefulSet's volumes."""

from collections.abc import Sequence
from typing import Any

from ..core.workload import Workload
from .settings import AlloySettings, QueuePlace
from .text import Expression
from .writer import Instance

#: Modules whose queue can be on a volume.
_SENDERS = ("send_to_tempo", "send_to_loki")
_MODULE = "queue_on_volume"
_VOLUME, _PATH = "queue", "/var/lib/alloy-queue"
#: Stability of `otelcol.storage.file` in Alloy.
STABILITY = "public-preview"


def on_volume(instances: Sequence[Instance], *, fsync: bool) -> list[Instance]:
    """Return a pipeline whose exporters keep their queues on the volume."""
    found: list[Instance] = []
    for module, label, arguments in instances:
        if module not in _SENDERS:
            found.append((module, label, arguments))
            continue
        name = f"{module.removeprefix('send_to_')}_{label}"
        found.append((_MODULE, name, {"directory": f"{_PATH}/{name}", "fsync": fsync}))
        storage = {"storage": Expression(f"{_MODULE}.{name}.handler")}
        found.append((module, label, {**arguments, **storage}))
    return found


def mounts(settings: AlloySettings) -> list[dict[str, Any]]:
    """Return where the container mounts the volume."""
    on = settings.queue is QueuePlace.VOLUME
    return [{"name": _VOLUME, "mountPath": _PATH}] if on else []


def controller(settings: AlloySettings, size: Workload) -> dict[str, Any]:
    """Return the values of the chart's `controller` that make it a StatefulSet; else none."""
    if settings.queue is QueuePlace.MEMORY:
        return {}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        **(
            {"storageClassName": settings.queue_storage_class}
            if settings.queue_storage_class
            else {}
        ),
        "resources": {"requests": {"storage": f"{size.volume_gib}Gi"}},
    }
    return {
        "type": "statefulset",
        "updateStrategy": {"type": "RollingUpdate"},
        "volumeClaimTemplates": [{"metadata": {"name": _VOLUME}, "spec": claim}],
    }
