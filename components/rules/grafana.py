"""Rules about the Grafana side and about what Alloy drops."""

import re
from collections.abc import Iterator, Mapping

from ..platform.texts import LABEL_KEY, LABEL_VALUE
from ..settings import TracingSettings
from .problem import Problem, problem

_KEY, _VALUE = re.compile(LABEL_KEY, re.ASCII), re.compile(LABEL_VALUE, re.ASCII)


def uids(settings: TracingSettings) -> Iterator[Problem]:
    """No two datasources share a uid."""
    its = settings.grafana
    taken = {its.tempo_uid: "tempoUid"}
    for key, backend in (("metrics", its.metrics), ("logs", its.logs), ("profiles", its.profiles)):
        if backend is None:
            continue
        if backend.uid in taken:
            yield problem(
                f"grafana.{key}.uid", backend.uid, f"is the uid of grafana.{taken[backend.uid]} too"
            )
        taken.setdefault(backend.uid, f"{key}.uid")


def labels(settings: TracingSettings) -> Iterator[Problem]:
    """Labels are such as Kubernetes takes."""
    yield from kubernetes_labels(
        "grafana.serviceMonitor.labels", settings.grafana.service_monitor.labels
    )


def kubernetes_labels(where: str, labels: Mapping[str, str]) -> Iterator[Problem]:
    """Yield each label whose key or value Kubernetes does not take."""
    for key, value in labels.items():
        if not _KEY.fullmatch(key):
            yield problem(where, key, "is not the key of a Kubernetes label")
        if not _VALUE.fullmatch(value):
            yield problem(f"{where}.{key}", value, "is not the value of a Kubernetes label")


def ignored_paths(settings: TracingSettings) -> Iterator[Problem]:
    """What Alloy and Beyla drop are paths."""
    for index, path in enumerate(settings.alloy.ignored_paths):
        if not re.fullmatch(r"/[\x21-\x7e]*", path):
            yield problem(
                f"alloy.ignoredPaths[{index}]", path, "must be a URL path: / and printable ASCII"
            )
