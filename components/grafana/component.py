"""Grafana's datasources as a component."""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core, meta

from ..backends.settings import BackendSettings
from ..core.names import MANAGED
from . import datasources
from .datasources import Datasource, provisioning_file
from .settings import GrafanaSettings


@dataclass(frozen=True, kw_only=True)
class GrafanaDatasourcesArgs:
    """Arguments of the datasources.

    Raises:
        ValueError: a datasource has a user name but no password, or no URL.
    """

    settings: GrafanaSettings = GrafanaSettings()
    """The Grafana side's settings."""
    backends: BackendSettings = BackendSettings()
    """The backends that traces lead to."""
    tempo_query_url: pulumi.Input[str]
    """URL of Tempo's query API."""
    tenant: str | None = None
    """Tenant to read traces as; none without multitenancy."""
    metrics_password: pulumi.Input[str] | None = None
    """Password of `backends.metrics.username`."""
    logs_password: pulumi.Input[str] | None = None
    """Password of `backends.logs.username`."""

    def __post_init__(self) -> None:
        for role, backend, password in (
            ("metrics", self.backends.metrics, self.metrics_password),
            ("logs", self.backends.logs, self.logs_password),
        ):
            if backend and backend.create_datasource and backend.username and password is None:
                raise ValueError(f"{role}: user {backend.username} has no password")
        for role, backend in (("logs", self.backends.logs), ("profiles", self.backends.profiles)):
            if backend and backend.create_datasource and backend.url is None:
                raise ValueError(f"{role}: the datasource has no url")


class GrafanaDatasources(pulumi.ComponentResource):
    """A ConfigMap for each datasource, for Grafana's sidecar; a Secret if it has a password."""

    tempo_uid: pulumi.Output[str]
    """Uid of the Tempo datasource."""

    def __init__(
        self, name: str, args: GrafanaDatasourcesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create the Tempo datasource, and those of the backends that enable one.

        Args:
            name: name of the component.
            args: the backends and their credentials.
            opts: options of the component.
        """
        super().__init__("tracing:index:GrafanaDatasources", name, {}, opts)
        self._name = name
        self._settings = settings = args.settings
        backends, uid = args.backends, settings.tempo_uid
        text = pulumi.Output.from_input(args.tempo_query_url).apply(
            lambda url: self._text(
                datasources.tempo(settings, backends, url=url, tenant=args.tenant)
            )
        )
        self._plain("tempo", text)
        if (metrics := backends.metrics) and metrics.create_datasource:
            self._with_login(
                "metrics",
                lambda password: datasources.metrics(metrics, tempo_uid=uid, password=password),
                username=metrics.username,
                password=args.metrics_password,
            )
        if (logs := backends.logs) and logs.create_datasource:
            self._with_login(
                "logs",
                lambda password: datasources.loki(logs, tempo_uid=uid, password=password),
                username=logs.username,
                password=args.logs_password,
            )
        if (profiles := backends.profiles) and profiles.create_datasource:
            self._plain("profiles", self._text(datasources.pyroscope(profiles)))
        self.tempo_uid = pulumi.Output.from_input(uid)
        self.register_outputs({"tempoUid": self.tempo_uid})

    def _plain(self, role: str, text: pulumi.Input[str]) -> None:
        file = _file_name(role)
        core.v1.ConfigMap(
            f"{self._name}-{role}",
            metadata=self._metadata(file),
            data={f"{file}.yaml": text},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _with_login(
        self,
        role: str,
        build: Callable[[str | None], Datasource],
        *,
        username: str | None,
        password: pulumi.Input[str] | None,
    ) -> None:
        if username is None or password is None:
            self._plain(role, self._text(build(None)))
            return
        # A separate file name: the sidecar would delete the new file with the old ConfigMap.
        file = f"{_file_name(role)}-login"
        text = pulumi.Output.secret(password).apply(lambda known: self._text(build(known)))
        core.v1.Secret(
            f"{self._name}-{role}",
            metadata=self._metadata(file),
            string_data={f"{file}.yaml": text},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _text(self, datasource: Datasource) -> str:
        return provisioning_file(datasource, org_id=self._settings.org_id)

    def _metadata(self, name: str) -> meta.v1.ObjectMetaArgs:
        settings = self._settings
        return meta.v1.ObjectMetaArgs(
            name=name,
            namespace=settings.namespace,
            labels={
                **MANAGED,
                settings.datasource_label: settings.datasource_label_value,
            },
        )


def _file_name(role: str) -> str:
    """Return the name of object and file: the sidecar writes all files into one folder."""
    return f"tracing-datasource-{role}"
