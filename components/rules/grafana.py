"""Rules about the Grafana side and about what Alloy drops."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ..settings import TracingSettings
from .problem import Problem, problem

#: Syntax of a label's key and value in Kubernetes.
LABEL_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?", re.ASCII
)
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?", re.ASCII)


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


def urls(settings: TracingSettings) -> Iterator[Problem]:
    """Ports of URLs are ports."""
    its = settings.grafana
    found = {
        "grafana.url": its.url,
        "grafana.metrics.url": its.metrics and its.metrics.url,
        "grafana.metrics.remoteWriteUrl": its.metrics and its.metrics.remote_write_url,
        "grafana.logs.url": its.logs and its.logs.url,
        "grafana.logs.otlpUrl": its.logs and its.logs.otlp_url,
        "grafana.profiles.url": its.profiles and its.profiles.url,
        "storage.endpoint": settings.storage.endpoint,
    }
    for key, url in found.items():
        try:
            _ = urlsplit(url or "").port
        except ValueError:
            yield problem(key, url, "must have a port from 0 to 65535, or none")


def labels(settings: TracingSettings) -> Iterator[Problem]:
    """Labels are such as Kubernetes takes."""
    its = settings.grafana
    pairs = {("grafana.datasourceLabel", its.datasource_label): its.datasource_label_value}
    for key, value in its.service_monitor.labels.items():
        pairs["grafana.serviceMonitor.labels", key] = value
    for (where, key), value in pairs.items():
        if not LABEL_KEY.fullmatch(key):
            yield problem(where, key, "is not the key of a Kubernetes label")
        if not LABEL_VALUE.fullmatch(value):
            where = "grafana.datasourceLabelValue" if "datasource" in where else f"{where}.{key}"
            yield problem(where, value, "is not the value of a Kubernetes label")


def ignored_paths(settings: TracingSettings) -> Iterator[Problem]:
    """What Alloy and Beyla drop are paths."""
    for index, path in enumerate(settings.alloy.ignored_paths):
        if not re.fullmatch(r"/[\x21-\x7e]*", path):
            yield problem(
                f"alloy.ignoredPaths[{index}]", path, "must be a URL path: / and printable ASCII"
            )
