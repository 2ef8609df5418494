"""Adds environment and annotations to what a Deployment is made from; changes nothing in place."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import pulumi

from ..core.problem import Problem, SettingsError
from .env import otlp_env
from .injection import injection_annotations
from .settings import Language, OtlpSettings

Spec = TypeVar("Spec")


def with_otlp_env(
    spec: Spec,
    endpoint: pulumi.Input[str],
    settings: OtlpSettings,
    *,
    containers: Sequence[str] = (),
) -> Spec:
    """Return the spec of a workload whose containers have the environment for OTLP.

    A variable that a container has already stays as it is. What ``envFrom`` brings is not seen, and
    Kubernetes lets ``env`` win over it.

    Args:
        spec: ``spec`` of a Deployment, StatefulSet, DaemonSet or Job: a mapping, or one of
            pulumi_kubernetes' ``...SpecArgs``. It is not changed.
        endpoint: where OTLP goes, see `otlp_variables`.
        settings: what the application says about itself.
        containers: names of the containers; none means every container, but no init container.

    Returns:
        A spec of the same kind.

    Raises:
        SettingsError: a container is not there, the settings contradict each other, or a part of
            the spec is an output, into which nobody can look.
    """

    def filled(container: Any) -> Any:  # noqa: ANN401
        name = _get(container, "name")
        if containers and name not in containers:
            return container
        own: list[Any] = list(_plain(_get(container, "env"), "env") or [])
        there = {_get(entry, "name") for entry in own}
        wanted = otlp_env(endpoint, settings, container=name if isinstance(name, str) else None)
        # In front, so that the application's own variables may name them.
        return _put(container, "env", [*(e for e in wanted if e["name"] not in there), *own])

    def in_pod(pod: Any) -> Any:  # noqa: ANN401
        its: list[Any] = list(_plain(_get(pod, "containers"), "containers") or [])
        missing = set(containers) - {_get(container, "name") for container in its}
        if missing or not its:
            what = ", ".join(sorted(missing)) or "any"
            raise _refused(f"the pod template has no container {what}")
        return _put(pod, "containers", [filled(container) for container in its])

    return _changed(spec, ("template", "spec"), in_pod)


def with_injection(
    spec: Spec,
    language: Language,
    instrumentation: pulumi.Input[str],
    *,
    containers: Sequence[str] = (),
    go_executable: str | None = None,
) -> Spec:
    """Return the spec of a workload whose pods ask the OpenTelemetry Operator for an SDK.

    An annotation that the pod template has already stays as it is.

    Args:
        spec: see `with_otlp_env`.
        language: whose SDK.
        instrumentation: the tracing stack's output ``instrumentation``. Pods that are made from it
            come after the object that it names, since it is an output of that object.
        containers: names of the containers; none means the first one.
        go_executable: path of the program in its container; needed with Go.

    Returns:
        A spec of the same kind.

    Raises:
        SettingsError: see `injection_annotations`, or a part of the spec is an output.
    """
    wanted = injection_annotations(
        language, instrumentation, containers=containers, go_executable=go_executable
    )

    def annotated(metadata: Any) -> Any:  # noqa: ANN401
        own: dict[str, Any] = dict(_plain(_get(metadata, "annotations"), "annotations") or {})
        return _put(metadata, "annotations", {**wanted, **own})

    return _changed(spec, ("template", "metadata"), annotated)


def _changed(node: Spec, path: Sequence[str], change: Callable[[Any], Any]) -> Spec:
    """Return a copy in which what a path leads to is changed; what is missing is a mapping."""
    if not path:
        return change(node)
    first, *rest = path
    below = _plain(_get(node, first), first)
    empty: dict[str, Any] = {}
    return _put(node, first, _changed(empty if below is None else below, rest, change))


def _get(node: Any, key: str) -> Any:  # noqa: ANN401
    """Return a value of a mapping or an arguments object; the keys here have no second word."""
    if isinstance(node, Mapping):
        return cast("Mapping[str, Any]", node).get(key)
    return getattr(node, key, None)


def _put(node: Any, key: str, value: Any) -> Any:  # noqa: ANN401
    if isinstance(node, Mapping):
        return {**cast("Mapping[str, Any]", node), key: value}
    changed = copy.copy(node)
    setattr(changed, key, value)
    return changed


def _plain(value: Any, key: str) -> Any:  # noqa: ANN401
    if isinstance(value, pulumi.Output):
        raise _refused(f"{key} of the workload is an output; give it as a plain value")
    return value


def _refused(message: str) -> SettingsError:
    return SettingsError("workload", [Problem(key="spec", message=message)])
