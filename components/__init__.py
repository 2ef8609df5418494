"""Distributed tracing for a Kubernetes platform, as Pulumi components.

`TracingStack` is the whole; the other components are its parts, each of use by itself. What stands
in `__all__` is public: it changes with a new major version only, and CHANGELOG.md tells how.
"""

from .alerting.settings import AlertSettings, RuleDelivery, RuleEvaluator, SloRuleSettings
from .alerting.slo.settings import (
    AvailabilitySettings,
    LatencySettings,
    RatioSettings,
    SloDefaultsSettings,
    SloSettings,
)
from .alloy.clean.settings import (
    AttributeLimitSettings,
    DropSettings,
    RedactionSettings,
    RouteSettings,
)
from .alloy.component import Alloy, AlloyArgs
from .alloy.pod_logs.component import AlloyPodLogs, AlloyPodLogsArgs
from .alloy.pod_logs.settings import PodLogsSettings
from .alloy.sampling.component import AlloySampler, AlloySamplerArgs
from .alloy.sampling.settings import SamplingMode, SamplingPreset, SamplingSettings
from .alloy.settings import AlloySettings
from .backends.settings import (
    BackendSettings,
    LogsSettings,
    MetricsSettings,
    MetricsType,
    ProfilesSettings,
)
from .beyla.component import Beyla, BeylaArgs
from .beyla.settings import BeylaSettings, ContextPropagation
from .canary.component import Canary, CanaryArgs
from .canary.settings import CanarySettings
from .checks import SettingsError
from .checks.validate import parse_settings
from .core.affinity import AffinitySettings
from .core.helm import Chart
from .core.settings import (
    ChartSettings,
    ChartsSettings,
    ClusterSettings,
    EnvironmentSettings,
    NamespaceSettings,
    PlacementSettings,
    PodSettings,
    ScalableWorkloadSettings,
    ServiceMonitorSettings,
    Size,
    StatefulPodSettings,
    StatefulWorkloadSettings,
    TaintEffect,
    Tier,
    TolerationOperator,
    TolerationSettings,
    TopologySpread,
    WorkloadSettings,
)
from .grafana.component import GrafanaDatasources, GrafanaDatasourcesArgs
from .grafana.settings import GrafanaSettings
from .identity.component import WorkloadIdentity, WorkloadIdentityArgs
from .identity.settings import IdentityMode, IdentitySettings
from .load.settings import LoadSettings
from .onboarding.component import OtlpEnv, OtlpEnvArgs
from .onboarding.env import otlp_env, otlp_variables
from .onboarding.injection import injection_annotations
from .onboarding.settings import Language, OtlpProtocol, OtlpSettings, Propagator
from .onboarding.workload import with_injection, with_otlp_env
from .otel_operator.component import OpenTelemetryOperator, OpenTelemetryOperatorArgs
from .otel_operator.settings import OperatorSettings
from .settings import TracingSettings
from .stack import TracingStack, TracingStackArgs
from .storage.component import TraceStorage, TraceStorageArgs
from .storage.settings import Encryption, StorageSettings
from .tempo.component import Tempo, TempoArgs
from .tempo.settings import (
    TempoKafkaSettings,
    TempoLimitSettings,
    TempoMode,
    TempoSettings,
    TempoSpanMetricsSettings,
    TempoWorkloadSettings,
)

__version__ = "0.2.0"

__all__ = [
    "AffinitySettings",
    "AlertSettings",
    "Alloy",
    "AlloyArgs",
    "AlloyPodLogs",
    "AlloyPodLogsArgs",
    "AlloySampler",
    "AlloySamplerArgs",
    "AlloySettings",
    "AttributeLimitSettings",
    "AvailabilitySettings",
    "BackendSettings",
    "Beyla",
    "BeylaArgs",
    "BeylaSettings",
    "Canary",
    "CanaryArgs",
    "CanarySettings",
    "Chart",
    "ChartSettings",
    "ChartsSettings",
    "ClusterSettings",
    "ContextPropagation",
    "DropSettings",
    "Encryption",
    "EnvironmentSettings",
    "GrafanaDatasources",
    "GrafanaDatasourcesArgs",
    "GrafanaSettings",
    "IdentityMode",
    "IdentitySettings",
    "Language",
    "LatencySettings",
    "LoadSettings",
    "LogsSettings",
    "MetricsSettings",
    "MetricsType",
    "NamespaceSettings",
    "OpenTelemetryOperator",
    "OpenTelemetryOperatorArgs",
    "OperatorSettings",
    "OtlpEnv",
    "OtlpEnvArgs",
    "OtlpProtocol",
    "OtlpSettings",
    "PlacementSettings",
    "PodLogsSettings",
    "PodSettings",
    "ProfilesSettings",
    "Propagator",
    "RatioSettings",
    "RedactionSettings",
    "RouteSettings",
    "RuleDelivery",
    "RuleEvaluator",
    "SamplingMode",
    "SamplingPreset",
    "SamplingSettings",
    "ScalableWorkloadSettings",
    "ServiceMonitorSettings",
    "SettingsError",
    "Size",
    "SloDefaultsSettings",
    "SloRuleSettings",
    "SloSettings",
    "StatefulPodSettings",
    "StatefulWorkloadSettings",
    "StorageSettings",
    "TaintEffect",
    "Tempo",
    "TempoArgs",
    "TempoKafkaSettings",
    "TempoLimitSettings",
    "TempoMode",
    "TempoSettings",
    "TempoSpanMetricsSettings",
    "TempoWorkloadSettings",
    "Tier",
    "TolerationOperator",
    "TolerationSettings",
    "TopologySpread",
    "TraceStorage",
    "TraceStorageArgs",
    "TracingSettings",
    "TracingStack",
    "TracingStackArgs",
    "WorkloadIdentity",
    "WorkloadIdentityArgs",
    "WorkloadSettings",
    "injection_annotations",
    "otlp_env",
    "otlp_variables",
    "parse_settings",
    "with_injection",
    "with_otlp_env",
]
