"""What is refused before an application gets it."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pulumi

from ..core.names import OTLP_GRPC_PORT, OTLP_HTTP_PORT
from ..core.problem import Problem, SettingsError, problem
from .settings import OtlpProtocol, OtlpSettings

#: Attributes that have a setting of their own, by the name of that.
_OWN = {
    "service.name": "serviceName",
    "service.version": "serviceVersion",
    "service.namespace": "serviceNamespace",
    "deployment.environment.name": "environment",
}
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_PORTS = {OtlpProtocol.GRPC: OTLP_HTTP_PORT, OtlpProtocol.HTTP_PROTOBUF: OTLP_GRPC_PORT}


def check(source: str, problems: Iterator[Problem]) -> None:
    """Refuse what has problems; the source is for the message.

    Raises:
        SettingsError: with every problem.
    """
    if found := list(problems):
        raise SettingsError(source, found)


def otlp_problems(endpoint: pulumi.Input[str], settings: OtlpSettings) -> Iterator[Problem]:
    """Yield what is wrong between settings that are right by themselves, and with the endpoint.

    An endpoint that is an output is looked at when it is known: see `checked_endpoint`.
    """
    for key, value in settings.attributes.items():
        if own := _OWN.get(key):
            yield problem(f"attributes.{key}", value, f"has a setting of its own: {own}")
        elif not _KEY.fullmatch(key):
            yield problem(
                f"attributes.{key}", value, "a key has letters, digits and _ . / -, a letter first"
            )
    twice = {name for name in settings.propagators if settings.propagators.count(name) > 1}
    for name in sorted(twice):
        yield problem("propagators", name, "is there more than once")
    if isinstance(endpoint, str):
        yield from _endpoint_problems(endpoint, settings.protocol)


def checked_endpoint(endpoint: pulumi.Input[str], protocol: OtlpProtocol) -> pulumi.Input[str]:
    """Return an endpoint that, where it is an output, is refused as soon as it is known.

    Raises:
        SettingsError: in the output, where it is no URL of a receiver for the protocol.
    """
    if isinstance(endpoint, str):
        return endpoint

    def checked(value: str) -> str:
        check("otlp", _endpoint_problems(value, protocol))
        return value

    return pulumi.Output.from_input(endpoint).apply(checked)


def _endpoint_problems(endpoint: str, protocol: OtlpProtocol) -> Iterator[Problem]:
    if not re.fullmatch(r"https?://[^\s/]+/?", endpoint):
        yield problem(
            "endpoint", endpoint, "must be a URL without a path, like http://alloy.tracing:4318"
        )
    elif urlsplit(endpoint).port == _PORTS[protocol]:
        other = "otlpGrpcEndpoint" if protocol is OtlpProtocol.GRPC else "otlpHttpEndpoint"
        yield problem(
            "endpoint",
            endpoint,
            f"is not the port of protocol {protocol}: take the stack's output {other}",
        )
