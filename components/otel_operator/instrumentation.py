"""The ``Instrumentation``: what the operator adds to a pod, by language; and the images.

The languages' images are those that operator 0.158.0 was released with (its versions.txt). They
move with the chart, and a test compares the two.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..onboarding.env import otlp_variables
from ..onboarding.languages import LANGUAGE_VARIABLES
from ..onboarding.settings import Language, OtlpSettings

if TYPE_CHECKING:
    from .component import OpenTelemetryOperatorArgs

API_VERSION = "opentelemetry.io/v1alpha1"
KIND = "Instrumentation"

_REGISTRY = "ghcr.io"
_AGENT = "open-telemetry/opentelemetry-operator/autoinstrumentation"
_GO_AGENT = "open-telemetry/opentelemetry-go-instrumentation/autoinstrumentation-go"

#: The operator itself; the chart knows its version.
OPERATOR = "open-telemetry/opentelemetry-operator/opentelemetry-operator"
#: Agents by language.
AGENTS: Mapping[Language, str] = MappingProxyType(
    {
        Language.DOTNET: f"{_AGENT}-dotnet:1.16.0",
        Language.GO: f"{_GO_AGENT}:v0.24.0",
        Language.JAVA: f"{_AGENT}-java:2.30.0",
        Language.NODEJS: f"{_AGENT}-nodejs:0.78.0",
        Language.PYTHON: f"{_AGENT}-python:0.64b0",
    }
)

#: Resources of the init container that copies an agent, and of Go's container. They are the
#: operator's defaults (internal/webhook/instrumentation_webhook.go), set here because its webhook
#: may be skipped.
_RESOURCES = {
    "requests": {"cpu": "50m", "memory": "128Mi"},
    "limits": {"cpu": "500m", "memory": "256Mi"},
}
#: Security context of the init container. If unset, the operator copies the application's; with
#: ``runAsNonRoot`` and no user the pod would never start, because the agent's image runs as root.
_SECURITY_CONTEXT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def instrumentation(args: "OpenTelemetryOperatorArgs") -> dict[str, Any]:
    """Return the ``spec`` of the ``Instrumentation``.

    It is complete, so that the operator fills in nothing. The environment of a container overrides
    all of it: an application can still set its own name, sampler or exporters.
    """
    settings = args.settings
    otlp = OtlpSettings(
        sample_ratio=settings.sample_ratio, metrics=settings.metrics, logs=settings.logs
    )
    common = otlp_variables(args.otlp_endpoint, otlp)
    sampler = {"type": common.pop("OTEL_TRACES_SAMPLER")}
    if "OTEL_TRACES_SAMPLER_ARG" in common:
        sampler["argument"] = common.pop("OTEL_TRACES_SAMPLER_ARG")
    del common["OTEL_PROPAGATORS"]
    return {
        "exporter": {"endpoint": common.pop("OTEL_EXPORTER_OTLP_ENDPOINT")},
        "propagators": [name.value for name in otlp.propagators],
        "sampler": sampler,
        "env": _entries(common),
        "initContainerSecurityContext": _SECURITY_CONTEXT,
        **{language.value: _language(language, args.image_registry) for language in Language},
    }


def _language(language: Language, registry: str | None) -> dict[str, Any]:
    # Java's key differs from that of the other languages.
    resources = "resources" if language is Language.JAVA else "resourceRequirements"
    own = _entries(dict(LANGUAGE_VARIABLES[language]))
    return {
        "image": image(AGENTS[language], registry),
        resources: _RESOURCES,
        **({"env": own} if own else {}),
    }


def _entries(variables: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


def image(path: str, registry: str | None) -> str:
    """Return an image of the public registry or of its mirror."""
    return f"{registry or _REGISTRY}/{path}"
