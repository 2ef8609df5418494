"""Settings of the backends for metrics, logs and profiles."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ..core.base import Settings
from ..core.texts import DatasourceUid, Text, Url

UserName = Annotated[
    str,
    Field(min_length=1, max_length=255, pattern=r"^[^:\x00-\x1f\x7f]+$"),
    Text("1 to 255 characters other than `:` and control characters", "tempo"),
]
"""User for basic authentication (RFC 7617)."""


class MetricsType(StrEnum):
    """Kind of the metrics backend."""

    PROMETHEUS = "prometheus"
    MIMIR = "mimir"


class MetricsSettings(Settings):
    """The metrics backend: Prometheus or Mimir."""

    url: Url
    """URL that Grafana queries, for example `http://mimir-gateway.mimir.svc:80/prometheus`."""
    remote_write_url: Url
    """URL for Prometheus remote write of Tempo's span metrics and of OTLP metrics."""
    type: MetricsType = MetricsType.PROMETHEUS
    """Kind of the backend, for the datasource that `createDatasource` creates. With `mimir`, the
    plan warns if SLOs are evaluated where their series are missing."""
    uid: DatasourceUid = "prometheus"
    """Uid of the datasource in Grafana; traces link to it."""
    username: UserName | None = None
    """User for basic authentication, with the password in the encrypted key
    `tracing:metricsPassword`. Both are used as they are: `$` and `{{` have no meaning in them."""
    create_datasource: bool = False
    """Create the datasource, with exemplars that link to traces. If false, one with this uid must
    exist."""


class LogsSettings(Settings):
    """The logs backend: Loki."""

    url: Url | None = None
    """URL that Grafana queries, for example `http://loki-gateway.loki.svc:80`. Required with
    `createDatasource`, without effect otherwise."""
    otlp_url: Url
    """URL of Loki's OTLP endpoint without `/v1/logs`, for example
    `http://loki-gateway.loki.svc:80/otlp`."""
    uid: DatasourceUid = "loki"
    """Uid of the datasource in Grafana; traces link to it."""
    username: UserName | None = None
    """User for basic authentication, with the password in the encrypted key
    `tracing:logsPassword`. Both are used as they are: `$` and `{{` have no meaning in them."""
    create_datasource: bool = False
    """Create the datasource, with links from log lines to traces. If false, one with this uid must
    exist."""


class ProfilesSettings(Settings):
    """The profiles backend: Pyroscope."""

    url: Url | None = None
    """URL that Grafana queries, for example `http://pyroscope.pyroscope.svc:4040`. Required with
    `createDatasource`, without effect otherwise."""
    uid: DatasourceUid = "pyroscope"
    """Uid of the datasource in Grafana; traces link to it."""
    create_datasource: bool = False
    """Create the datasource. If false, one with this uid must exist."""


class BackendSettings(Settings):
    """The backends for metrics, logs and profiles that Tempo, Alloy and Grafana use."""

    metrics: MetricsSettings | None = None
    """The metrics backend; without it, there are no span metrics and no links from traces to
    metrics."""
    logs: LogsSettings | None = None
    """The logs backend; without it, OTLP logs are refused and traces have no links to logs."""
    profiles: ProfilesSettings | None = None
    """The profiles backend; without it, traces have no links to profiles."""
