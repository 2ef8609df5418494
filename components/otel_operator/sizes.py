"""Size of the operator."""

from ..core.workload import Workload
from .settings import OperatorSettings

#: Two pods: while a single one is away, pods start without their SDK and stay without. The chart's
#: own example (100m, 64 to 128 MiB) with room, since the operator keeps what it watches of the
#: whole cluster in memory; not measured.
_OPERATOR = Workload(
    replicas=2,
    cpu_request_millicores=100,
    cpu_limit_millicores=500,
    memory_request_mib=128,
    memory_limit_mib=512,
)


def workload(settings: OperatorSettings) -> Workload:
    """Return the size of the operator, with the values that a stack file replaces."""
    return _OPERATOR.override(settings.workload)
