"""Size of the canary."""

from ..core.workload import Workload
from .settings import CanarySettings

# It had 60 MiB resident, and used next to no CPU, in a test of some minutes.
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
