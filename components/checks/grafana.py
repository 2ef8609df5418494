"""Rules about the Grafana side and about what Alloy drops."""

import re
from collections.abc import Iterator, Mapping

from ..core.problem import Problem, problem
from ..core.texts import LABEL_KEY, LABEL_VALUE
from ..settings import TracingSettings

_KEY, _VALUE = re.compile(LABEL_KEY, re.ASCII), re.compile(LABEL_VALUE, re.ASCII)


def uids(settings: TracingSettings) -> Iterator[Problem]:
    """No two datasources share a uid."""
    its = settings.backends
    taken = {settings.grafana.tempo_uid: "grafana.tempoUid"}
    for key, backend in (("metrics", its.metrics), ("logs", its.logs), ("profiles", its.profiles)):
        if backend is None:
            continue
        if backend.uid in taken:
            yield problem(
                f"backends.{key}.uid", backend.uid, f"is the uid of {taken[backend.uid]} too"
            )
        taken.setdefault(backend.uid, f"backends.{key}.uid")


def datasource_urls(settings: TracingSettings) -> Iterator[Problem]:
    """A datasource that is made here has a URL."""
    its = settings.backends
    for key, backend, example in (
        ("logs", its.logs, "http://loki-gateway.loki.svc:80"),
        ("profiles", its.profiles, "http://pyroscope.pyroscope.svc:4040"),
    ):
        if backend and backend.create_datasource and backend.url is None:
            yield Problem(
                key=f"backends.{key}.url",
                message=f"is missing: the datasource of backends.{key}.createDatasource needs it, "
                f"for example {example}",
            )


def unused(settings: TracingSettings) -> Iterator[str]:
    """Yield a sentence for each setting that only a datasource made here would use."""
    its = settings.backends
    for key, created in (
        ("logs.url", its.logs is None or its.logs.create_datasource),
        ("profiles.url", its.profiles is None or its.profiles.create_datasource),
    ):
        backend, name = key.split(".")
        if not created and name in getattr(its, backend).model_fields_set:
            yield (
                f"backends.{key} has no effect: only the datasource of "
                f"backends.{backend}.createDatasource uses it."
            )


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
