"""Arguments of the operator that the tests share."""

from typing import Any

from components.core.helm import OPERATOR
from components.otel_operator.component import OpenTelemetryOperatorArgs
from components.otel_operator.settings import OperatorSettings


def operator(image_registry: str | None = None, **settings: Any) -> OpenTelemetryOperatorArgs:
    return OpenTelemetryOperatorArgs(
        settings=OperatorSettings.model_validate({"enabled": True, **settings}),
        namespace="tracing-operator",
        chart=OPERATOR,
        atomic=True,
        image_registry=image_registry,
        otlp_endpoint="http://alloy.tracing.svc.cluster.local:4318",
        excluded_namespaces=["kube-system", "tracing", "tracing-beyla"],
    )
