"""Settings of the backends for metrics, logs and profiles."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ..core.arn import RoleArn
from ..core.base import Settings, explained
from ..core.regions import Region
from ..core.texts import (
    AttributeName,
    ConfigMapName,
    DataKey,
    DatasourceUid,
    LabelName,
    SecretName,
    SigningName,
    TenantId,
    Text,
    Url,
    UserName,
)
from ..telemetry.metrics import Label

#: Index labels that Loki makes of OTLP resource attributes by default, those with few values. Newer
#: versions keep the pod's name as structured metadata, which a stream selector cannot match.
_OTLP = {"service.name": "service_name", "k8s.namespace.name": "k8s_namespace_name"}
#: Labels that collectors of the pods' output usually set.
_POD_LOGS = {
    "k8s.namespace.name": "namespace",
    "k8s.pod.name": "pod",
    "k8s.container.name": "container",
}
#: Attributes that dashboards filter logs by, with the label of their filter; the first is used.
_LOG_FILTERS = {"service.name": Label.SERVICE, "k8s.namespace.name": Label.NAMESPACE}


def _uid(existing: str, created: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    """Return the default of a uid: the usual one, or one that no other datasource has."""
    return Field(
        default_factory=lambda known: created if known.get("create_datasource") else existing
    )


class Auth(StrEnum):
    """How to sign in to a backend."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    SIGV4 = "sigv4"


class Sigv4Settings(Settings):
    """AWS signature of requests (Signature Version 4)."""

    region: Region | None = None
    """AWS region of the backend; by default that of a workspace of Amazon Managed Prometheus."""
    service: SigningName = "aps"
    """Name of the AWS service in signatures; `aps` is Amazon Managed Prometheus."""
    role_arn: RoleArn | None = None
    """ARN of a role that may use the backend, for example in its account. Tempo's, Alloy's and
    Grafana's own roles assume it, and its trust policy must allow them to."""


class SignInSettings(Settings):
    """How Grafana signs in to a backend."""

    tenant: TenantId | None = None
    """Tenant that is written and read, sent as the header `X-Scope-OrgID`."""
    auth: Auth | None = None
    """How to sign in: `none`, `basic` (user and password), `bearer` (a token) or `sigv4` (requests
    signed for AWS). If unset, `basic` with `username`, otherwise `none`. The password or token is
    an encrypted key of the stack file."""
    username: UserName | None = None
    """User for basic authentication. User and password are used as they are: `$` and `{{` have no
    meaning in them."""
    sigv4: Sigv4Settings = Sigv4Settings()
    """Signature of requests with `auth: sigv4`."""

    @property
    def sign_in(self) -> Auth:
        """How to sign in, also if `auth` is not set."""
        return self.auth or (Auth.BASIC if self.username else Auth.NONE)

    @property
    def has_password(self) -> bool:
        """Whether signing in requires a password or a token."""
        return self.sign_in in (Auth.BASIC, Auth.BEARER)


class SecretKeySettings(Settings):
    """One key of a Secret that exists in `namespaces.tracing`."""

    name: SecretName
    """Name of the Secret."""
    key: DataKey
    """Key of the password or token in it."""


class CaSettings(Settings):
    """Certificate authority in a ConfigMap or a Secret that exists in `namespaces.tracing`."""

    config_map: ConfigMapName | None = None
    """Name of the ConfigMap. Set either this or `secret`."""
    secret: SecretName | None = None
    """Name of the Secret."""
    key: DataKey = "ca.crt"
    """Key of the certificate in it, in PEM."""


class WriterSettings(SignInSettings):
    """How Tempo and Alloy sign in to a backend that they write to."""

    existing_secret: SecretKeySettings | None = None
    """Password or token from a Secret that exists, instead of an encrypted key. Pods start when the
    Secret is there."""
    ca: CaSettings | None = None
    """Certificate authority that signed the backend's certificate; by default one that the images
    trust."""


class RemoteWriteSettings(WriterSettings):
    """A further destination of the metrics."""

    url: Url
    """URL for Prometheus remote write."""


#: URLs that are written to and how to sign in there, by their keys in `backends`.
Writers = dict[str, tuple[str, WriterSettings]]


class MetricsType(StrEnum):
    """Kind of the metrics backend."""

    PROMETHEUS = "prometheus"
    MIMIR = "mimir"


class MetricsSettings(WriterSettings):
    """The metrics backend: Prometheus or Mimir."""

    url: Url
    """URL that Grafana queries, for example `http://mimir-gateway.mimir.svc:80/prometheus`."""
    remote_write_url: Url
    """URL for Prometheus remote write of Tempo's span metrics and of OTLP metrics."""
    type: MetricsType = MetricsType.PROMETHEUS
    """Kind of the backend, for the datasource that `createDatasource` creates. With `mimir`, the
    plan warns if SLOs are evaluated where their series are missing."""
    create_datasource: bool = False
    """Create the datasource, with exemplars that link to traces. If false, one with `uid` must
    exist."""
    uid: DatasourceUid = _uid("prometheus", "tracing-metrics")
    """Uid of the datasource in Grafana; traces link to it. By default `prometheus`, or
    `tracing-metrics` with `createDatasource`."""
    labels: dict[AttributeName, LabelName] = Field(
        default={
            "service.name": Label.SERVICE.value,
            "k8s.namespace.name": Label.NAMESPACE.value,
            "k8s.cluster.name": Label.CLUSTER.value,
        },
        min_length=1,
    )
    """Labels of the span metrics, by the attribute of the span that has their value, for the links
    from traces to metrics. Change them only if the backend renames what Tempo writes."""

    remote_writes: list[RemoteWriteSettings] = Field(default=[], max_length=10)
    """Further destinations of span metrics and OTLP metrics. A password or token of one is in an
    `existingSecret`."""

    @property
    def writers(self) -> Writers:
        """Where metrics are written to."""
        further = {f"metrics.remoteWrites[{n}]": one for n, one in enumerate(self.remote_writes)}
        return {
            "metrics": (self.remote_write_url, self),
            **{key: (its.url, its) for key, its in further.items()},
        }


def _filtered(tags: dict[str, str]) -> dict[str, str]:
    if not any(name in tags for name in _LOG_FILTERS):
        raise explained(
            f"must contain {' or '.join(_LOG_FILTERS)}, which dashboards filter logs by: add one "
            "with its label, for example k8s.namespace.name: namespace"
        )
    return tags


class LogLabelsSettings(Settings):
    """Labels of the lines in the logs backend, for the links between traces and logs."""

    tags: Annotated[dict[AttributeName, LabelName], AfterValidator(_filtered)] = _OTLP
    """Labels of the lines, by the attribute of the span that has their value."""
    trace_id_label: LabelName | None = "trace_id"
    """Label or structured metadata with the trace id. If null, the line itself contains it."""

    @property
    def filter(self) -> tuple[Label, str]:
        """The label of a dashboard's filter, with the label of the lines that it selects."""
        return next(
            (chosen, self.tags[name]) for name, chosen in _LOG_FILTERS.items() if name in self.tags
        )


#: Names for whole mappings.
_LABEL_PRESETS: Mapping[str, dict[str, Any]] = {
    "otlp": {},
    "podLogs": {"tags": _POD_LOGS, "traceIdLabel": None},
}


class _LabelPresets:
    """Lets a stack file name a preset in place of the mapping."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"enum": [*_LABEL_PRESETS]}, handler(core_schema)]}


def _preset(value: Any) -> Any:  # noqa: ANN401
    return _LABEL_PRESETS.get(value, value) if isinstance(value, str) else value


class LogsSettings(WriterSettings):
    """The logs backend: Loki."""

    url: Url | None = None
    """URL that Grafana queries, for example `http://loki-gateway.loki.svc:80`. Required with
    `createDatasource`, without effect otherwise."""
    otlp_url: Url
    """URL of Loki's OTLP endpoint without `/v1/logs`, for example
    `http://loki-gateway.loki.svc:80/otlp`."""
    create_datasource: bool = False
    """Create the datasource, with links from log lines to traces. If false, one with `uid` must
    exist."""
    uid: DatasourceUid = _uid("loki", "tracing-logs")
    """Uid of the datasource in Grafana; traces link to it. By default `loki`, or `tracing-logs`
    with `createDatasource`."""
    labels: Annotated[
        LogLabelsSettings,
        BeforeValidator(_preset),
        _LabelPresets(),
        Text(
            f"{', '.join(_LABEL_PRESETS)} or a mapping with the keys tags, traceIdLabel", "podLogs"
        ),
    ] = LogLabelsSettings()
    """How traces and lines find each other: `otlp` (lines that Alloy sends), `podLogs` (lines that
    a collector reads from the pods' output, with the labels `namespace`, `pod` and `container`),
    or a mapping."""

    @property
    def writers(self) -> Writers:
        """Where log lines are written to."""
        return {"logs": (self.otlp_url, self)}


class ProfilesSettings(SignInSettings):
    """The profiles backend: Pyroscope."""

    url: Url | None = None
    """URL that Grafana queries, for example `http://pyroscope.pyroscope.svc:4040`. Required with
    `createDatasource`, without effect otherwise."""
    create_datasource: bool = False
    """Create the datasource. If false, one with `uid` must exist."""
    uid: DatasourceUid = _uid("pyroscope", "tracing-profiles")
    """Uid of the datasource in Grafana; traces link to it. By default `pyroscope`, or
    `tracing-profiles` with `createDatasource`."""


class BackendSettings(Settings):
    """The backends for metrics, logs and profiles that Tempo, Alloy and Grafana use."""

    metrics: MetricsSettings | None = None
    """The metrics backend; without it, there are no span metrics and no links from traces to
    metrics."""
    logs: LogsSettings | None = None
    """The logs backend; without it, OTLP logs are refused and traces have no links to logs."""
    profiles: ProfilesSettings | None = None
    """The profiles backend; without it, traces have no links to profiles."""

    @property
    def writers(self) -> Writers:
        """Where metrics and log lines are written to."""
        return {
            **(self.metrics.writers if self.metrics else {}),
            **(self.logs.writers if self.logs else {}),
        }

    @property
    def signs_requests(self) -> bool:
        """Whether a backend requires requests that are signed for AWS."""
        return any(its.sign_in is Auth.SIGV4 for _, its in self.writers.values())
