"""Size of the canary."""

from ..core.workload import Workload
from .settings import CanarySettings

# It had 68 MiB resident after 22 minutes, and used half a second of CPU in them.
_CANARY = Workload(
    replicas=1,
    cpu_request_millicores=10,
    cpu_limit_millicores=200,
    memory_request_mib=96,
    memory_limit_mib=192,
)


def workload(settings: CanarySettings) -> Workload:
    """Return the size of the canary, with the values that a stack file replaces."""
    return _CANARY.override(settings.workload)
