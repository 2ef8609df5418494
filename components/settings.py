"""The settings of the whole stack: every system's own, put together."""

from pydantic import Field

from components.alloy.settings import AlloySettings
from components.beyla.settings import BeylaSettings
from components.grafana.settings import GrafanaSettings
from components.identity.settings import IdentitySettings
from components.platform.base import Settings
from components.platform.settings import (
    ChartsSettings,
    ClusterSettings,
    EnvironmentSettings,
    NamespaceSettings,
)
from components.storage.settings import StorageSettings
from components.tempo.settings import TempoSettings


class TracingSettings(Settings):
    """One environment's tracing stack, in plain values; each group is one key of the stack file."""

    environment: EnvironmentSettings
    """Which environment this is."""
    cluster: ClusterSettings
    """The EKS cluster that the stack is installed in, and how to reach it."""
    namespaces: NamespaceSettings = NamespaceSettings()
    """The namespaces that the stack makes and owns."""
    identity: IdentitySettings = IdentitySettings()
    """How Tempo's pods get AWS credentials."""
    storage: StorageSettings = StorageSettings()
    """The S3 bucket that holds the traces."""
    tempo: TempoSettings = TempoSettings()
    """Grafana Tempo, the trace backend."""
    alloy: AlloySettings = AlloySettings()
    """Grafana Alloy, the OTLP gateway that every sender talks to."""
    beyla: BeylaSettings = BeylaSettings()
    """Grafana Beyla, the eBPF agent that sees services without instrumentation."""
    grafana: GrafanaSettings = GrafanaSettings()
    """The Grafana side: datasources, and the backends that traces lead to."""
    charts: ChartsSettings = ChartsSettings()
    """Where charts and images come from."""
    tags: dict[str, str] = Field(default={})
    """Tags for every AWS resource, on top of `environment` and `managed-by`."""
