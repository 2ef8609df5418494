"""The whole as one component: bucket, identity, Tempo, Alloy, Beyla, Grafana's datasources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.networking import v1 as networking

from . import checks as rules
from . import wiring
from .alerting.delivery import RuleGroups
from .alloy.component import Alloy
from .beyla.component import Beyla
from .checks.warnings import warnings
from .grafana.component import GrafanaDatasources
from .grafana.dashboards.component import GrafanaDashboards
from .grafana.explore import explore_url
from .identity.component import WorkloadIdentity
from .identity.settings import IdentityMode
from .network import network_policies
from .otel_operator.component import OpenTelemetryOperator
from .settings import TracingSettings
from .storage.component import TraceStorage
from .tempo.component import Tempo


@dataclass(frozen=True, kw_only=True)
class TracingStackArgs:
    """Arguments of `TracingStack`."""

    settings: TracingSettings
    """Plain settings, checked against each other when the component is made."""
    metrics_password: pulumi.Input[str] | None = None
    """Password of `settings.backends.metrics.username`."""
    logs_password: pulumi.Input[str] | None = None
    """Password of `settings.backends.logs.username`."""


class TracingStack(pulumi.ComponentResource):
    """Distributed tracing for one environment.

    The providers for AWS and Kubernetes come with the resource options.

    Raises:
        SettingsError: the settings contradict each other.
    """

    otlp_grpc_endpoint: pulumi.Output[str]
    """URL that applications send OTLP over gRPC to."""
    otlp_http_endpoint: pulumi.Output[str]
    """URL that applications send OTLP over HTTP to."""
    tempo_query_url: pulumi.Output[str]
    """URL that Grafana queries."""
    trace_bucket_name: pulumi.Output[str]
    """Bucket that holds the traces."""
    tempo_role_arn: pulumi.Output[str]
    """IAM role of Tempo's pods; empty where an S3 stand-in needs none."""
    tempo_datasource_uid: pulumi.Output[str]
    """Uid of the Tempo datasource in Grafana."""
    namespace: pulumi.Output[str]
    """Namespace of Tempo and Alloy."""
    traces_url: pulumi.Output[str]
    """Grafana's Explore on the Tempo datasource, filtered to a namespace."""
    instrumentation: pulumi.Output[str]
    """Namespace and name of the `Instrumentation`; empty without the OpenTelemetry Operator."""

    def __init__(
        self, name: str, args: TracingStackArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        settings = args.settings
        passwords = {"metricsPassword": args.metrics_password, "logsPassword": args.logs_password}
        rules.check(settings, name, passwords)
        super().__init__("tracing:index:TracingStack", name, {}, opts)
        for warning in warnings(settings):
            pulumi.log.warn(warning, self)

        namespaces = self._namespaces(name, settings)
        namespace = namespaces[settings.namespaces.tracing]
        if settings.namespaces.network_policies:
            for policy, spec in network_policies(settings).items():
                its_own = namespaces[spec["metadata"]["namespace"]]
                networking.NetworkPolicy(f"{name}-{policy}", **spec, opts=self._child([its_own]))
        credentials = self._credentials(f"{name}-credentials", args, namespace)
        storage = TraceStorage(f"{name}-storage", wiring.storage_args(settings), self._child())
        identity = self._identity(f"{name}-identity", settings, storage)
        needed = [r for r in (namespace, credentials, storage, identity) if r is not None]
        tempo = Tempo(
            f"{name}-tempo",
            wiring.tempo_args(settings, has_credentials=credentials is not None),
            self._child(needed),
        )
        alloy = Alloy(
            f"{name}-alloy",
            wiring.alloy_args(settings, has_credentials=credentials is not None),
            self._child([namespace, tempo]),
        )
        if settings.beyla_runs:
            Beyla(
                f"{name}-beyla",
                wiring.beyla_args(settings),
                self._child([namespaces[settings.namespaces.beyla], alloy]),
            )
        operator = self._operator(f"{name}-operator", settings, namespaces, alloy)
        datasources = GrafanaDatasources(
            f"{name}-datasources",
            wiring.datasources_args(
                settings,
                metrics_password=args.metrics_password,
                logs_password=args.logs_password,
            ),
            # Grafana may live in the stack's own namespace.
            self._child([namespace]),
        )

        if dashboards := wiring.dashboards_args(settings):
            GrafanaDashboards(f"{name}-dashboards", dashboards, self._child([namespace]))
        for role, rules_args in wiring.rule_args(settings).items():
            RuleGroups(f"{name}-{role}", rules_args, self._child([namespace]))

        self.otlp_grpc_endpoint = alloy.otlp_grpc_endpoint
        self.otlp_http_endpoint = alloy.otlp_http_endpoint
        self.tempo_query_url = tempo.query_url
        self.trace_bucket_name = storage.bucket_name
        self.tempo_role_arn = identity.role_arn if identity else _none()
        self.tempo_datasource_uid = datasources.tempo_uid
        self.namespace = pulumi.Output.from_input(settings.namespaces.tracing)
        self.traces_url = pulumi.Output.from_input(
            explore_url(settings.grafana, wiring.namespace_to_look_at(settings))
        )
        self.instrumentation = operator.instrumentation if operator else _none()
        self.register_outputs(
            {
                "otlpGrpcEndpoint": self.otlp_grpc_endpoint,
                "otlpHttpEndpoint": self.otlp_http_endpoint,
                "tempoQueryUrl": self.tempo_query_url,
                "traceBucketName": self.trace_bucket_name,
                "tempoRoleArn": self.tempo_role_arn,
                "tempoDatasourceUid": self.tempo_datasource_uid,
                "namespace": self.namespace,
                "tracesUrl": self.traces_url,
                "instrumentation": self.instrumentation,
            }
        )

    def _child(self, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(depends_on))

    def _namespaces(self, name: str, settings: TracingSettings) -> dict[str, core.Namespace]:
        """Make the namespaces, by their names in the cluster."""
        levels = {"namespace": (settings.namespaces.tracing, "restricted")}
        if settings.beyla_runs:
            levels["beyla-namespace"] = (settings.namespaces.beyla, "privileged")
        if settings.operator.enabled:
            levels["operator-namespace"] = (settings.namespaces.operator, "restricted")
        return {
            namespace: core.Namespace(
                f"{name}-{role}",
                metadata={
                    "name": namespace,
                    "labels": {
                        "pod-security.kubernetes.io/enforce": level,
                        "pod-security.kubernetes.io/warn": level,
                    },
                },
                opts=self._child(),
            )
            for role, (namespace, level) in levels.items()
        }

    def _credentials(
        self, resource: str, args: TracingStackArgs, namespace: core.Namespace
    ) -> core.Secret | None:
        """Make the Secret with the backends' passwords, where there is one."""
        passwords = {
            "METRICS_PASSWORD": args.metrics_password,
            "LOGS_PASSWORD": args.logs_password,
        }
        data = {k: pulumi.Output.secret(v) for k, v in passwords.items() if v is not None}
        if not data:
            return None
        return core.Secret(
            resource,
            metadata={
                "name": wiring.CREDENTIALS_SECRET,
                "namespace": args.settings.namespaces.tracing,
            },
            string_data=data,
            opts=self._child([namespace]),
        )

    def _identity(
        self, resource: str, settings: TracingSettings, storage: TraceStorage
    ) -> WorkloadIdentity | None:
        if settings.identity.mode is IdentityMode.NONE:
            return None
        args = wiring.identity_args(settings, storage.kms_key_arn)
        return WorkloadIdentity(resource, args, self._child())

    def _operator(
        self,
        resource: str,
        settings: TracingSettings,
        namespaces: Mapping[str, core.Namespace],
        alloy: Alloy,
    ) -> OpenTelemetryOperator | None:
        if not settings.operator.enabled:
            return None
        needed = [namespaces[settings.namespaces.operator], alloy]
        args = wiring.operator_args(settings)
        return OpenTelemetryOperator(resource, args, self._child(needed))


def _none() -> pulumi.Output[str]:
    return pulumi.Output.from_input("")
