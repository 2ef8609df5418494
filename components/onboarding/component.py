"""The environment for OTLP as a ConfigMap: one for all applications of a namespace."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pulumi
from pulumi_kubernetes.core import v1 as core

from ..core.names import MANAGED
from ..core.outputs import register
from ..core.problem import Problem, problem
from .checks import check, otlp_problems
from .env import otlp_variables
from .settings import OtlpSettings

#: Name of the ConfigMap where none is given.
_NAME = "otlp"


@dataclass(frozen=True, kw_only=True)
class OtlpEnvArgs:
    """Arguments of `OtlpEnv`."""

    endpoint: pulumi.Input[str]
    """Where OTLP goes: the tracing stack's output `otlpHttpEndpoint`, or `otlpGrpcEndpoint` with
    protocol `grpc`."""
    namespace: pulumi.Input[str]
    """An existing namespace; its pods can take the ConfigMap."""
    settings: OtlpSettings
    """What all applications of the namespace have in common: neither name nor version."""
    config_map_name: pulumi.Input[str] | None = None
    """Name of the ConfigMap; `otlp` where it is not given."""


class OtlpEnv(pulumi.ComponentResource):
    """The environment for OTLP as a ConfigMap, for `envFrom` of every container of a namespace.

    Each application adds `OTEL_SERVICE_NAME`, for which there is no default. Pods see a change of
    the ConfigMap when they are made anew.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.

    Raises:
        SettingsError: the settings name one application, or contradict each other.
    """

    config_map_name: pulumi.Output[str]
    """Name of the ConfigMap. What uses it comes after it."""

    def __init__(
        self, name: str, args: OtlpEnvArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Make the ConfigMap."""
        its_own = _problems(args.settings)
        check(name, chain(its_own, otlp_problems(args.endpoint, args.settings)))
        super().__init__("tracing:index:OtlpEnv", name, {}, opts)
        config_map = core.ConfigMap(
            f"{name}-config-map",
            metadata={
                "name": args.config_map_name or _NAME,
                "namespace": args.namespace,
                "labels": MANAGED,
            },
            data=otlp_variables(args.endpoint, args.settings),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.config_map_name = config_map.metadata.apply(lambda its: its.name or "")
        register(self)


def _problems(settings: OtlpSettings) -> Iterator[Problem]:
    for key, value in (
        ("serviceName", settings.service_name),
        ("serviceVersion", settings.service_version),
    ):
        if value is not None:
            yield problem(
                key, value, "is one application's; a ConfigMap is for all of a namespace: remove it"
            )
