"""Size of the operator."""

from ..core.workload import Workload
from .settings import OperatorSettings

#: Two pods, because a pod that starts while the only one is down gets no SDK. Resources follow the
#: chart's example (100m, 64 to 128 MiB), with more memory because the operator caches objects of
#: the whole cluster; not measured.
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
