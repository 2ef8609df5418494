"""What a dashboard is told of the stack that it belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..tempo.settings import TempoMode
from ..tempo.sizes import Limits


@dataclass(frozen=True, kw_only=True)
class DashboardContext:
    """The stack as far as dashboards show it.

    Attributes:
        tempo_uid: uid of the Tempo datasource.
        metrics_uid: uid of the metrics datasource; without a metrics backend there are no
            dashboards.
        logs_uid: uid of the logs datasource; None leaves links to logs out.
        profiles_uid: uid of the profiles datasource; None leaves links to profiles out.
        org_id: Grafana's organisation, for links into Explore.
        environment: name of the environment.
        cluster: name of the cluster.
        namespace: namespace that Tempo and Alloy run in.
        beyla_namespace: namespace that Beyla runs in; None where it does not run.
        mode: how Tempo is deployed.
        traceql_metrics: Tempo answers TraceQL metrics queries.
        limits: Tempo's ingestion limits.
        scraped: the stack's own programs are scraped (ServiceMonitors), so that their own
            metrics are there.
        slos: there are SLOs.
        series_labels: labels that tell the series of this stack's own programs from those of
            other clusters in one backend.
    """

    tempo_uid: str
    metrics_uid: str
    logs_uid: str | None
    profiles_uid: str | None
    org_id: int
    environment: str
    cluster: str
    namespace: str
    beyla_namespace: str | None
    mode: TempoMode
    traceql_metrics: bool
    limits: Limits
    scraped: bool
    slos: bool = False
    series_labels: Mapping[str, str] = field(default_factory=dict[str, str])
