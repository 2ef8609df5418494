"""Checks of room for the pods: nodes, quotas and limit ranges."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from components.core.placement import COMPUTE_TYPE
from delivery.preflight.api import NODES, Json, items, labels, name
from delivery.preflight.finding import Finding, error, ok, warning
from delivery.preflight.scheduling import NOTHING, Amount, allows, quantity, requested
from delivery.preflight.sources import Sources
from plan import needs
from plan.diff.markdown import counted

Findings = Iterator[Finding]
_GIB = 1024**3


def nodes(its: Sources) -> Findings:
    """Check that each pod finds a node, by placement and by free capacity."""
    found = [n for n in items(its.cluster, NODES) if not n["spec"].get("unschedulable")]
    grows = _grows(its)
    if not found:
        yield (warning if grows else error)(
            "the cluster has no node that takes pods",
            "an autoscaler must add nodes" if grows else "add nodes",
        )
        return
    free = _free(its, found)
    failed = False
    # The agents first: each node must keep room for its own. Then the largest.
    order = sorted(
        needs.pods(its.plan.settings),
        key=lambda pods: (not pods.on_each_node, -pods.size.memory_request_mib),
    )
    for pods in order:
        where = [node for node in found if allows(node, pods.scheduling)]
        for finding in _place(pods, where, found, free, grows=grows):
            failed = True
            yield finding
    if not failed:
        left = sum(free.values(), NOTHING)
        yield ok(
            f"all pods fit on {counted(len(found), 'node')}: {left.cpu:.1f} CPU and "
            f"{left.memory / _GIB:.0f} GiB stay free"
        )


def _grows(its: Sources) -> bool:
    """Return whether nodes are added: by Karpenter, EKS Auto Mode, Fargate or an autoscaler."""
    fargate = any(labels(n).get(COMPUTE_TYPE) == "fargate" for n in items(its.cluster, NODES))
    if fargate or its.cluster.get("/apis/karpenter.sh"):
        return True
    found = items(its.cluster, "/apis/apps/v1/deployments", metadata=True)
    return any("cluster-autoscaler" in name(each) for each in found)


def _free(its: Sources, found: Sequence[Json]) -> dict[str, Amount]:
    """Return what is free on each node, with the pods of this stack removed."""
    free = {name(node): Amount.of(node["status"]["allocatable"]) for node in found}
    for pod in items(its.cluster, "/api/v1/pods"):
        node = pod["spec"].get("nodeName")
        release = labels(pod).get("app.kubernetes.io/instance", "")
        is_own = (release, pod["metadata"]["namespace"]) in its.releases
        ended = pod["status"].get("phase") in ("Succeeded", "Failed")
        if node in free and not ended and not is_own:
            free[node] -= requested(pod)
    return free


def _place(
    pods: needs.Pods,
    where: Sequence[Json],
    found: Sequence[Json],
    free: dict[str, Amount],
    *,
    grows: bool,
) -> Findings:
    """Take the room for the pods of a workload; yield a finding if there is too little."""
    level = warning if grows else error
    one = Amount(
        cpu=pods.size.cpu_request_millicores / 1000, memory=pods.size.memory_request_mib * 1024**2
    )
    wants = f"{one.cpu:g} CPU and {one.memory / _GIB:g} GiB"
    if not where:
        taints = sorted(
            {
                f"{t['key']}={t.get('value', '')}:{t['effect']}"
                for n in found
                for t in n["spec"].get("taints", ())
            }
        )
        yield level(
            f"{pods.name}: no node matches the placement"
            + (f"; taints here: {', '.join(taints)}" if taints else ""),
            "change placement.nodeSelector or placement.tolerations, or add such nodes",
        )
        return
    if not any(Amount.of(n["status"]["allocatable"]).holds(one) for n in where):
        yield level(
            f"{pods.name}: a pod requests {wants}, more than any node has",
            "add larger nodes, or lower the size",
        )
        return
    if pods.on_each_node:
        full = [name(n) for n in where if not free[name(n)].holds(one)]
        for node in where:
            free[name(node)] -= one
        if full:
            yield warning(
                f"{pods.name}: no room for {wants} on {len(full)} of {len(where)} nodes: "
                + _some(full),
                "move pods away from these nodes, or set placement.priorityClass",
            )
        return
    placed = 0
    for _ in range(pods.size.replicas):
        open_to = [n for node in where if free[n := name(node)].holds(one)]
        if open_to:
            # The emptiest node, as the scheduler prefers it.
            free[max(open_to, key=lambda name: free[name].memory)] -= one
            placed += 1
    if placed < pods.size.replicas:
        yield level(
            f"{pods.name}: {pods.size.replicas - placed} of {pods.size.replicas} pods with "
            f"{wants} find no free node",
            "check that the autoscaler may add nodes" if grows else "add nodes, or lower the size",
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def quotas(its: Sources) -> Findings:
    """Check the ResourceQuotas and LimitRanges of the namespaces of the pods."""
    by_namespace: dict[str, list[needs.Pods]] = defaultdict(list)
    for each in needs.pods(its.plan.settings):
        by_namespace[each.namespace].append(each)
    failed, seen = False, 0
    for namespace, pods in by_namespace.items():
        base = f"/api/v1/namespaces/{namespace}"
        if its.cluster.get(base) is None:
            continue
        # The pods of a deployed stack are in the use already.
        new = [each for each in pods if (each.release, namespace) not in its.releases]
        for quota in items(its.cluster, f"{base}/resourcequotas"):
            seen += 1
            for text in _exceeded(quota, _sums(new)):
                failed = True
                yield error(f"quota {name(quota)} of {namespace}: {text}", "raise it")
        for item in items(its.cluster, f"{base}/limitranges"):
            seen += 1
            for text in _outside(item, pods):
                failed = True
                yield error(
                    f"limit range {name(item)} of {namespace}: {text}",
                    "change it, or the requests and limits in the stack file",
                )
    if not failed:
        yield ok(f"{seen} allow the pods" if seen else "none in the namespaces of the pods")


def _sums(pods: Sequence[needs.Pods]) -> dict[str, float]:
    """Return what the pods take of a quota, by its names."""
    sums: dict[str, float] = defaultdict(float)
    for each in pods:
        size, count = each.size, each.size.replicas
        for names, amount in (
            (("requests.cpu", "cpu"), size.cpu_request_millicores / 1000),
            (("requests.memory", "memory"), size.memory_request_mib * 1024**2),
            (("limits.cpu",), size.cpu_limit_millicores / 1000),
            (("limits.memory",), size.memory_limit_mib * 1024**2),
            (("pods", "count/pods"), 1),
            (("persistentvolumeclaims",), 1 if size.volume_gib else 0),
            (("requests.storage",), (size.volume_gib or 0) * _GIB),
        ):
            for key in names:
                sums[key] += count * amount
    return sums


def _exceeded(quota: Json, sums: Mapping[str, float]) -> Iterator[str]:
    hard, used = quota["status"].get("hard", {}), quota["status"].get("used", {})
    for key, limit in hard.items():
        left = quantity(limit) - quantity(used.get(key, "0"))
        if 0 < sums.get(key, 0) > left + 1e-9:
            taken = _amount(key, sums[key])
            yield f"{key} has {_amount(key, left)} of {limit} left, the pods take {taken}"


def _amount(key: str, value: float) -> str:
    return f"{value / _GIB:.1f}Gi" if "memory" in key or "storage" in key else f"{value:g}"


def _outside(item: Json, pods: Sequence[needs.Pods]) -> Iterator[str]:
    """Yield the bounds of a limit range that a pod breaks."""
    for bounds in item["spec"]["limits"]:
        if bounds["type"] not in ("Container", "Pod"):
            continue
        for each in pods:
            size = each.size
            for resource, request, limit in (
                ("cpu", size.cpu_request_millicores / 1000, size.cpu_limit_millicores / 1000),
                ("memory", size.memory_request_mib * 1024**2, size.memory_limit_mib * 1024**2),
            ):
                most, least = (
                    bounds.get("max", {}).get(resource),
                    bounds.get("min", {}).get(resource),
                )
                if most and limit > quantity(most):
                    yield f"{each.name} has a {resource} limit above {most}"
                if least and request < quantity(least):
                    yield f"{each.name} has a {resource} request below {least}"
