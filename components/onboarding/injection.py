"""Annotations that ask the OpenTelemetry Operator to put an SDK into pods."""

from collections.abc import Iterator, Sequence

import pulumi

from ..core.problem import Problem, problem
from .annotations import GO_EXECUTABLE, INJECT, PREFIX
from .checks import check
from .settings import Language


def injection_annotations(
    language: Language,
    instrumentation: pulumi.Input[str],
    *,
    containers: Sequence[str] = (),
    go_executable: str | None = None,
) -> dict[str, pulumi.Input[str]]:
    """Return the annotations of a pod template that ask for a language's SDK.

    They belong on the pod template: on a Deployment itself nobody reads them, and on a namespace
    Beyla would not know which pods to leave alone.

    Args:
        language: whose SDK.
        instrumentation: namespace and name of the ``Instrumentation``, ``namespace/name``: the
            tracing stack's output ``instrumentation``.
        containers: names of the containers; none means the first one. Go takes one at most.
        go_executable: path of the program in its container; Go's agent needs it, no other does.

    Returns:
        Name to value.

    Raises:
        SettingsError: Go without its executable or with two containers, another language with one,
            or no ``Instrumentation``, since the stack's operator is off.
    """
    check("injection", _problems(language, containers, go_executable))

    def checked(name: str) -> str:
        check("injection", _name_problems(name))
        return name

    name = (
        checked(instrumentation)
        if isinstance(instrumentation, str)
        else pulumi.Output.from_input(instrumentation).apply(checked)
    )
    found: dict[str, pulumi.Input[str]] = {INJECT[language]: name}
    if containers:
        found[f"{PREFIX}{language}-container-names"] = ",".join(containers)
    if go_executable:
        found[GO_EXECUTABLE] = go_executable
    return found


def _problems(
    language: Language, containers: Sequence[str], go_executable: str | None
) -> Iterator[Problem]:
    go = language is Language.GO
    if go and not (go_executable or "").startswith("/"):
        yield Problem(
            key="goExecutable",
            message="Go's agent needs the absolute path of the program in its container",
        )
    if not go and go_executable:
        yield problem("goExecutable", go_executable, f"{language} has no use for it: remove it")
    if go and len(containers) > 1:
        yield problem("containers", list(containers), "Go's agent looks at one container of a pod")


def _name_problems(name: str) -> Iterator[Problem]:
    if not name:
        yield Problem(
            key="instrumentation",
            message="there is none: the tracing stack needs operator.enabled: true",
        )
    elif name.count("/") != 1:
        yield problem("instrumentation", name, "must be namespace/name")
