"""The provider of the package: infers the schema from the components, and creates them."""

import json
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.experimental.schema import generate_schema

import components
from components import SettingsError
from package.arguments import arguments
from package.inference import SettingsAnalyzer

NAME = "tracing"
#: Components whose arguments every Pulumi language can express.
COMPONENTS: dict[str, type[pulumi.ComponentResource]] = {
    component.__name__: component
    for component in (
        components.TracingStack,
        components.TraceStorage,
        components.WorkloadIdentity,
        components.Tempo,
        components.Alloy,
        components.AlloyPodLogs,
        components.AlloySampler,
        components.Beyla,
        components.Canary,
        components.GrafanaDatasources,
        components.OpenTelemetryOperator,
        components.OtlpEnv,
    )
}


class TracingProvider(Provider):
    """Serves the components."""

    def __init__(self) -> None:
        found = SettingsAnalyzer(NAME).analyze(list(COMPONENTS.values()))
        self._definitions = found["component_definitions"]
        schema = generate_schema(
            NAME, components.__version__, None, self._definitions, found["type_definitions"], []
        )
        super().__init__(components.__version__, json.dumps(schema.to_json()))

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Create a component.

        Raises:
            InputPropertiesError: an argument is wrong; Pulumi shows its text without a traceback.
        """
        kind = resource_type.rpartition(":")[2]
        make: Any = COMPONENTS[kind]
        try:
            made = make(name, arguments(COMPONENTS[kind], name, inputs), options)
        except (SettingsError, ValueError) as error:
            # Without a list, even an empty one, the SDK (3.272) trips over its own error.
            raise InputPropertiesError(str(error), []) from None
        outputs = {
            key: getattr(made, attribute)
            for key, attribute in self._definitions[kind].outputs_mapping.items()
            if getattr(made, attribute, None) is not None
        }
        return ConstructResult(made.urn, outputs)
