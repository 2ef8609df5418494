"""Sizes of Beyla's two workloads."""

from dataclasses import replace

from ..core.workload import Workload
from .settings import BeylaSettings

#: Nodes that one replica of the Kubernetes cache serves, as the k8s-monitoring chart advises.
NODES_PER_CACHE = 50

#: Limits: the "Resource Requirements" of DuploCloud's Advanced Observability Suite. Requests:
#: Beyla's docs (performance overhead) measured 75 to 120 MB and some percent of a core; the rest
#: is for the peak in which a busy node's executables are read.
_AGENT = Workload(
    replicas=1,
    cpu_request_millicores=100,
    cpu_limit_millicores=500,
    memory_request_mib=256,
    memory_limit_mib=512,
)
#: No figures are published; it holds a few KiB for each pod, node and service of the cluster.
_CACHE = Workload(
    replicas=1,
    cpu_request_millicores=50,
    cpu_limit_millicores=500,
    memory_request_mib=128,
    memory_limit_mib=512,
)


def workloads(settings: BeylaSettings, nodes: int) -> dict[str, Workload]:
    """Return the sizes of what the chart runs.

    Args:
        settings: Beyla's settings; their ``workload`` replaces single values of the agent's size.
        nodes: expected number of nodes of the cluster.

    Returns:
        ``beyla`` (one pod on each node) and, where the cluster is large enough, ``k8s-cache``.
    """
    sizes = {"beyla": replace(_AGENT.override(settings.workload), replicas=nodes)}
    if replicas := cache_replicas(nodes):
        sizes["k8s-cache"] = replace(_CACHE, replicas=replicas)
    return sizes


def cache_replicas(nodes: int) -> int:
    """Return how many replicas of the Kubernetes cache serve a cluster.

    One for each 50 nodes, rounded: below 25 nodes there is none, since that few watches are no load
    for the API server and a cache would be one more thing that can fail.
    """
    return (nodes + NODES_PER_CACHE // 2) // NODES_PER_CACHE
