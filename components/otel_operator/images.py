"""Images of the operator and of what it puts into pods.

Those of the languages are the ones that operator 0.158.0 was released with (its versions.txt): they
move with the chart, and a test holds the two together.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ..onboarding.settings import Language

_REGISTRY = "ghcr.io"
_AGENT = "open-telemetry/opentelemetry-operator/autoinstrumentation"
_GO_AGENT = "open-telemetry/opentelemetry-go-instrumentation/autoinstrumentation-go"

#: The operator itself; the chart knows its version.
OPERATOR = "open-telemetry/opentelemetry-operator/opentelemetry-operator"
#: What is put into pods, by language.
AGENTS: Mapping[Language, str] = MappingProxyType(
    {
        Language.DOTNET: f"{_AGENT}-dotnet:1.16.0",
        Language.GO: f"{_GO_AGENT}:v0.24.0",
        Language.JAVA: f"{_AGENT}-java:2.30.0",
        Language.NODEJS: f"{_AGENT}-nodejs:0.78.0",
        Language.PYTHON: f"{_AGENT}-python:0.64b0",
    }
)


def image(path: str, registry: str | None) -> str:
    """Return an image from the public registry or from a mirror of it."""
    return f"{registry or _REGISTRY}/{path}"
