"""From the settings of the whole to each component's arguments: shared names meet here."""

import pulumi

from .alerting.context import alert_context
from .alerting.delivery import RuleGroupsArgs
from .alerting.rules import alert_groups
from .alerting.settings import RuleDelivery
from .alerting.slo.rules import groups as slo_groups
from .alloy.component import AlloyArgs
from .alloy.endpoints import otlp_grpc_endpoint, otlp_http_endpoint
from .beyla.component import BeylaArgs
from .core import helm, names
from .grafana.component import GrafanaDatasourcesArgs
from .grafana.dashboards.catalogue import dashboards
from .grafana.dashboards.component import GrafanaDashboardsArgs
from .identity.component import WorkloadIdentityArgs
from .identity.role import role_arn
from .identity.settings import IdentityMode
from .onboarding.annotations import INJECT, INJECT_SDK
from .otel_operator.component import OpenTelemetryOperatorArgs
from .settings import TracingSettings
from .storage.component import TraceStorageArgs
from .telemetry.context import DashboardContext
from .tempo.component import TempoArgs
from .tempo.endpoints import otlp_endpoint, query_url
from .tempo.settings import TempoMode
from .tempo.sizes import limits

#: Secret with the passwords of the backends, in the tracing namespace.
CREDENTIALS_SECRET = "tracing-backend-credentials"  # noqa: S105 - a name, not a password


def tags(settings: TracingSettings) -> dict[str, str]:
    """Return the tags of every AWS resource."""
    return {"environment": settings.environment.name, "managed-by": "pulumi", **settings.tags}


def storage_args(settings: TracingSettings) -> TraceStorageArgs:
    """Return the arguments of the bucket."""
    return TraceStorageArgs(
        settings=settings.storage,
        bucket=settings.bucket,
        region=settings.cluster.region,
        account_id=settings.cluster.account_id,
        retention_hours=settings.tempo.retention_hours,
        tags=tags(settings),
    )


def identity_args(
    settings: TracingSettings, kms_key_arn: pulumi.Input[str] | None
) -> WorkloadIdentityArgs:
    """Return the arguments of Tempo's identity."""
    return WorkloadIdentityArgs(
        settings=settings.identity,
        role_name=settings.role_name,
        cluster_name=settings.cluster.name,
        region=settings.cluster.region,
        account_id=settings.cluster.account_id,
        oidc_issuer=settings.cluster.oidc_issuer,
        namespace=settings.namespaces.tracing,
        service_account=names.TEMPO_SERVICE_ACCOUNT,
        bucket=settings.bucket,
        kms_key_arn=kms_key_arn,
        previous_kms_key_arns=settings.storage.previous_kms_key_arns,
        tags=tags(settings),
    )


def tempo_args(settings: TracingSettings, *, has_credentials: bool) -> TempoArgs:
    """Return the arguments of Tempo."""
    charts = settings.charts
    chart = (
        helm.TEMPO.override(charts.tempo, charts)
        if settings.tempo.mode is TempoMode.MONOLITHIC
        else helm.TEMPO_DISTRIBUTED.override(charts.tempo_distributed, charts)
    )
    role = role_arn(
        settings.identity,
        role_name=settings.role_name,
        region=settings.cluster.region,
        account_id=settings.cluster.account_id,
    )
    return TempoArgs(
        settings=settings.tempo,
        namespace=settings.namespaces.tracing,
        chart=chart,
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        bucket=settings.bucket,
        region=settings.cluster.region,
        storage_endpoint=settings.storage.endpoint,
        irsa_role_arn=role if settings.identity.mode is IdentityMode.IRSA else None,
        cluster_name=settings.cluster.name,
        metrics=settings.backends.metrics,
        credentials_secret=CREDENTIALS_SECRET if has_credentials else None,
        service_monitor=settings.grafana.service_monitor,
    )


def alloy_args(settings: TracingSettings, *, has_credentials: bool) -> AlloyArgs:
    """Return the arguments of Alloy."""
    charts = settings.charts
    return AlloyArgs(
        settings=settings.alloy,
        namespace=settings.namespaces.tracing,
        chart=helm.ALLOY.override(charts.alloy, charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        environment=settings.environment.name,
        cluster_name=settings.cluster.name,
        tempo_endpoint=otlp_endpoint(settings.tempo.mode, settings.namespaces.tracing),
        balance=settings.tempo.mode is TempoMode.DISTRIBUTED,
        tenant=settings.tempo.tenant,
        stack_namespaces=settings.own_namespaces,
        trusted_namespaces=[
            *([settings.namespaces.beyla] if settings.beyla_runs else []),
            *settings.alloy.trusted_namespaces,
        ],
        metrics=settings.backends.metrics,
        logs=settings.backends.logs,
        credentials_secret=CREDENTIALS_SECRET if has_credentials else None,
        service_monitor=settings.grafana.service_monitor,
    )


def beyla_args(settings: TracingSettings) -> BeylaArgs:
    """Return the arguments of Beyla."""
    charts = settings.charts
    return BeylaArgs(
        settings=settings.beyla,
        namespace=settings.namespaces.beyla,
        chart=helm.BEYLA.override(charts.beyla, charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        nodes=settings.cluster.nodes,
        cluster_name=settings.cluster.name,
        otlp_endpoint=otlp_grpc_endpoint(settings.namespaces.tracing),
        excluded_namespaces=settings.own_namespaces,
        excluded_annotations=[*INJECT.values(), INJECT_SDK] if settings.operator.enabled else [],
        ignored_paths=settings.alloy.ignored_paths,
        service_monitor=settings.grafana.service_monitor,
    )


def operator_args(settings: TracingSettings) -> OpenTelemetryOperatorArgs:
    """Return the arguments of the OpenTelemetry Operator."""
    charts = settings.charts
    return OpenTelemetryOperatorArgs(
        settings=settings.operator,
        namespace=settings.namespaces.operator,
        chart=helm.OPERATOR.override(charts.opentelemetry_operator, charts),
        atomic=charts.atomic,
        image_registry=charts.image_registry,
        otlp_endpoint=otlp_http_endpoint(settings.namespaces.tracing),
        # It may pass over the system and the stack, but not its own namespace: there is the
        # Instrumentation, which it looks at too.
        excluded_namespaces=[
            "kube-system",
            *(n for n in settings.own_namespaces if n != settings.namespaces.operator),
        ],
    )


def datasources_args(
    settings: TracingSettings,
    *,
    metrics_password: pulumi.Input[str] | None,
    logs_password: pulumi.Input[str] | None,
) -> GrafanaDatasourcesArgs:
    """Return the arguments of Grafana's datasources."""
    return GrafanaDatasourcesArgs(
        settings=settings.grafana,
        backends=settings.backends,
        tempo_query_url=query_url(settings.tempo.mode, settings.namespaces.tracing),
        tenant=settings.tempo.tenant,
        metrics_password=metrics_password,
        logs_password=logs_password,
    )


def dashboards_args(settings: TracingSettings) -> GrafanaDashboardsArgs | None:
    """Return the arguments of the dashboards; None where there are none to make."""
    grafana, backends, tempo = settings.grafana, settings.backends, settings.tempo
    if not grafana.dashboards or backends.metrics is None:
        return None
    context = DashboardContext(
        tempo_uid=grafana.tempo_uid,
        metrics_uid=backends.metrics.uid,
        logs_uid=backends.logs.uid if backends.logs else None,
        profiles_uid=backends.profiles.uid if backends.profiles else None,
        org_id=grafana.org_id,
        environment=settings.environment.name,
        cluster=settings.cluster.name,
        namespace=settings.namespaces.tracing,
        beyla_namespace=settings.namespaces.beyla if settings.beyla_runs else None,
        mode=tempo.mode,
        traceql_metrics=tempo.traceql_metrics,
        limits=limits(tempo),
        scraped=grafana.service_monitor.enabled,
        slos=settings.has_slos,
        series_labels=settings.alerts.series_labels,
    )
    return GrafanaDashboardsArgs(settings=grafana, dashboards=dashboards(context))


def rule_args(settings: TracingSettings) -> dict[str, RuleGroupsArgs]:
    """Return the arguments of each set of rules, by the role of its component."""
    its, slos = settings.alerts, settings.alerts.slo_rules
    found: dict[str, RuleGroupsArgs] = {}
    if its.delivery is not RuleDelivery.NONE:
        found["alerts"] = RuleGroupsArgs(
            groups=alert_groups(alert_context(settings)),
            delivery=its.delivery,
            namespace=settings.alert_namespace,
            object_name="tracing-alerts",
            labels=its.labels,
        )
    if settings.has_slos and settings.slo_delivery is not RuleDelivery.NONE:
        found["slos"] = RuleGroupsArgs(
            groups=slo_groups(
                settings.slos,
                settings.slo_defaults,
                cluster=settings.cluster.name,
                runbook_base_url=its.runbook_base_url,
                alert_labels=its.alert_labels,
            ),
            delivery=settings.slo_delivery,
            namespace=settings.slo_namespace,
            object_name="tracing-slos",
            labels=its.labels if slos.labels is None else slos.labels,
        )
    return found


def namespace_to_look_at(settings: TracingSettings) -> str:
    """Return the namespace that the exported link filters by: the first that Beyla looks at."""
    plain = [namespace for namespace in settings.beyla.namespaces if "*" not in namespace]
    return plain[0] if plain else "default"
