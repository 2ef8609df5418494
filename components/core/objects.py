"""Metadata of the objects that the stack creates outside of charts."""

from collections.abc import Mapping

from pulumi_kubernetes import meta

from .names import MANAGED


def metadata(
    name: str,
    namespace: str,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> meta.v1.ObjectMetaArgs:
    """Return the metadata of an object.

    Args:
        name: name of the object.
        namespace: an existing namespace.
        labels: labels in addition to `MANAGED`.
        annotations: annotations.
    """
    return meta.v1.ObjectMetaArgs(
        name=name,
        namespace=namespace,
        labels={**MANAGED, **(labels or {})},
        annotations=annotations,
    )
