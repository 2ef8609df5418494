"""The OpenTelemetry Operator's annotations (its internal/instrumentation/annotation.go)."""

from .settings import Language

#: In front of all of them.
PREFIX = "instrumentation.opentelemetry.io/"
#: Asks for a language's SDK; the value names the ``Instrumentation``.
INJECT = {language: f"{PREFIX}inject-{language}" for language in Language}
#: Asks for the environment only.
INJECT_SDK = f"{PREFIX}inject-sdk"
#: Path of the Go program to look at.
GO_EXECUTABLE = f"{PREFIX}otel-go-auto-target-exe"
