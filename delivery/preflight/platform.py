"""Checks of what the cluster offers: version, kinds, storage, identity, Grafana, CNI, kernels."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from components.beyla.kernels import OLDEST, breaks_propagation
from components.core.placement import COMPUTE_TYPE, ZONE
from components.core.settings import IpFamily
from components.grafana.delivery import API_VERSION
from components.grafana.settings import GrafanaDelivery, GrafanaSettings
from delivery.preflight.api import (
    DAEMON_SETS,
    NODES,
    Json,
    UnknownError,
    annotations,
    items,
    labels,
    name,
    resource,
)
from delivery.preflight.finding import Finding, error, not_checked, ok, warning
from delivery.preflight.scheduling import allows
from delivery.preflight.sources import Sources, Unreachable
from plan import needs
from plan.diff.markdown import counted

Findings = Iterator[Finding]

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
#: In-tree provisioner of old classes, whose volumes the driver creates too.
_EBS = {"kubernetes.io/aws-ebs": "ebs.csi.aws.com"}
#: DaemonSets of CNIs that always enforce network policies.
_ENFORCING = {"calico-node", "cilium", "kube-router"}


def reached(its: Sources) -> Findings:
    """Check that the cluster answers, and is the one in the stack file."""
    if isinstance(its.cluster, Unreachable):
        yield error(its.cluster.reason, "check `cluster` in the stack file, and your credentials")
        return
    wanted, way = its.plan.settings.cluster.name, needs.access(its.plan.settings.cluster)
    if its.plan.settings.storage.endpoint:
        yield ok(f"answers through {way}")
        return
    try:
        found = its.aws("eks", "describe-cluster", "--name", wanted)["cluster"]
    except UnknownError as reason:
        yield ok(f"answers through {way}")
        yield not_checked(f"whether it is {wanted}: {reason}")
        return
    # No two clusters have the same issuer.
    if found["identity"]["oidc"]["issuer"] == _issuer(its):
        yield ok(f"{way} leads to {wanted}")
    else:
        yield error(
            f"{way} leads to another cluster than {wanted}",
            f"change cluster.kubeContext, or run: aws eks update-kubeconfig --name {wanted}",
        )


def version(its: Sources) -> Findings:
    """Check the version of Kubernetes."""
    found: str = (its.cluster.get("/version") or {})["gitVersion"]
    if _numbers(found)[:2] < needs.KUBERNETES:
        yield error(f"{found} is too old for the charts", "upgrade the cluster")
    else:
        yield ok(found)


def kinds(its: Sources) -> Findings:
    """Check that the definitions of custom resources are installed."""
    wanted = needs.custom_kinds(its.plan)
    missing = [each for each in wanted if resource(its.cluster, *each) is None]
    for api, kind in missing:
        yield error(
            f"the cluster has no {kind} ({api})",
            f"install the operator that brings it, or change {wanted[api, kind]}",
        )
    if not missing:
        yield ok(", ".join(kind for _, kind in wanted))


def storage_class(its: Sources) -> Findings:
    """Check the storage classes of volumes, their drivers and their zones."""
    for key, wanted in needs.storage_classes(its.plan.settings).items():
        yield from _storage_class(its, key, wanted)


def _storage_class(its: Sources, key: str, wanted: str | None) -> Findings:
    classes = items(its.cluster, "/apis/storage.k8s.io/v1/storageclasses")
    if wanted is None:
        defaults = [each for each in classes if annotations(each).get(_DEFAULT_CLASS) == "true"]
        # Of several, Kubernetes takes the newest.
        chosen = max(defaults, key=lambda each: each["metadata"]["creationTimestamp"], default=None)
    else:
        chosen = next((each for each in classes if name(each) == wanted), None)
    if chosen is None:
        there = _list(map(name, classes)) or "none"
        yield error(
            f"there is no storage class {wanted}" if wanted else "no storage class is the default",
            f"set {key}; the cluster has {there}",
        )
        return
    driver = str(_EBS.get(chosen["provisioner"], chosen["provisioner"]))
    drivers = {name(each) for each in items(its.cluster, "/apis/storage.k8s.io/v1/csidrivers")}
    if not driver.startswith("kubernetes.io/") and driver not in drivers:
        yield error(
            f"{name(chosen)} needs the driver {driver}, which is not installed",
            "install it, for EBS with the EKS add-on aws-ebs-csi-driver",
        )
        return
    yield from _zones(its, key, chosen)


def _zones(its: Sources, key: str, chosen: Json) -> Findings:
    """Compare the zones of a class with those of the nodes that pods with volumes can run on."""
    with_volume = needs.volumes(its.plan.settings)
    nodes = [
        node
        for node in items(its.cluster, NODES)
        if any(allows(node, each.scheduling) for each in with_volume)
    ]
    here = {zone for node in nodes if (zone := labels(node).get(ZONE))}
    allowed: set[str] = {
        value
        for term in chosen.get("allowedTopologies") or ()
        for each in term["matchLabelExpressions"]
        if each["key"].endswith("/zone")
        for value in each["values"]
    }
    if allowed and here and not allowed & here:
        yield error(
            f"{name(chosen)} creates volumes in {_list(allowed)}, the nodes are in {_list(here)}",
            f"set {key} to a class without these zones",
        )
    elif chosen.get("volumeBindingMode") != "WaitForFirstConsumer" and len(here) > 1:
        yield warning(
            f"{name(chosen)} creates a volume before its pod has a node. In {_list(here)}, the "
            "pod may find no room in the zone of its volume",
            f"set {key} to a class with volumeBindingMode: WaitForFirstConsumer",
        )
    else:
        yield ok(f"{name(chosen)}, zones {_list(allowed & here or here) or 'unknown'}")


def pod_identity(its: Sources) -> Findings:
    """Check that the EKS Pod Identity Agent runs."""
    found = _daemon_set(its, "eks-pod-identity-agent")
    if ready := found["status"].get("numberReady", 0) if found else 0:
        yield ok(f"the agent is ready on {counted(ready, 'node')}")
    elif _managed(its, "auto"):
        yield ok("part of EKS Auto Mode")
    else:
        yield error(
            f"the EKS Pod Identity Agent is {'ready on no node' if found else 'not installed'}: "
            "Tempo gets no AWS credentials",
            "install the EKS add-on eks-pod-identity-agent, or set identity.mode: irsa",
        )


def _daemon_set(its: Sources, wanted: str) -> Json | None:
    found = (each for each in items(its.cluster, DAEMON_SETS) if name(each) == wanted)
    return next(found, None)


def _managed(its: Sources, compute_type: str) -> int:
    """Return the number of nodes that AWS manages in a way."""
    return sum(labels(node).get(COMPUTE_TYPE) == compute_type for node in items(its.cluster, NODES))


def oidc_issuer(its: Sources) -> Findings:
    """Check that the cluster issues its tokens as the issuer in the stack file."""
    issuer = _issuer(its)
    if issuer.rstrip("/") == str(its.plan.settings.cluster.oidc_issuer).rstrip("/"):
        yield ok(issuer)
    else:
        yield error(f"the cluster's issuer is {issuer}", f"set cluster.oidcIssuer: {issuer}")


def _issuer(its: Sources) -> str:
    return (its.cluster.get("/.well-known/openid-configuration") or {})["issuer"]


def grafana(its: Sources) -> Findings:
    """Check that Grafana, or its operator, takes what the stack delivers."""
    settings = its.plan.settings.grafana
    namespace = f"/namespaces/{settings.namespace}"
    if its.cluster.get(f"/api/v1{namespace}") is None:
        raise UnknownError(f"namespace {settings.namespace} doesn't exist yet")
    if settings.delivery is GrafanaDelivery.OPERATOR:
        wanted = settings.instance_labels.items()
        found = items(its.cluster, f"/apis/{API_VERSION}{namespace}/grafanas")
        if matching := [name(each) for each in found if wanted <= labels(each).items()]:
            yield ok(f"Grafana {_list(matching)} in {settings.namespace}")
        else:
            yield error(
                f"no Grafana object in {settings.namespace} has the labels "
                + _list(f"{key}={value}" for key, value in wanted),
                "change grafana.namespace, grafana.instanceLabels or the labels of the object",
            )
        return
    sidecars: list[dict[str, str]] = [
        {each["name"]: each.get("value", "") for each in container.get("env") or ()}
        for pod in items(its.cluster, f"/api/v1{namespace}/pods")
        for group in ("initContainers", "containers")
        for container in pod["spec"].get(group) or ()
    ]
    sidecars = [env for env in sidecars if env.keys() >= {"LABEL", "FOLDER"}]
    if sidecars:
        yield from _sidecars(settings, sidecars)
    else:
        yield warning(
            f"no pod in {settings.namespace} has a sidecar that reads ConfigMaps by label",
            "set grafana.namespace or grafana.delivery. In Grafana's chart, enable "
            "sidecar.datasources and sidecar.dashboards",
        )


def _sidecars(settings: GrafanaSettings, sidecars: list[dict[str, str]]) -> Findings:
    wanted = {"datasource": (settings.datasource_label, settings.datasource_label_value)}
    if settings.dashboards:
        wanted["dashboard"] = (settings.dashboard_label, settings.dashboard_label_value)
    read: list[str] = []
    for what, (label, value) in wanted.items():
        values = ("", value)
        reads = [s for s in sidecars if s["LABEL"] == label and s.get("LABEL_VALUE", "") in values]
        if not reads:
            found = {"=".join(filter(None, (s["LABEL"], s.get("LABEL_VALUE")))) for s in sidecars}
            yield error(
                f"no sidecar of Grafana reads {label}={value}; they read {_list(found)}",
                f"set grafana.{what}Label and grafana.{what}LabelValue",
            )
            continue
        read.append(f"{label}={value}")
        folders = {s.get("FOLDER_ANNOTATION") for s in reads}
        if what == "dashboard" and settings.folder_annotation not in folders:
            yield warning(
                f"the sidecar of dashboards doesn't put them into the folder {settings.folder}",
                "in Grafana's chart, set sidecar.dashboards.folderAnnotation: "
                f"{settings.folder_annotation} and "
                "sidecar.dashboards.provider.foldersFromFilesStructure: true",
            )
    if read:
        yield ok(f"sidecars in {settings.namespace} read {' and '.join(read)}")


def network_policies(its: Sources) -> Findings:
    """Check that the CNI enforces network policies."""
    names = {name(each) for each in items(its.cluster, DAEMON_SETS)}
    vpc_cni = _daemon_set(its, "aws-node")
    if enforcing := names & _ENFORCING:
        yield ok(f"enforced by {_list(enforcing)}")
    elif vpc_cni is None:
        yield not_checked("the CNI is none of VPC CNI, Calico, Cilium and kube-router")
    elif any(
        "--enable-network-policy=true" in (container.get("args") or ())
        for container in vpc_cni["spec"]["template"]["spec"]["containers"]
    ):
        yield ok("enforced by the VPC CNI")
    else:
        yield warning(
            "the VPC CNI doesn't enforce them: any pod can reach Tempo and Alloy",
            'set enableNetworkPolicy: "true" in the configuration of the EKS add-on vpc-cni',
        )


def ip_addresses(its: Sources) -> Findings:
    """Check that Services have the addresses that the stack file expects."""
    service = its.cluster.get("/api/v1/namespaces/default/services/kubernetes") or {}
    address: str = service["spec"]["clusterIP"]
    here = IpFamily.IPV6 if ":" in address else IpFamily.IPV4
    if its.plan.settings.cluster.ip_family in (here, IpFamily.DUAL):
        yield ok(f"{here}, as {address}")
    else:
        yield error(
            f"the cluster's Services use {here}: {address}", f"set cluster.ipFamily: {here}"
        )


def kernels(its: Sources) -> Findings:
    """Check kernels and systems of the nodes that Beyla runs on."""
    [agent] = [each for each in needs.pods(its.plan.settings) if each.on_each_node]
    here = [
        node["status"]["nodeInfo"]
        for node in items(its.cluster, NODES)
        if allows(node, agent.scheduling)
    ]
    count: Counter[str] = Counter(info["kernelVersion"] for info in here)
    if old := [kernel for kernel in count if _numbers(kernel)[:2] < OLDEST]:
        yield error(
            f"Beyla doesn't run on {_with_nodes(count, old)}",
            "update the node image, or exclude these nodes with beyla.placement",
        )
    if its.plan.settings.beyla_in_host_network:
        if broken := [kernel for kernel in count if breaks_propagation(_numbers(kernel))]:
            yield error(
                "context propagation fails requests of applications on "
                + _with_nodes(count, broken),
                "set beyla.contextPropagation: disabled, or see docs/beyla.md",
            )
        if any("Bottlerocket" in info["osImage"] for info in here):
            yield warning(
                "Bottlerocket locks its kernel: Beyla adds no headers to requests of Go services",
                "instrument Go services with an SDK",
            )
    if fargate := _managed(its, "fargate"):
        yield warning(
            f"Beyla doesn't instrument services on Fargate ({counted(fargate, 'node')})",
            "instrument services there with an SDK",
        )
    if not here:
        yield not_checked("the cluster has no node that Beyla runs on")
    elif not old:
        yield ok(_with_nodes(count, list(count)))
    yield not_checked(
        "kernel lockdown: on the nodes, /sys/kernel/security/lockdown must not be [confidentiality]"
    )


def _numbers(text: str) -> tuple[int, ...]:
    """Return the first three numbers of a version, such as v1.34.2-eks-3025e55."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _with_nodes(count: Mapping[str, int], kernels: Collection[str]) -> str:
    return ", ".join(f"Linux {each} ({counted(count[each], 'node')})" for each in sorted(kernels))


def cilium(its: Sources) -> Findings:
    """Check that Beyla doesn't propagate context on nodes with Cilium."""
    if _daemon_set(its, "cilium"):
        yield error(
            "Cilium is installed: context propagation stalls connections of applications",
            "set beyla.contextPropagation: disabled, or see docs/beyla.md",
        )
    else:
        yield ok("not installed")


def priority_class(its: Sources) -> Findings:
    """Check that the priority classes of pods exist."""
    names = {name(e) for e in items(its.cluster, "/apis/scheduling.k8s.io/v1/priorityclasses")}
    wanted = {p.priority_class for p in needs.pods(its.plan.settings) if p.priority_class}
    for missing in sorted(wanted - names):
        yield error(
            f"there is no priority class {missing}: Kubernetes refuses the pods",
            "create it, or change placement.priorityClass",
        )
    if wanted <= names:
        yield ok(_list(wanted))


def _list(names: Collection[str] | Iterator[str]) -> str:
    return ", ".join(sorted(names))
