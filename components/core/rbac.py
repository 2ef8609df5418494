"""Access of pods to the API server, under names that no other release in the cluster has.

The charts name their ClusterRole after the release, and the names of ClusterRoles are those of the
whole cluster: a second release `alloy`, in any namespace, could not be installed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .names import PART_OF, cluster_wide

_GROUP = "rbac.authorization.k8s.io"


def cluster_access(
    service_account: str, namespace: str, rules: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return a ClusterRole and its binding, for `extraObjects` of a chart.

    As part of the release, they need no access to the cluster's roles to refresh the stack.

    Args:
        service_account: name of the release and of the service account of its pods.
        namespace: namespace of both.
        rules: what the pods may do in every namespace.
    """
    name = cluster_wide(service_account, namespace)
    labels = {"app.kubernetes.io/name": service_account, "app.kubernetes.io/part-of": PART_OF}
    role = {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name}
    subject = {"kind": "ServiceAccount", "name": service_account, "namespace": namespace}
    head = {"apiVersion": f"{_GROUP}/v1", "metadata": {"name": name, "labels": labels}}
    return [
        {**head, "kind": "ClusterRole", "rules": list(rules)},
        {**head, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": [subject]},
    ]
