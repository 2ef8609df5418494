"""Grafana's datasources: plain data with a single `$`, and the files that provision them."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from ..backends import amazon
from ..backends.credentials import TENANT_HEADER
from ..backends.settings import (
    Auth,
    BackendSettings,
    LogsSettings,
    MetricsSettings,
    MetricsType,
    ProfilesSettings,
    SignInSettings,
)
from ..core.texts import map_strings
from ..telemetry.promql import ANSWERED, Requests
from ..tempo.settings import Histograms
from ..tenancy.settings import tenant_uid as _of_tenant
from .links import PROFILE, PYROSCOPE
from .settings import GrafanaSettings

Datasource = dict[str, Any]
#: Returns a datasource for the URL of Tempo's query API and a password.
Builder = Callable[[str, str | None], Datasource]

#: Label of Pyroscope's profiles.
PROFILES_TAGS = {"service.name": "service_name"}


def metrics_queries(histograms: Histograms) -> dict[str, str]:
    """Return the three links in a span's menu, with their PromQL."""
    native, window = histograms is Histograms.NATIVE, "5m"
    requests = Requests(where=("$__tags", ANSWERED), native=native)
    return {
        "Request rate": requests.per_second(window=window),
        "Error rate": requests.failed_share(window=window),
        "p95 latency": requests.quantile(0.95, window=window),
    }


#: Names of the label with a trace id, as OTLP and SDKs spell it.
_TRACE_ID = "^trace_?[iI][dD]$"
#: Search window for logs and samples, before and after a span.
_BEFORE, _AFTER = "-5m", "5m"


def builders(
    settings: GrafanaSettings,
    backends: BackendSettings,
    *,
    tenant: str | None,
    tenants: Sequence[str] = (),
    histograms: Histograms = Histograms.CLASSIC,
) -> dict[str, Builder]:
    """Return the builder of each datasource of the stack by its role.

    Args:
        settings: the Grafana side's settings.
        backends: the backends that traces lead to.
        tenant: tenant to read traces as, or several as `a|b`; None without multitenancy.
        tenants: tenants that have a datasource of their own too.
        histograms: kind of the histograms of span metrics.
    """
    uid = settings.tempo_uid
    found: dict[str, Builder] = {
        "tempo": lambda url, _: tempo(
            settings, backends, url=url, tenant=tenant, histograms=histograms
        )
    }
    for one in tenants:
        found[_of_tenant("tempo", one)] = _tenant_builder(settings, backends, one, histograms)
    if (of_metrics := backends.metrics) and of_metrics.create_datasource:
        found["metrics"] = lambda _, password: metrics(of_metrics, tempo_uid=uid, password=password)
    if (of_logs := backends.logs) and of_logs.create_datasource:
        found["logs"] = lambda _, password: loki(of_logs, tempo_uid=uid, password=password)
    if (of_profiles := backends.profiles) and of_profiles.create_datasource:
        found["profiles"] = lambda _, password: pyroscope(of_profiles, password=password)
    return found


def _tenant_builder(
    settings: GrafanaSettings, backends: BackendSettings, tenant: str, histograms: Histograms
) -> Builder:
    its = settings.model_copy(update={"tempo_uid": _of_tenant(settings.tempo_uid, tenant)})
    return lambda url, _: tempo(its, backends, url=url, tenant=tenant, histograms=histograms)


def tempo(
    settings: GrafanaSettings,
    backends: BackendSettings,
    *,
    url: str,
    tenant: str | None,
    histograms: Histograms = Histograms.CLASSIC,
) -> Datasource:
    """Return the Tempo datasource; each link only where its backend is configured."""
    json_data: dict[str, Any] = {
        "nodeGraph": {"enabled": True},
        "search": {"filters": _search_filters()},
        "spanBar": {"type": "Duration"},
        "streamingEnabled": {"search": True, "metrics": True},
        # A trace is found by its id whatever time range Explore shows.
        "traceQuery": {"timeShiftEnabled": False},
    }
    if backends.logs:
        json_data["tracesToLogsV2"] = _to_logs(backends.logs)
    if backends.metrics:
        json_data["tracesToMetrics"] = _to_metrics(backends.metrics, histograms)
        json_data["serviceMap"] = {"datasourceUid": backends.metrics.uid}
        if histograms is not Histograms.CLASSIC:
            json_data["serviceMap"]["histogramType"] = histograms.value
    if backends.profiles:
        json_data["tracesToProfiles"] = _to_profiles(backends.profiles)
    built = _datasource("tempo", uid=settings.tempo_uid, url=url, json_data=json_data)
    # Several tenants are no name of one, which the settings would check.
    return _signed_in(built, SignInSettings.model_construct(tenant=tenant), None)


def loki(settings: LogsSettings, *, tempo_uid: str, password: str | None) -> Datasource:
    """Return the Loki datasource, with links from log lines to traces."""
    link = {"datasourceUid": tempo_uid, "url": "${__value.raw}", "urlDisplayLabel": "View trace"}
    derived = [
        {
            "name": "Trace (line)",
            "matcherType": "regex",
            "matcherRegex": r'[tT]race_?[iI][dD]"?\s*[:=]\s*"?([0-9a-fA-F]{16,32})\b',
            **link,
        }
    ]
    if label := settings.labels.trace_id_label:
        derived.append(
            {
                # Structured metadata of OTLP logs; here the expression matches the label's name.
                "name": "Trace (label)",
                "matcherType": "label",
                "matcherRegex": _TRACE_ID if re.search(_TRACE_ID, label) else f"^{label}$",
                **link,
            }
        )
    built = _datasource(
        "loki", uid=settings.uid, url=settings.url, json_data={"derivedFields": derived}
    )
    return _signed_in(built, settings, password)


def metrics(settings: MetricsSettings, *, tempo_uid: str, password: str | None) -> Datasource:
    """Return the Prometheus or Mimir datasource, with exemplars that lead to traces."""
    mimir = settings.type is MetricsType.MIMIR
    json_data = {
        "httpMethod": "POST",
        "prometheusType": "Mimir" if mimir else "Prometheus",
        # Tempo's metrics-generator writes the first name, SDKs and Alloy the second.
        "exemplarTraceIdDestinations": [
            {"name": name, "datasourceUid": tempo_uid, "urlDisplayLabel": "View trace"}
            for name in ("traceID", "trace_id")
        ],
    }
    built = _datasource("prometheus", uid=settings.uid, url=settings.url, json_data=json_data)
    return _signed_in(built, settings, password)


def pyroscope(settings: ProfilesSettings, *, password: str | None) -> Datasource:
    """Return the Pyroscope datasource.

    Args:
        settings: the profiles backend.
        password: password or token.
    """
    built = _datasource(PYROSCOPE, uid=settings.uid, url=settings.url, json_data={})
    return _signed_in(built, settings, password)


def _datasource(kind: str, *, uid: str, url: str | None, json_data: dict[str, Any]) -> Datasource:
    return {
        # Grafana finds a provisioned datasource by its name, links find it by its uid: one value
        # for both, so that ours never replaces one that somebody else created.
        "name": uid,
        "uid": uid,
        "type": kind,
        "access": "proxy",
        "url": url,
        "isDefault": False,
        "editable": False,
        "jsonData": json_data,
    }


def _signed_in(built: Datasource, its: SignInSettings, password: str | None) -> Datasource:
    """Return a datasource with the tenant and with how to sign in."""
    json_data, secure = dict(built["jsonData"]), dict[str, str | None]()
    headers = [(TENANT_HEADER, its.tenant)] if its.tenant else []
    if its.sign_in is Auth.BEARER:
        headers.append(("Authorization", f"Bearer {password}"))
    for number, (name, value) in enumerate(headers, 1):
        json_data[f"httpHeaderName{number}"] = name
        secure[f"httpHeaderValue{number}"] = value
    if its.sign_in is Auth.SIGV4:
        json_data |= {
            "sigV4Auth": True,
            # The credentials of Grafana's own pod.
            "sigV4AuthType": "default",
            "sigV4Region": amazon.region(built["url"], its),
        }
        if its.sigv4.role_arn:
            json_data["sigV4AssumeRoleArn"] = its.sigv4.role_arn
    login: dict[str, Any] = {}
    if its.sign_in is Auth.BASIC:
        login = {"basicAuth": True, "basicAuthUser": its.username}
        secure["basicAuthPassword"] = password
    kept = {"secureJsonData": secure} if secure else {}
    return {**built, "jsonData": json_data, **login, **kept}


def _tags(names: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": attribute, "value": label} for attribute, label in names.items()]


def _to_logs(logs: LogsSettings) -> dict[str, Any]:
    label = logs.labels.trace_id_label
    return {
        "datasourceUid": logs.uid,
        "spanStartTimeShift": _BEFORE,
        "spanEndTimeShift": _AFTER,
        "tags": _tags(logs.labels.tags),
        # Grafana's own filters search the line for the ids, never structured metadata.
        "filterByTraceID": False,
        "filterBySpanID": False,
        "customQuery": True,
        "query": "{${__tags}} " + (f"| {label}=" if label else "|= ") + '"${__trace.traceId}"',
    }


def _to_metrics(backend: MetricsSettings, histograms: Histograms) -> dict[str, Any]:
    return {
        "datasourceUid": backend.uid,
        "spanStartTimeShift": _BEFORE,
        "spanEndTimeShift": _AFTER,
        "tags": _tags(backend.labels),
        "queries": [
            {"name": name, "query": query} for name, query in metrics_queries(histograms).items()
        ],
    }


def _to_profiles(profiles: ProfilesSettings) -> dict[str, Any]:
    return {
        "datasourceUid": profiles.uid,
        "tags": _tags(PROFILES_TAGS),
        "profileTypeId": PROFILE,
        "customQuery": False,
    }


def _search_filters() -> list[dict[str, str]]:
    """Return the fields of the search form; the two fixed ids are Grafana's own."""
    return [
        {"id": id_, "tag": tag, "operator": "=", "scope": scope}
        for id_, tag, scope in (
            ("k8s-cluster-name", "k8s.cluster.name", "resource"),
            ("k8s-namespace-name", "k8s.namespace.name", "resource"),
            ("service-name", "service.name", "resource"),
            ("span-name", "name", "span"),
        )
    ]


def provisioning_file(datasource: Datasource, *, org_id: int) -> str:
    """Return the provisioning file of one datasource, the same on each run.

    `prune` is not used: Grafana would delete the datasource at a start before the sidecar has
    written the file, and dashboards would lose it (grafana/grafana#97051). Neither is
    `deleteDatasources`, which deletes by name at every reload, including what somebody else
    created.
    """
    file = {
        "apiVersion": 1,
        "datasources": [map_strings(_escaped, {**datasource, "orgId": org_id})],
    }
    return yaml.safe_dump(file, sort_keys=True, allow_unicode=True, width=1000)


def _escaped(text: str) -> str:
    """Double each `$`.

    Grafana expands environment variables in every value of a provisioning file, but not in keys,
    and reads `$$` as `$`.
    """
    return text.replace("$", "$$")
