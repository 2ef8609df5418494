"""The environment of an application's containers, as plain functions."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pulumi

from .checks import check, checked_endpoint, otlp_problems
from .languages import LANGUAGE_VARIABLES
from .settings import OtlpSettings

#: One entry of a container's ``env``, in the words of the Kubernetes API.
EnvVar = dict[str, Any]

#: Characters that stay as they are in an attribute's value: those of a W3C baggage value, as the
#: specification has it ("Specifying resource information via an environment variable"), without
#: ``=``, at which some SDKs split, and ``$``, which Kubernetes expands.
_VALUE = "!#&'()*+-./:<>?@[]^_`{|}~"

#: Attributes that only the pod itself knows: variable, field of the downward API. The first three
#: variables are those of the OpenTelemetry Operator, which then adds none of its own.
_POD_FIELDS = {
    "k8s.pod.name": ("OTEL_RESOURCE_ATTRIBUTES_POD_NAME", "metadata.name"),
    "k8s.pod.uid": ("OTEL_RESOURCE_ATTRIBUTES_POD_UID", "metadata.uid"),
    "k8s.node.name": ("OTEL_RESOURCE_ATTRIBUTES_NODE_NAME", "spec.nodeName"),
    "k8s.namespace.name": ("OTEL_RESOURCE_ATTRIBUTES_NAMESPACE_NAME", "metadata.namespace"),
}


def otlp_variables(
    endpoint: pulumi.Input[str], settings: OtlpSettings
) -> dict[str, pulumi.Input[str]]:
    """Return the environment that is the same for every pod of an application.

    Args:
        endpoint: where OTLP goes: the tracing stack's output ``otlpHttpEndpoint``, or
            ``otlpGrpcEndpoint`` with protocol ``grpc``.
        settings: what the application says about itself.

    Returns:
        Name to value, by OpenTelemetry's "Environment Variable Specification"; those that say
        nothing are left out.

    Raises:
        SettingsError: the settings contradict each other, or the endpoint is another protocol's.
    """
    check("otlp", otlp_problems(endpoint, settings))
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": checked_endpoint(endpoint, settings.protocol),
        "OTEL_EXPORTER_OTLP_PROTOCOL": settings.protocol.value,
        "OTEL_TRACES_EXPORTER": "otlp",
        # Agents send all signals unless told otherwise, and a gateway that takes no logs would
        # answer each batch with an error.
        "OTEL_METRICS_EXPORTER": "otlp" if settings.metrics else "none",
        "OTEL_LOGS_EXPORTER": "otlp" if settings.logs else "none",
        "OTEL_PROPAGATORS": ",".join(settings.propagators),
        **sampler_variables(settings.sample_ratio),
        **(LANGUAGE_VARIABLES[settings.language] if settings.language else {}),
        **({"OTEL_SERVICE_NAME": settings.service_name} if settings.service_name else {}),
        **_resource_attributes(_attributes(settings)),
    }


def otlp_env(
    endpoint: pulumi.Input[str], settings: OtlpSettings, *, container: str | None = None
) -> list[EnvVar]:
    """Return the environment as entries of a container's ``env``.

    On top of `otlp_variables` it names pod, node and namespace through the downward API, for
    pods whose address does not identify them to the gateway (`alloy.trustUnidentified`).

    Args:
        endpoint: where OTLP goes, see `otlp_variables`.
        settings: what the application says about itself.
        container: name of the container, for ``k8s.container.name``; None leaves that out.

    Returns:
        Entries with ``name`` and ``value`` or ``valueFrom``, in the order that they need.

    Raises:
        SettingsError: see `otlp_variables`.
    """
    variables = otlp_variables(endpoint, settings)
    attributes = {
        **_attributes(settings),
        **({"k8s.container.name": _escaped(container)} if container else {}),
        **{key: f"$({variable})" for key, (variable, _) in _POD_FIELDS.items()},
    }
    # A variable may only name those before it.
    fields = [
        {"name": variable, "valueFrom": {"fieldRef": {"fieldPath": field}}}
        for variable, field in _POD_FIELDS.values()
    ]
    plain = {**variables, **_resource_attributes(attributes)}
    return [*fields, *({"name": name, "value": value} for name, value in plain.items())]


def sampler_variables(ratio: float) -> dict[str, str]:
    """Return the sampler that keeps a part of the traces and goes along with its caller."""
    if ratio == 1:
        return {"OTEL_TRACES_SAMPLER": "parentbased_always_on"}
    return {
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": f"{ratio:.10f}".rstrip("0").rstrip("."),
    }


def _attributes(settings: OtlpSettings) -> dict[str, str]:
    """Return the resource attributes that the settings give, escaped."""
    own = {
        "service.namespace": settings.service_namespace,
        "service.version": settings.service_version,
        "deployment.environment.name": settings.environment,
    }
    given = {**{k: v for k, v in own.items() if v is not None}, **settings.attributes}
    return {key: _escaped(value) for key, value in given.items()}


def _escaped(value: str) -> str:
    return quote(value, safe=_VALUE)


def _resource_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    text = ",".join(f"{key}={value}" for key, value in attributes.items())
    return {"OTEL_RESOURCE_ATTRIBUTES": text} if text else {}
