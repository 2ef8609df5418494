"""Sizes of Beyla's two workloads."""

from dataclasses import replace

from ..core.workload import Workload
from .settings import BeylaSettings

#: Nodes that one replica of the Kubernetes cache serves, as the k8s-monitoring chart advises.
NODES_PER_CACHE = 50

#: The CPU limit is that of DuploCloud's Advanced Observability Suite, whose memory limit of 512 MiB
#: leaves too little beside the maps. Beyla's docs (performance overhead) measured 75 to 120 MB
#: without them and a few percent of a core; the rest is for the peak while Beyla reads the
#: executables of a busy node.
_AGENT = Workload(
    replicas=1,
    cpu_request_millicores=100,
    cpu_limit_millicores=500,
    memory_request_mib=448,
    memory_limit_mib=768,
)
#: No figures are published. It keeps a few KiB for each pod, node and service of the cluster.
_CACHE = Workload(
    replicas=1,
    cpu_request_millicores=50,
    cpu_limit_millicores=500,
    memory_request_mib=128,
    memory_limit_mib=512,
)


def workloads(settings: BeylaSettings, nodes: int) -> dict[str, Workload]:
    """Return the sizes of `beyla`, one pod on each node, and of `k8s-cache` in a large cluster."""
    sizes = {"beyla": replace(_AGENT.override(settings.workload), replicas=nodes)}
    if replicas := cache_replicas(nodes):
        # The cache has no sizes of its own to set, and no CPU limit if the agents have none.
        limit = _CACHE.cpu_limit_millicores if sizes["beyla"].cpu_limit_millicores else 0
        sizes["k8s-cache"] = replace(_CACHE, replicas=replicas, cpu_limit_millicores=limit)
    return sizes


def cache_replicas(nodes: int) -> int:
    """Return the replicas of the Kubernetes cache: one for each 50 nodes, rounded.

    Below 25 nodes there is none, because the API server carries that few watches and a cache is
    another part that can fail.
    """
    return (nodes + NODES_PER_CACHE // 2) // NODES_PER_CACHE
