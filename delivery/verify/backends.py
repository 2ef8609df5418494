"""Checks of what leaves Tempo: span metrics, service graph, logs, and Grafana's datasources."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from components.backends.settings import SignInSettings
from components.core.flows import namespace_of
from components.telemetry.metrics import (
    Label,
    RemoteWriteMetric,
    ServiceGraphMetric,
    SpanMetric,
    TempoMetric,
)
from delivery.preflight.finding import Finding, error, not_checked, ok
from delivery.verify import site as limits
from delivery.verify.site import Answer, Api, Site, ask_until, dig
from delivery.verify.telemetry import BACK, FRONT
from delivery.verify.traces import Run

_NOT_WRITTEN: Final = "docs/runbooks/tempo-metrics-not-written.md"
_SIGN_IN: Final = "set GRAFANA_TOKEN, and GRAFANA_URL if grafana.url is not reachable from here"
_DATASOURCES: Final = "docs/grafana.md#link-existing-datasources"


def _backend(run: Run, uid: str, url: str, its: SignInSettings) -> Api | str:
    """Return the API of a backend, through Grafana if there is a token, or why there is none."""
    site = run.site
    if uid in run.missing:
        return f"Grafana has no datasource with uid {uid}"
    if site.grafana:
        return Api(f"{site.grafana.url}/api/datasources/proxy/uid/{uid}", site.grafana.headers)
    if its.sign_in != "none":
        return f"the backend requires a sign-in ({its.sign_in})"
    headers = {"X-Scope-OrgID": its.tenant} if its.tenant else {}
    namespace = namespace_of(url, "")
    if namespace == "":
        return f"{urlsplit(url).hostname} is a Service in a namespace that the URL doesn't name"
    return Api(site.service(url) if namespace else url, headers)


def span_metrics(run: Run) -> Iterator[Finding]:
    """Check that the metrics backend has the trace's span metrics."""
    selector = f'{Label.SERVICE}="{FRONT}",{Label.CLUSTER}="{run.site.settings.cluster.name}"'
    yield from _series(run, f"{SpanMetric.CALLS}{{{selector}}}", "span metrics")


def service_graph(run: Run) -> Iterator[Finding]:
    """Check that the metrics backend has the edge between the trace's services."""
    selector = f'{Label.CLIENT}="{FRONT}",{Label.SERVER}="{BACK}"'
    yield from _series(run, f"{ServiceGraphMetric.REQUESTS}{{{selector}}}", "the service graph")


def _series(run: Run, series: str, what: str) -> Iterator[Finding]:
    site = run.site
    backend = site.settings.backends.metrics
    if backend is None:
        yield not_checked("backends.metrics is not set")
        return
    api = _backend(run, backend.uid, backend.url, backend)
    start, sent = time.monotonic(), run.sent.at / 1e9
    if isinstance(api, str):
        yield _not_written(site, what, None) or not_checked(api, _SIGN_IN)
        return

    def written(answer: Any) -> bool:  # noqa: ANN401
        # A series of an earlier run is older than the trace.
        result = dig(answer, "data", "result")
        return bool(result) and float(result[0]["value"][1]) >= sent

    found, last = ask_until(
        lambda: api.get("/api/v1/query", query=f"max(timestamp({series}))"),
        written,
        limits.METRICS_SECONDS,
    )
    if found:
        yield ok(f"after {time.monotonic() - start:.0f} s")
    elif last.status != 200:
        yield error(f"the metrics backend doesn't answer: {last}", _DATASOURCES)
    else:
        yield _not_written(site, what, last) or error(
            f"Tempo writes metrics, but {backend.url} doesn't have {what}: another backend, or "
            "another tenant?",
            _NOT_WRITTEN,
        )


def _not_written(site: Site, what: str, last: Answer | None) -> Finding | None:
    """Return why Tempo doesn't write metrics, by its own; None if it does."""
    metrics = site.tempo_metrics("metrics-generator")
    if not metrics.total(TempoMetric.GENERATOR_SPANS):
        if last is None:
            return None
        return error(
            f"{what} are missing: Tempo's metrics-generator receives no spans",
            "docs/runbooks/tempo-generator-stopped.md",
        )
    namespace, pods = site.settings.namespaces.tracing, site.tempo_pods("metrics-generator")
    said = site.last_line(
        namespace,
        pods,
        # While the first segment of the write-ahead log is not there yet, Tempo logs that too.
        r"^(?!.*failed to find segment)"
        r'.*(?:non-recoverable error|Failed to send batch|remote_name=).*\berr="((?:[^"\\]|\\.)*)"',
    )
    because = f": {said}" if said else ""
    if metrics.total(RemoteWriteMetric.FAILED):
        return error(f"the metrics backend refuses Tempo's remote write{because}", _NOT_WRITTEN)
    if not metrics.values(RemoteWriteMetric.SENT):
        return error("Tempo runs without a remote write; run `make up`", _NOT_WRITTEN)
    if not metrics.total(RemoteWriteMetric.SENT) or (last and said):
        return error(f"Tempo can't reach the metrics backend{because}", _NOT_WRITTEN)
    return None


def logs(run: Run) -> Iterator[Finding]:
    """Send a log by OTLP, find it as the link from the trace does, and go back from it."""
    site, trace_id = run.site, run.sent.trace_id
    backend = site.settings.backends.logs
    if backend is None:
        yield not_checked("backends.logs is not set")
        return
    answer = run.send("logs", run.sent.logs())
    if answer.status != 200:
        yield error(f"Alloy refuses the log: {answer}", "docs/runbooks/alloy-loses-logs.md")
        return
    url = backend.url or backend.otlp_url.removesuffix("/").removesuffix("/otlp")
    api = _backend(run, backend.uid, url, backend)
    if isinstance(api, str):
        yield not_checked(f"Alloy accepts the log; {api}", _SIGN_IN)
        return
    # The line contains the trace id too, because not every backend keeps it as metadata.
    label = backend.labels.trace_id_label
    service = backend.labels.tags.get("service.name", "service_name")
    query = f'{{{service}="{FRONT}"}} ' + (
        f'| {label}="{trace_id}"' if label else f'|= "{trace_id}"'
    )
    second = 1_000_000_000
    start, end = run.sent.at - 300 * second, run.sent.at + 300 * second
    lines, last = ask_until(
        lambda: api.get("/loki/api/v1/query_range", query=query, start=start, end=end, limit=5),
        _lines,
        limits.WAIT_SECONDS,
    )
    if not lines:
        yield error(f"{query} finds no log: {last}", "docs/runbooks/alloy-loses-logs.md")
        return
    labels, line = lines[0]
    back = labels.get(label or "") or (re.findall(r"trace_id=([0-9a-f]{32})", line) or [""])[0]
    if back != trace_id:
        yield error(f"the log leads to trace {back or 'none'}, not {trace_id}", _DATASOURCES)
    else:
        yield ok("found from the trace, and it leads back")


def _lines(answer: Any) -> list[tuple[dict[str, str], str]]:  # noqa: ANN401
    """Return labels and text of each line in an answer of Loki."""
    found: list[tuple[dict[str, str], str]] = []
    for stream in dig(answer, "data", "result") or ():
        labels: dict[str, str] = stream["stream"]
        found += [(labels, value[1]) for value in stream["values"]]
    return found


def datasources(run: Run) -> Iterator[Finding]:
    """Check each datasource that the stack refers to, by Grafana's API."""
    site = run.site
    if site.grafana is None:
        yield not_checked("Grafana's API needs a token", _SIGN_IN)
        return
    grafana, wanted = site.grafana, site.settings.datasource_uids
    answer = grafana.get("/api/datasources")
    if answer.status != 200:
        yield not_checked(f"Grafana doesn't list its datasources: {answer}", _SIGN_IN)
        return
    present: dict[str, dict[str, Any]] = {each["uid"]: each for each in answer.json()}
    failed = False
    for uid, setting in wanted.items():
        if uid not in present:
            failed = True
            run.missing.add(uid)
            known = ", ".join(f"{u} ({each['type']})" for u, each in present.items())
            yield error(
                f"Grafana has no datasource with uid {uid} ({setting}), only {known or 'none'}",
                _DATASOURCES,
            )
            continue
        for path, linked in _links(dig(present[uid], "jsonData") or {}):
            if linked not in present and linked not in wanted:
                failed = True
                yield error(
                    f"datasource {uid} leads to uid {linked} ({path}), which Grafana doesn't have",
                    _DATASOURCES,
                )
        health = grafana.get(f"/api/datasources/uid/{uid}/health")
        # Not every plugin has a health check.
        if health.status not in (404, 501) and health.json().get("status") != "OK":
            failed = True
            said = health.json().get("message") or str(health)
            yield error(f"datasource {uid} is not healthy: {said}", _DATASOURCES)
    if not failed:
        yield ok(", ".join(wanted))


def _links(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield place and value of each `datasourceUid`."""
    for key, value in tree.items():
        place = f"{path}.{key}" if path else key
        if key == "datasourceUid" and isinstance(value, str):
            yield place, value
        elif isinstance(value, Mapping):
            yield from _links(cast("Mapping[str, Any]", value), place)
        elif isinstance(value, list):
            for item in cast("list[Any]", value):
                if isinstance(item, Mapping):
                    yield from _links(cast("Mapping[str, Any]", item), place)
