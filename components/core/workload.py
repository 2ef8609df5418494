"""Sizes of workloads: a preset, with the values that a stack file replaces."""

from dataclasses import dataclass, replace

from .settings import PodSettings


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The size of one workload. Values are of one pod.

    Attributes:
        replicas: number of pods; the minimum if ``max_replicas`` is set.
        max_replicas: maximum number of pods of autoscaling; None without autoscaling.
        cpu_limit_millicores: CPU limit of one pod in thousandths of a core; 0 for none.
        volume_gib: volume of one pod in GiB; None without a volume.
    """

    replicas: int
    cpu_request_millicores: int
    cpu_limit_millicores: int
    memory_request_mib: int
    memory_limit_mib: int
    max_replicas: int | None = None
    volume_gib: int | None = None

    def override(self, settings: PodSettings) -> "Workload":
        """Return this size with the values that a stack file replaces."""
        return replace(self, **settings.model_dump(exclude_none=True))

    def resources(self) -> dict[str, dict[str, str]]:
        """Return requests and limits of a Kubernetes container."""
        return {
            "requests": {
                "cpu": f"{self.cpu_request_millicores}m",
                "memory": f"{self.memory_request_mib}Mi",
            },
            "limits": {
                **({"cpu": f"{limit}m"} if (limit := self.cpu_limit_millicores) else {}),
                "memory": f"{self.memory_limit_mib}Mi",
            },
        }
