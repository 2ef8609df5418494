"""Size of a node's pod."""

from dataclasses import replace

from ...core.workload import Workload
from .settings import PodLogsSettings

#: Queue to the logs backend in MiB on the wire. A full one holds the readers up, and the lines wait
#: in the files of the node.
QUEUE_MIB = 20
# Our choice: Alloy itself takes about 100 MiB, and a queue about three times its size.
_POD = Workload(
    replicas=1,
    cpu_request_millicores=50,
    cpu_limit_millicores=500,
    memory_request_mib=128,
    memory_limit_mib=384,
)


def workload(settings: PodLogsSettings, nodes: int) -> Workload:
    """Return the size of the pods, one on each node."""
    return replace(_POD.override(settings.workload), replicas=nodes)
