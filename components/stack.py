"""The whole as one component: bucket, identity, Tempo, Alloy, Beyla, Grafana's datasources.

Names and addresses that components share meet here: each gets its arguments from the settings.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.networking import v1 as networking

from . import checks as rules
from .alerting.delivery import RuleGroups, RuleGroupsArgs
from .alerting.rules import alert_groups
from .alerting.settings import RuleDelivery
from .alerting.slo.rules import groups as slo_groups
from .alloy import system as alloy_system
from .alloy.component import Alloy
from .alloy.ingress import READINESS_GATE
from .alloy.pod_logs import system as pod_logs_system
from .alloy.pod_logs.component import AlloyPodLogs
from .alloy.sampling import system as sampler_system
from .alloy.sampling.component import AlloySampler
from .alloy.system import ALLOY
from .backends.credentials import password_key
from .backends.settings import BackendSettings
from .beyla import system as beyla_system
from .beyla.component import Beyla
from .canary import system as canary_system
from .canary.component import Canary
from .checks.warnings import warnings
from .core import helm, names
from .core.names import CREDENTIALS_SECRET
from .core.outputs import register
from .core.registry import running
from .core.settings import NamespaceKey
from .grafana.component import GrafanaDatasources, GrafanaDatasourcesArgs
from .grafana.dashboards.component import (
    GrafanaDashboards,
    GrafanaDashboardsArgs,
    dashboard_files,
    dashboards,
)
from .grafana.datasources import builders
from .grafana.links import explore_url
from .identity.component import WorkloadIdentity, WorkloadIdentityArgs
from .identity.settings import IdentityMode
from .network import network_policies
from .otel_operator import system as operator_system
from .otel_operator.component import OpenTelemetryOperator
from .settings import TracingSettings
from .storage.component import TraceStorage, TraceStorageArgs
from .telemetry.context import stack_context
from .tempo import system as tempo_system
from .tempo.component import Tempo
from .tempo.endpoints import query_url
from .tempo.system import TEMPO


@dataclass(frozen=True, kw_only=True)
class TracingStackArgs:
    """Arguments of `TracingStack`."""

    settings: TracingSettings
    """Plain settings, checked against each other when the component is made."""
    metrics_password: pulumi.Input[str] | None = None
    """Password or token of `settings.backends.metrics`."""
    logs_password: pulumi.Input[str] | None = None
    """Password or token of `settings.backends.logs`."""
    profiles_password: pulumi.Input[str] | None = None
    """Password or token of `settings.backends.profiles`."""
    alloy_modules: dict[str, str] = field(default_factory=dict[str, str])
    """Content of the files in `settings.alloy.modules`, by their paths there."""


class TracingStack(pulumi.ComponentResource):
    """Distributed tracing for one environment.

    The providers for AWS and Kubernetes come with the resource options.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.

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
    """IAM role of Tempo's pods; empty with an S3 emulator, which needs none."""
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
        passwords = {
            "metricsPassword": args.metrics_password,
            "logsPassword": args.logs_password,
            "profilesPassword": args.profiles_password,
        }
        rules.check(settings, name, passwords, args.alloy_modules)
        super().__init__("tracing:index:TracingStack", name, {}, opts)
        for warning in (*warnings(settings), *slow_rollouts(settings)):
            pulumi.log.warn(warning, self)

        namespaces = self._namespaces(name, settings)
        namespace = namespaces.get(settings.namespaces.tracing)
        if settings.namespaces.network_policies:
            for policy, spec in network_policies(settings).items():
                its_own = namespaces.get(spec["metadata"]["namespace"])
                networking.NetworkPolicy(f"{name}-{policy}", **spec, opts=self._child([its_own]))
        credentials = self._credentials(f"{name}-credentials", args, namespace)
        storage = TraceStorage(
            f"{name}-storage",
            TraceStorageArgs(
                settings=settings.storage,
                bucket=settings.bucket,
                region=settings.cluster.region,
                account_id=settings.cluster.account_id,
                retention_hours=settings.tempo.retention_hours,
                tags=settings.aws_tags,
            ),
            self._child(),
        )
        identity = self._identity(f"{name}-identity", settings, storage)
        alloy_identity = self._alloy_identity(f"{name}-alloy-identity", settings)
        tempo = Tempo(
            f"{name}-tempo",
            tempo_system.args(settings, has_credentials=credentials is not None),
            self._child([namespace, credentials, storage, identity]),
        )

        def sampler(*after: pulumi.Resource | None) -> AlloySampler | None:
            needed = [namespace, tempo, *after]
            return self._sampler(f"{name}-alloy-sampler", args, credentials, needed)

        # Samplers with a role run as the gateway's service account, which comes with the gateway.
        # Its queues hold the spans until they are there.
        gateway_first = settings.alloy_has_role
        earlier = None if gateway_first else sampler()
        alloy = Alloy(
            f"{name}-alloy",
            alloy_system.args(
                settings,
                has_credentials=credentials is not None,
                modules=args.alloy_modules,
            ),
            self._child([namespace, tempo, alloy_identity, earlier]),
        )
        if gateway_first:
            sampler(alloy)
        if pod_logs_system.runs(settings):
            AlloyPodLogs(
                f"{name}-alloy-logs",
                pod_logs_system.args(settings, has_credentials=credentials is not None),
                self._child([namespace, credentials]),
            )
        if settings.beyla_runs:
            Beyla(
                f"{name}-beyla",
                beyla_system.args(settings),
                self._child([namespaces.get(settings.namespaces.beyla), alloy]),
            )
        operator = self._operator(f"{name}-operator", settings, namespaces, alloy)
        if settings.canary.enabled:
            Canary(
                f"{name}-canary",
                canary_system.args(settings),
                self._child([namespace, tempo, alloy]),
            )
        datasources = GrafanaDatasources(
            f"{name}-datasources",
            GrafanaDatasourcesArgs(
                settings=settings.grafana,
                backends=settings.backends,
                tempo_query_url=_tempo_url(settings),
                tenant=settings.read_as,
                tenants=settings.tenancy.names,
                histograms=settings.tempo.span_metrics.histograms,
                metrics_password=args.metrics_password,
                logs_password=args.logs_password,
                profiles_password=args.profiles_password,
            ),
            # Grafana may be in a namespace of the stack.
            self._child([namespace]),
        )

        if dashboards := dashboards_args(settings):
            GrafanaDashboards(f"{name}-dashboards", dashboards, self._child([namespace]))
        for role, rules_args in rule_args(settings).items():
            RuleGroups(f"{name}-{role}", rules_args, self._child([namespace]))

        self.otlp_grpc_endpoint = alloy.otlp_grpc_endpoint
        self.otlp_http_endpoint = alloy.otlp_http_endpoint
        self.tempo_query_url = tempo.query_url
        self.trace_bucket_name = storage.bucket_name
        none = pulumi.Output.from_input("")
        self.tempo_role_arn = identity.role_arn if identity else none
        self.tempo_datasource_uid = datasources.tempo_uid
        self.namespace = pulumi.Output.from_input(settings.namespaces.tracing)
        # The link filters by the first namespace that Beyla instruments.
        plain = [n for n in settings.beyla.selected_namespaces if "*" not in n]
        self.traces_url = pulumi.Output.from_input(
            explore_url(settings.grafana, plain[0] if plain else "default")
        )
        self.instrumentation = operator.instrumentation if operator else none
        register(self)

    def _child(self, depends_on: Sequence[pulumi.Resource | None] = ()) -> pulumi.ResourceOptions:
        needed = [resource for resource in depends_on if resource is not None]
        return pulumi.ResourceOptions(parent=self, depends_on=needed)

    def _namespaces(self, name: str, settings: TracingSettings) -> dict[str, core.Namespace]:
        """Make the namespaces that don't exist, by their names in the cluster."""
        found: dict[str, core.Namespace] = {}
        for system in running(settings):
            namespace, level = system.namespace_name(settings), system.pod_security
            if namespace not in found and system.creates_namespace(settings):
                role = "" if system.namespace is NamespaceKey.TRACING else f"-{system.namespace}"
                found[namespace] = core.Namespace(
                    f"{name}{role}-namespace",
                    metadata={
                        "name": namespace,
                        "labels": {
                            "pod-security.kubernetes.io/enforce": level,
                            "pod-security.kubernetes.io/warn": level,
                            **_readiness_gate(settings, system.namespace),
                        },
                    },
                    opts=self._child(),
                )
        return found

    def _credentials(
        self, resource: str, args: TracingStackArgs, namespace: core.Namespace | None
    ) -> core.Secret | None:
        """Make the Secret with the backends' passwords, where there is one."""
        passwords = {
            password_key("metrics"): args.metrics_password,
            password_key("logs"): args.logs_password,
        }
        data = {k: pulumi.Output.secret(v) for k, v in passwords.items() if v is not None}
        if not data:
            return None
        return core.Secret(
            resource,
            metadata={"name": CREDENTIALS_SECRET, "namespace": args.settings.namespaces.tracing},
            string_data=data,
            opts=self._child([namespace]),
        )

    def _identity(
        self, resource: str, settings: TracingSettings, storage: TraceStorage
    ) -> WorkloadIdentity | None:
        if settings.identity.mode is IdentityMode.NONE:
            return None
        args = WorkloadIdentityArgs(
            settings=settings.identity,
            role_name=settings.role_name,
            cluster_name=settings.cluster.name,
            region=settings.cluster.region,
            account_id=settings.cluster.account_id,
            oidc_issuer=settings.cluster.oidc_issuer,
            namespace=settings.namespaces.tracing,
            service_account=names.TEMPO_SERVICE_ACCOUNT,
            bucket=settings.bucket,
            backends=BackendSettings(metrics=settings.backends.metrics),
            kms_key_arn=storage.kms_key_arn,
            previous_kms_key_arns=settings.storage.previous_kms_key_arns,
            tags=settings.aws_tags,
        )
        return WorkloadIdentity(resource, args, self._child())

    def _alloy_identity(self, resource: str, settings: TracingSettings) -> WorkloadIdentity | None:
        if not settings.alloy_has_role:
            return None
        args = WorkloadIdentityArgs(
            settings=settings.identity.of_alloy,
            role_name=settings.alloy_role_name,
            cluster_name=settings.cluster.name,
            region=settings.cluster.region,
            account_id=settings.cluster.account_id,
            oidc_issuer=settings.cluster.oidc_issuer,
            namespace=settings.namespaces.tracing,
            service_account=names.ALLOY_SERVICE_ACCOUNT,
            backends=settings.backends,
            tags=settings.aws_tags,
        )
        return WorkloadIdentity(resource, args, self._child())

    def _sampler(
        self,
        resource: str,
        args: TracingStackArgs,
        credentials: core.Secret | None,
        needed: Sequence[pulumi.Resource | None],
    ) -> AlloySampler | None:
        """Make the samplers, if there are any."""
        settings = args.settings
        if not settings.alloy.sampling.runs:
            return None
        its = sampler_system.args(
            settings, has_credentials=credentials is not None, modules=args.alloy_modules
        )
        return AlloySampler(resource, its, self._child([*needed, credentials]))

    def _operator(
        self,
        resource: str,
        settings: TracingSettings,
        namespaces: Mapping[str, core.Namespace],
        alloy: Alloy,
    ) -> OpenTelemetryOperator | None:
        if not settings.operator.enabled:
            return None
        needed = [namespaces.get(settings.namespaces.operator), alloy]
        args = operator_system.args(settings)
        return OpenTelemetryOperator(resource, args, self._child(needed))


def _readiness_gate(settings: TracingSettings, key: NamespaceKey) -> Mapping[str, str]:
    """Return the label of a namespace whose pods wait until a load balancer sends to them."""
    its = settings.alloy.ingress
    balanced = its and its.load_balancer and key is NamespaceKey.TRACING
    return READINESS_GATE if balanced else {}


def _tempo_url(settings: TracingSettings) -> str:
    """Return the URL that Grafana queries Tempo by."""
    inside = query_url(settings.tempo.mode, settings.namespaces.tracing)
    return settings.grafana.tempo_url or inside


def grafana_files(settings: TracingSettings) -> dict[str, str]:
    """Return datasources and dashboards as Grafana's API takes them, by their paths.

    A password is the name of an environment variable, as in `${METRICS_PASSWORD}`.
    """
    made = builders(
        settings.grafana,
        settings.backends,
        tenant=settings.read_as,
        tenants=settings.tenancy.names,
        histograms=settings.tempo.span_metrics.histograms,
    )
    built = [
        build(_tempo_url(settings), f"${{{role.upper()}_PASSWORD}}") for role, build in made.items()
    ]
    args = dashboards_args(settings)
    return {
        **{f"datasources/{one['uid']}.json": json.dumps(one) for one in built},
        **{
            f"dashboards/{uid}.json": text
            for uid, text in dashboard_files(args.dashboards if args else []).items()
        },
    }


def dashboards_args(settings: TracingSettings) -> GrafanaDashboardsArgs | None:
    """Return the arguments of the dashboards; None where there are none to make."""
    if not settings.grafana.dashboards or settings.backends.metrics is None:
        return None
    made = dashboards(stack_context(settings))
    return GrafanaDashboardsArgs(settings=settings.grafana, dashboards=made)


def rule_args(settings: TracingSettings) -> dict[str, RuleGroupsArgs]:
    """Return the arguments of each set of rules, by the role of its component."""
    its, slos = settings.alerts, settings.alerts.slo_rules
    context = stack_context(settings)
    found: dict[str, RuleGroupsArgs] = {}
    if its.delivery is not RuleDelivery.NONE:
        found["alerts"] = RuleGroupsArgs(
            groups=alert_groups(context),
            delivery=its.delivery,
            namespace=settings.alert_namespace,
            object_name="tracing-alerts",
            labels=its.labels,
        )
    if settings.has_slos and settings.slo_delivery is not RuleDelivery.NONE:
        found["slos"] = RuleGroupsArgs(
            groups=slo_groups(settings.slos, settings.slo_defaults, context),
            delivery=settings.slo_delivery,
            namespace=settings.slo_namespace,
            object_name="tracing-slos",
            labels=its.labels if slos.labels is None else slos.labels,
        )
    return found


def slow_rollouts(settings: TracingSettings) -> Iterator[str]:
    """Yield a warning if `up` can take longer than the job that deploys the stack."""
    waits = {s.name: helm.timeout_seconds(s.rollouts(settings)) for s in running(settings)}
    slowest = max(waits.values())
    # Alloy waits for Tempo, all others wait for Alloy; and one rollback.
    in_a_row = waits.pop(TEMPO.name) + waits.pop(ALLOY.name) + max(waits.values(), default=0)
    minutes = (in_a_row + slowest) / 60
    if minutes > helm.DEPLOY_MINUTES:
        yield (
            f"releases: an upgrade can take {minutes:.0f} minutes until its slowest release is "
            "rolled out and, after a failure, rolled back. The deploy job ends after "
            f"{helm.DEPLOY_MINUTES} minutes: raise `timeout-minutes` in "
            ".github/workflows/deploy-stack.yml, or use fewer and larger pods."
        )
