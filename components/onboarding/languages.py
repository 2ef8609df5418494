"""What only one language's SDK knows, beside the variables of OpenTelemetry's specification."""

from collections.abc import Mapping
from types import MappingProxyType

from .settings import Language

#: Variables by language. Java's agent and Python's distro read OpenTelemetry's own variables and
#: need no others. Go's SDK reads endpoint, attributes and sampler; exporter, protocol and
#: propagators are what the program chooses, unless it uses the contrib packages ``autoexport`` and
#: ``autoprop``.
LANGUAGE_VARIABLES: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        # Its own log would go into files, which a container with a read-only root can't write
        # (docs/config.md of opentelemetry-dotnet-instrumentation).
        Language.DOTNET: {"OTEL_DOTNET_AUTO_LOGGER": "console"},
        Language.GO: {},
        Language.JAVA: {},
        # Those that need no network: by default a start asks the metadata services of four clouds
        # (README of @opentelemetry/auto-instrumentations-node).
        Language.NODEJS: {"OTEL_NODE_RESOURCE_DETECTORS": "env,host,os,process,serviceinstance"},
        Language.PYTHON: {},
    }
)
