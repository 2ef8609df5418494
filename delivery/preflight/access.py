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
_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")


def permissions(its: Sources) -> Iterator[Finding]:
    """Check that the caller may do with each planned kind what Pulumi and Helm do."""
    who = its.cluster.post(_WHOAMI, _object("authentication", "SelfSubjectReview"))
    user: str = who["status"]["userInfo"]["username"]
    if _may(its, "*", "*", "*", ""):
        yield ok(f"{user} may do everything")
        return
    wanted = [
        (verb, group, found["name"], namespace if found["namespaced"] else "")
        for api, kind, namespace in needs.touched(its.plan)
        if (found := resource(its.cluster, api, kind))
        for group in [("/" in api and api.partition("/")[0]) or ""]
        for verb in _VERBS
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = {each: pool.submit(_may, its, *each) for each in sorted(wanted)}
    refused: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (verb, group, name, namespace), allowed in answers.items():
        if not allowed.result():
            refused[f"{name}.{group}" if group else name, namespace].append(verb)
    for (name, namespace), verbs in refused.items():
        where = f" in {namespace}" if namespace else ""
        yield error(
            f"{user} may not {', '.join(verbs)} {name}{where}",
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
