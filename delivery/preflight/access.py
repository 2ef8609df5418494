"""Check of the caller's permissions in the cluster."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from delivery.preflight.api import Json, resource
from delivery.preflight.finding import Finding, error, ok, warning
from delivery.preflight.sources import Sources
from plan import needs

_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
#: What Pulumi and Helm do with an object.
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")


def permissions(its: Sources) -> Iterator[Finding]:
    """Check that the caller may do with each planned kind what Pulumi and Helm do."""
    who = its.cluster.post(_WHOAMI, _object("authentication", "SelfSubjectReview"))
    user: str = who["status"]["userInfo"]["username"]
    if _may(its, "*", "*", "*", ""):
        yield ok(f"{user} may do everything")
        return
    wanted = {
        (api.rpartition("/")[0], found["name"], namespace if found["namespaced"] else "")
        for api, kind, namespace in needs.touched(its.plan)
        if (found := resource(its.cluster, api, kind))
    }
    with ThreadPoolExecutor(8) as pool:
        answers = {
            each: [pool.submit(_may, its, verb, *each) for verb in VERBS] for each in sorted(wanted)
        }
    refused: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (group, name, namespace), allowed in answers.items():
        verbs = [verb for verb, may in zip(VERBS, allowed, strict=True) if not may.result()]
        if verbs:
            refused[namespace, ", ".join(verbs)].append(f"{name}.{group}" if group else name)
    for (namespace, verbs), kinds in refused.items():
        where = f" in {namespace}" if namespace else ""
        yield error(
            f"{user} may not {verbs}: {', '.join(kinds)}{where}",
            "use credentials of an administrator of the cluster",
        )
    group = "rbac.authorization.k8s.io"
    if not refused and not _may(its, "escalate", group, "clusterroles", ""):
        yield warning(
            f"{user} may not escalate clusterroles: Kubernetes refuses ClusterRoles that grant "
            "more than the user has",
            "use credentials of an administrator of the cluster",
        )
    elif not refused:
        yield ok(f"{user} may do all that `up` does")


def _may(its: Sources, verb: str, group: str, name: str, namespace: str) -> bool:
    attributes = {"verb": verb, "group": group, "resource": name, "namespace": namespace}
    review = _object("authorization", "SelfSubjectAccessReview")
    review["spec"] = {"resourceAttributes": attributes}
    return bool(its.cluster.post(_REVIEW, review)["status"]["allowed"])


def _object(group: str, kind: str) -> Json:
    return {"apiVersion": f"{group}.k8s.io/v1", "kind": kind}
