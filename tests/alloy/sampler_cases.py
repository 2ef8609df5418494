"""Arguments that the tests of the samplers start from."""

from typing import Any

from components.alloy.sampling.component import AlloySamplerArgs
from components.alloy.sampling.settings import SamplingSettings
from components.alloy.settings import AlloyModulesSettings
from components.tempo.settings import Histograms, TempoSpanMetricsSettings
from tests.alloy.cases import HOSTILE, METRICS, TENANCY

#: Rules of each kind.
RULES: list[dict[str, Any]] = [
    {"name": "pay", "service": "payment-*", "route": "/pay/{id}", "always": True},
    {"name": "synthetic", "attribute": {"key": "synthetic", "value": "true"}, "never": True},
    {"name": "batch", "namespace": "batch", "keepPercent": 1.5},
    {"name": "admin", "route": "/admin/*", "keepSpansPerSecond": 20},
]
#: A policy of each kind.
POLICIES: list[dict[str, Any]] = [
    {"name": "p-latency", "latency": {"thresholdMs": 500}},
    {"name": "p-string", "stringAttribute": {"key": "a.b", "values": ["x"], "invert": True}},
    {"name": "p-regex", "stringAttribute": {"key": "a.b", "values": ["^x\\d+$"], "regex": True}},
    {"name": "p-number", "numericAttribute": {"key": "n", "minValue": 1, "maxValue": 9}},
    {"name": "p-boolean", "booleanAttribute": {"key": "b", "value": True}},
    {"name": "p-share", "probabilistic": {"keepPercent": 12.5}},
    {"name": "p-rate", "rateLimiting": {"spansPerSecond": 100}},
    {"name": "p-bytes", "bytesLimiting": {"bytesPerSecond": 10_000}},
    {"name": "p-count", "spanCount": {"minSpans": 100, "maxSpans": 1000}},
    {"name": "p-status", "statusCode": {"statusCodes": ["OK", "UNSET"]}},
    {"name": "p-state", "traceState": {"key": "k", "values": ["v"]}},
    {
        "name": "p-ottl",
        "ottl": {
            "span": ['span.attributes["retries"] > 3'],
            "spanEvent": ['spanevent.name == "exception"'],
        },
    },
    {
        "name": "p-all",
        "all": [{"latency": {"thresholdMs": 9}}, {"spanCount": {"minSpans": 5}}],
    },
    {"name": "p-drop", "drop": True, "statusCode": {"statusCodes": ["OK"]}},
]


def sampling(**changed: Any) -> SamplingSettings:
    """Return settings of sampling as a stack file has them."""
    return SamplingSettings.model_validate({"mode": "on", **changed})


def arguments(**changed: Any) -> AlloySamplerArgs:
    """Return the arguments of two samplers."""
    plain: dict[str, Any] = {
        "settings": sampling(),
        "namespace": "tracing",
        "cluster_name": "dev-1",
        "tempo_endpoint": "tempo.tracing.svc.cluster.local:4317",
        "metrics": METRICS,
    }
    return AlloySamplerArgs(**{**plain, **changed})


def variants() -> dict[str, AlloySamplerArgs]:
    """Return arguments that together use every module and every branch."""
    return {
        "balanced": arguments(),
        "errors and slow": arguments(settings=sampling(preset="errorsAndSlow")),
        "rehearsal": arguments(settings=sampling(mode="rehearse", rules=RULES)),
        "no metrics": arguments(metrics=None),
        "rules": arguments(settings=sampling(rules=RULES)),
        "policies": arguments(settings=sampling(policies=POLICIES)),
        "capped": arguments(
            settings=sampling(
                preset="costCapped", maxSpansPerSecond=1000, rules=RULES, policies=POLICIES
            )
        ),
        "nothing in general": arguments(
            settings=sampling(errors=False, slowerThanMs=0, keepPercent=0, rules=RULES[:1])
        ),
        "own buckets": arguments(
            span_metrics=TempoSpanMetricsSettings(buckets=[0.5, 2], dimensions=["team.name"])
        ),
        "native": arguments(span_metrics=TempoSpanMetricsSettings(histograms=Histograms.NATIVE)),
        "tenants": arguments(tenancy=TENANCY),
        "distributed, tenant": arguments(balance=True, tenant="team-a"),
        "signed": arguments(
            metrics=METRICS.model_copy(update={"username": "writer"}),
            credentials_secret="credentials",
        ),
        "own module": arguments(
            modules=AlloyModulesSettings(before_export=["redact.alloy"]),
            module_texts={
                "redact.alloy": 'declare "redact" {\n\targument "traces" { }\n\n'
                '\texport "input" {\n\t\tvalue = otelcol.processor.batch.default.input\n\t}\n\n'
                '\totelcol.processor.batch "default" {\n\t\toutput {\n'
                "\t\t\ttraces = argument.traces.value\n\t\t}\n\t}\n}\n"
            },
        ),
        "hostile": arguments(
            cluster_name="".join(HOSTILE),
            tenant="a{{b",
            settings=sampling(
                rules=[
                    {
                        "name": f"r{number}",
                        "service": text,
                        "attribute": {"key": "k", "value": f"*{text}*"},
                        "keepPercent": 1,
                    }
                    for number, text in enumerate(HOSTILE)
                    if not any(c < " " or c == "\x7f" for c in text)
                ]
            ),
        ),
    }
