"""The Kubernetes API as the checks read it."""

from collections.abc import Mapping
from typing import Any, Protocol

Json = dict[str, Any]

NODES = "/api/v1/nodes"
DAEMON_SETS = "/apis/apps/v1/daemonsets"


class UnknownError(Exception):
    """Something can't be checked; the text is the reason."""


class Cluster(Protocol):
    """The API of a cluster.

    Both methods raise `UnknownError` if it doesn't answer.
    """

    def get(self, path: str, *, metadata: bool = False) -> Json | None:
        """Return what is at a path, of lists only the metadata if that is enough, or None."""
        ...

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        """Return the answer to an object that is sent to a path."""
        ...


def items(cluster: Cluster, path: str, *, metadata: bool = False) -> list[Json]:
    """Return the objects of a list; none if the cluster doesn't serve it."""
    return (cluster.get(path, metadata=metadata) or {}).get("items") or []


def name(item: Json) -> str:
    """Return the name of an object."""
    return item["metadata"]["name"]


def labels(item: Json) -> dict[str, str]:
    """Return the labels of an object."""
    return item["metadata"].get("labels") or {}


def annotations(item: Json) -> dict[str, str]:
    """Return the annotations of an object."""
    return item["metadata"].get("annotations") or {}


def resource(cluster: Cluster, api: str, kind: str) -> Json | None:
    """Return how the cluster serves a kind, or None.

    Args:
        cluster: the cluster.
        api: API version, for example `v1` or `apps/v1`.
        kind: for example `Deployment`.
    """
    served: list[Json] = (cluster.get(_base(api)) or {}).get("resources") or []
    kinds = (each for each in served if each["kind"] == kind and "/" not in each["name"])
    return next(kinds, None)


def objects(cluster: Cluster, api: str, kind: str, namespace: str = "") -> list[Json]:
    """Return the objects of a kind with their metadata; none if there is no such kind."""
    found = resource(cluster, api, kind)
    if found is None:
        return []
    where = f"/namespaces/{namespace}" if namespace else ""
    return items(cluster, f"{_base(api)}{where}/{found['name']}", metadata=True)


def _base(api: str) -> str:
    return f"/apis/{api}" if "/" in api else f"/api/{api}"
