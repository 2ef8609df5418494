"""Rules on redaction, drop rules and templates of routes, and warnings about labels."""

import re
from collections.abc import Iterator
from contextlib import suppress

from ..alloy.clean.replay import template
from ..alloy.clean.settings import Action
from ..alloy.clean.statements import NEEDED, is_needed
from ..alloy.ottl import glob_pattern
from ..backends.settings import Auth
from ..settings import TracingSettings
from ..tempo import sizes as tempo_sizes

#: Attributes with a value for nearly each request, user or pod.
_UNBOUNDED = re.compile(
    r"(url\.(full|path|query)|http\.(url|target)|(enduser|user|session|trace|span|thread|client)[._]id"
    r"|client\.(address|port)|net(work)?\.peer\.(address|ip|port)|user_agent\.original"
    r"|db\.(query\.text|statement)|exception\.(message|stacktrace)|k8s\.pod\.(uid|ip|start_time)"
    r"|container\.id|process\.pid|service\.instance\.id|messaging\.message\.id|faas\.invocation_id"
    r"|http\.(request|response)\.header\..*)"
)


def clean(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    """Yield settings that lead nowhere, or take away what other settings need."""
    redaction = settings.alloy.redaction
    yield from _limits(settings)
    yield from _templates(settings)
    if not redaction.enabled:
        for name in ("attributes", "patterns", "allowed"):
            if getattr(redaction, name):
                yield (
                    f"alloy.redaction.{name}",
                    "has no effect with alloy.redaction.enabled: false: remove it, or enable the "
                    "redaction",
                )
        return
    yield from _redacted(settings)
    yield from _allowed(settings)


def _limits(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    if not (cut := settings.alloy.limits.value_bytes):
        return
    # Another rule refuses a size that the mode of Tempo doesn't have.
    with suppress(KeyError):
        most = tempo_sizes.limits(settings.tempo).max_attribute_bytes
        if cut > most:
            yield (
                "alloy.limits.valueBytes",
                f"exceeds {most}, the size at which Tempo truncates values: lower it, or raise "
                "tempo.limits.maxAttributeBytes",
            )


def _redacted(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    redaction, labels = settings.alloy.redaction, _used(settings)
    for number, one in enumerate(redaction.attributes):
        key = f"alloy.redaction.attributes[{number}].name"
        pattern = re.compile(glob_pattern(one.name))
        # `service.*` selects service.name, and is what is needed itself.
        hit = next((n for n in NEEDED if pattern.fullmatch(n)), None)
        if hit or is_needed(one.name):
            yield (
                key,
                f"selects {hit or one.name}, which metrics, dashboards or links need: choose "
                "another attribute, for example user.email",
            )
        for needed, by in labels.items():
            if pattern.fullmatch(needed) and not is_needed(needed):
                yield key, f"selects {needed}, which {by} uses: remove it in one of the two places"
        if one.action is not Action.HASH:
            continue
        if "*" in one.name:
            yield key, "must be the whole name of an attribute with action: hash: list each name"
        if redaction.hash_key is None:
            yield (
                f"alloy.redaction.attributes[{number}].action",
                "needs a key: without one, anyone can compute the hash of a guessed value. Create "
                "a Secret with `openssl rand -hex 32`, and name it in alloy.redaction.hashKey",
            )
    if redaction.hash_key and all(a.action is not Action.HASH for a in redaction.attributes):
        yield (
            "alloy.redaction.hashKey",
            "has no effect: no entry of alloy.redaction.attributes has action: hash. Remove it",
        )


def _allowed(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    allowed = settings.alloy.redaction.allowed
    if not allowed:
        return
    for needed, by in _used(settings).items():
        kept = any(re.fullmatch(glob_pattern(one), needed) for one in allowed)
        if not kept and not is_needed(needed):
            yield (
                "alloy.redaction.allowed",
                f"lacks {needed}, which {by} uses: add it, or remove it there",
            )


def _templates(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    for number, slo in enumerate(settings.slos):
        for kind, its in (("availability", slo.availability), ("latency", slo.latency)):
            if its and its.operation:
                renamed = template(settings.alloy.routes, its.operation)
                if renamed != its.operation:
                    yield (
                        f"slos[{number}].{kind}.operation",
                        f"is renamed by alloy.routes, so that no span has this name: use {renamed}",
                    )


def _used(settings: TracingSettings) -> dict[str, str]:
    """Return the attributes that other settings name, with the setting."""
    backends, sampling = settings.backends, settings.alloy.sampling
    logs = backends.logs.labels.tags if backends.logs else {}
    metrics = backends.metrics.labels if backends.metrics else {}
    conditions = [
        (f"alloy.sampling.policies[{number}]", condition)
        for number, policy in enumerate(sampling.policies)
        for condition in (policy, *policy.all)
    ]
    attributes = [
        (key, each)
        for key, condition in conditions
        for each in (
            condition.string_attribute,
            condition.numeric_attribute,
            condition.boolean_attribute,
        )
        if each
    ]
    return {
        **dict.fromkeys(settings.tempo.span_metrics.dimensions, "tempo.spanMetrics.dimensions"),
        **dict.fromkeys(logs, "backends.logs.labels"),
        **dict.fromkeys(metrics, "backends.metrics.labels"),
        **({settings.tenancy.key: "tenancy.attribute"} if settings.tenancy.key else {}),
        **{
            rule.attribute.key: f"alloy.sampling.rules[{number}].attribute"
            for number, rule in enumerate(sampling.rules)
            if rule.attribute
        },
        **{each.key: key for key, each in attributes},
    }


def logs_to_backend(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    """Yield what keeps lines from the backend of logs, or spans from their lines."""
    if settings.alloy.span_logs and settings.backends.logs is None:
        yield (
            "alloy.spanLogs",
            "needs a backend for the lines: set backends.logs, or remove this key",
        )
    if not settings.alloy.pod_logs.enabled:
        return
    logs = settings.backends.logs
    if logs is None:
        yield (
            "alloy.podLogs.enabled",
            "needs a backend for the lines: set backends.logs, for example {otlpUrl: "
            "http://loki-gateway.loki.svc:80/otlp}, or remove this key",
        )
        return
    if logs.sign_in is Auth.SIGV4:
        yield (
            "alloy.podLogs.enabled",
            "can't sign requests for AWS, which backends.logs.auth: sigv4 asks for: use another "
            "way to sign in, or read the logs with another collector (docs/logs.md)",
        )
    if logs.labels.trace_id_label is None:
        yield (
            "backends.logs.labels",
            "is for lines of another collector. Those of alloy.podLogs arrive by OTLP, with the "
            "trace's id in structured metadata: remove this key",
        )


def clean_notices(settings: TracingSettings) -> Iterator[str]:
    """Yield warnings about labels with too many values, and about what is lost or kept."""
    for name in settings.tempo.span_metrics.dimensions:
        if _UNBOUNDED.fullmatch(name):
            most = tempo_sizes.limits(settings.tempo).max_active_series
            yield (
                f"tempo.spanMetrics.dimensions: {name} has a value for nearly each request, user "
                f"or pod. Span metrics reach tempo.limits.maxActiveSeries ({most:,}), and Tempo "
                "then counts what is new, of all services, in one series with metric_overflow. "
                "Search for the attribute with TraceQL instead."
            )
    if not settings.alloy.redaction.enabled:
        yield (
            "alloy.redaction.enabled is false: secrets in attributes and log bodies reach Tempo, "
            "logs and metrics as they are."
        )
    if not settings.alloy.routes.ids:
        yield (
            "alloy.routes.ids is false: each id in a span name or http.route makes new series of "
            "span metrics."
        )
    for number, rule in enumerate(settings.alloy.drop):
        if rule.service and not rule.route and not rule.span_name:
            pattern = re.compile(glob_pattern(rule.service))
            for slo in settings.slos:
                its = slo.availability or slo.latency
                if (
                    its
                    and pattern.fullmatch(its.service)
                    and rule.namespace in (None, its.namespace)
                ):
                    yield (
                        f"alloy.drop[{number}] drops all spans of {its.service}, which the SLO "
                        f"{slo.name} counts: it is without data."
                    )
