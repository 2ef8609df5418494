"""The ``Instrumentation``: what the operator puts into a pod, by language."""

from typing import Any

from ..onboarding.env import otlp_variables
from ..onboarding.languages import LANGUAGE_VARIABLES
from ..onboarding.settings import Language, OtlpSettings
from .args import OpenTelemetryOperatorArgs
from .images import AGENTS, image

API_VERSION = "opentelemetry.io/v1alpha1"
KIND = "Instrumentation"

#: Of the container that copies an agent into the pod and ends; of Go's, which stays. The operator's
#: own defaults (internal/webhook/instrumentation_webhook.go), written down because its webhook may
#: be passed over.
_RESOURCES = {
    "requests": {"cpu": "50m", "memory": "128Mi"},
    "limits": {"cpu": "500m", "memory": "256Mi"},
}
#: Of the container that copies an agent. Its image runs as root, and left out, the operator takes
#: the application's context: with ``runAsNonRoot`` and no user the pod would never start.
_SECURITY_CONTEXT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def instrumentation(args: OpenTelemetryOperatorArgs) -> dict[str, Any]:
    """Return the ``spec`` of the ``Instrumentation``.

    A container's own environment wins over all of it, so an application can still set its own
    name, sampler or exporters.

    Args:
        args: arguments of the component.

    Returns:
        The spec, complete: the operator has nothing to fill in.
    """
    settings = args.settings
    said = OtlpSettings(
        sample_ratio=settings.sample_ratio, metrics=settings.metrics, logs=settings.logs
    )
    common = otlp_variables(args.otlp_endpoint, said)
    sampler = {"type": common.pop("OTEL_TRACES_SAMPLER")}
    if "OTEL_TRACES_SAMPLER_ARG" in common:
        sampler["argument"] = common.pop("OTEL_TRACES_SAMPLER_ARG")
    del common["OTEL_PROPAGATORS"]
    return {
        "exporter": {"endpoint": common.pop("OTEL_EXPORTER_OTLP_ENDPOINT")},
        "propagators": [name.value for name in said.propagators],
        "sampler": sampler,
        "env": _entries(common),
        "initContainerSecurityContext": _SECURITY_CONTEXT,
        **{language.value: _language(language, args.image_registry) for language in Language},
    }


def _language(language: Language, registry: str | None) -> dict[str, Any]:
    # Java's key has another name than that of the others.
    resources = "resources" if language is Language.JAVA else "resourceRequirements"
    own = _entries(dict(LANGUAGE_VARIABLES[language]))
    return {
        "image": image(AGENTS[language], registry),
        resources: _RESOURCES,
        **({"env": own} if own else {}),
    }


def _entries(variables: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in variables.items()]
