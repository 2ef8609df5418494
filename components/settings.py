"""The settings of the whole stack: every system's own, put together."""

from typing import Annotated

from pydantic import Field

from .alerting.settings import AlertSettings, RuleDelivery
from .alerting.slo.settings import SloDefaultsSettings, SloSettings
from .alloy.settings import AlloySettings
from .backends.settings import BackendSettings
from .beyla.settings import BeylaSettings
from .canary.settings import CanarySettings
from .core import names
from .core.base import Settings
from .core.settings import (
    PLACED,
    ChartsSettings,
    ClusterSettings,
    EnvironmentSettings,
    NamespaceSettings,
    PlacementSettings,
)
from .core.texts import MOST_TAGS, TagKey, TagValue
from .grafana.settings import GrafanaSettings
from .identity.settings import IdentityMode, IdentitySettings
from .load.settings import LoadSettings
from .otel_operator.settings import OperatorSettings
from .storage.settings import StorageSettings
from .tempo.settings import TempoSettings
from .tenancy.settings import TenancySettings


class TracingSettings(Settings):
    """One environment's tracing stack, in plain values; each group is one key of the stack file."""

    environment: EnvironmentSettings
    """Which environment this is."""
    cluster: ClusterSettings
    """The EKS cluster that the stack is installed in, and how to reach it."""
    namespaces: NamespaceSettings = NamespaceSettings()
    """The namespaces of the stack's systems, which it creates unless they are in `existing`."""
    identity: IdentitySettings = IdentitySettings()
    """How the pods of Tempo and Alloy get AWS credentials."""
    storage: StorageSettings = StorageSettings()
    """The S3 bucket that holds the traces."""
    tempo: TempoSettings = TempoSettings()
    """Grafana Tempo, the trace backend."""
    alloy: AlloySettings = AlloySettings()
    """Grafana Alloy, the OTLP gateway that every sender talks to."""
    tenancy: TenancySettings = TenancySettings()
    """Tenants, whose traces Tempo keeps apart: see docs/tenants.md."""
    beyla: BeylaSettings = BeylaSettings()
    """Grafana Beyla, the eBPF agent for services without instrumentation."""
    operator: OperatorSettings = OperatorSettings()
    """The OpenTelemetry Operator, which puts SDKs into pods that ask for one by annotation."""
    canary: CanarySettings = CanarySettings()
    """The canary, which sends traces and looks them up."""
    backends: BackendSettings = BackendSettings()
    """The backends for metrics, logs and profiles that traces lead to."""
    grafana: GrafanaSettings = GrafanaSettings()
    """The Grafana side: datasources, dashboards and how they reach it."""
    alerts: AlertSettings = AlertSettings()
    """Alerts on the tracing system, and how rules are delivered."""
    slos: list[SloSettings] = Field(default=[])
    """Service level objectives: docs/slos.md."""
    slo_defaults: SloDefaultsSettings = SloDefaultsSettings()
    """Objectives for every service, by template."""
    load: LoadSettings = LoadSettings()
    """The expected load: cost and capacity in the plan follow from it, see docs/cost.md."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of all pods of the stack. A key in the `placement` of a system replaces the same
    key here."""
    charts: ChartsSettings = ChartsSettings()
    """Where charts and images come from."""
    tags: dict[TagKey, TagValue] = Field(default={}, max_length=MOST_TAGS)
    """Tags for every AWS resource, on top of `environment` and `managed-by`."""

    @property
    def aws_tags(self) -> dict[str, str]:
        """Tags of every AWS resource."""
        return {"environment": self.environment.name, "managed-by": "pulumi", **self.tags}

    @property
    def beyla_runs(self) -> bool:
        """Whether Beyla is installed: it is enabled and selects services."""
        return self.beyla.enabled and bool(self.beyla.selected_namespaces)

    @property
    def beyla_in_host_network(self) -> bool:
        """Whether Beyla's pods share the nodes' network: carrying the trace context needs it."""
        return self.beyla_runs and self.beyla.propagates_context

    @property
    def slack_minutes(self) -> int:
        """Age in minutes up to which a span counts for Tempo; queues and sampling delay spans."""
        its = self.alloy
        return max(
            self.tempo.slack_minutes,
            its.sampling.slack_minutes(its.retry_minutes),
            its.retry_minutes + 1,
        )

    @property
    def trusts_unidentified(self) -> bool:
        """Whether senders whose connection belongs to no pod keep their `k8s.*` attributes."""
        its = self.alloy.trust_unidentified
        return self.beyla_in_host_network if its is None else its

    @property
    def read_as(self) -> str | None:
        """Tenant that the main datasource reads, or several; none without multitenancy."""
        return self.tenancy.read_as if self.tenancy.enabled else self.tempo.tenant

    @property
    def datasource_uids(self) -> dict[str, str]:
        """Uid of each datasource that the stack refers to, with its setting."""
        its = self.backends
        backends = (("metrics", its.metrics), ("logs", its.logs), ("profiles", its.profiles))
        return {self.grafana.tempo_uid: "grafana.tempoUid"} | {
            backend.uid: f"backends.{key}.uid" for key, backend in backends if backend
        }

    @property
    def own_namespaces(self) -> list[str]:
        """Names of the namespaces of the stack's own systems."""
        its = self.namespaces
        return [its.tracing, its.beyla, *([its.operator] if self.operator.enabled else [])]

    @property
    def object_namespaces(self) -> list[str]:
        """Names of all namespaces that the stack may keep objects in, other systems' too."""
        others = [self.grafana.namespace, self.alert_namespace, self.slo_namespace]
        return sorted({*self.own_namespaces, *others})

    @property
    def alert_namespace(self) -> str:
        """Namespace of the alerts' rules."""
        return self.alerts.namespace or self.grafana.namespace

    @property
    def slo_namespace(self) -> str:
        """Namespace of the SLOs' rules."""
        return self.alerts.slo_rules.namespace or self.alert_namespace

    @property
    def has_slos(self) -> bool:
        """Whether there is any SLO, of the stack file's own or of every service."""
        return bool(self.slos) or self.slo_defaults.enabled

    @property
    def slo_delivery(self) -> RuleDelivery:
        """How the rules of SLOs reach their evaluator."""
        return self.alerts.slo_rules.delivery or self.alerts.delivery

    @property
    def bucket(self) -> str:
        """Name of the trace bucket."""
        return self.storage.bucket or names.default_bucket(
            environment=self.environment.name,
            account_id=self.cluster.account_id,
            region=self.cluster.region,
        )

    @property
    def role_name(self) -> str:
        """Name of Tempo's IAM role, where the stack makes it."""
        return self.identity.role_name or names.default_role(
            environment=self.environment.name, cluster=self.cluster.name
        )

    @property
    def alloy_has_role(self) -> bool:
        """Whether Alloy's pods have an IAM role, to sign requests."""
        return self.backends.signs_requests and self.identity.mode is not IdentityMode.NONE

    @property
    def alloy_makes_role(self) -> bool:
        """Whether the stack makes Alloy's role."""
        return self.alloy_has_role and self.identity.of_alloy.makes_role

    @property
    def alloy_role_name(self) -> str:
        """Name of Alloy's IAM role, where the stack makes it."""
        return self.identity.alloy_role_name or names.default_role(
            environment=self.environment.name,
            cluster=self.cluster.name,
            release=names.ALLOY_RELEASE,
        )
