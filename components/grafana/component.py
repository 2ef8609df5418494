"""Grafana's datasources as a component."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from ..backends.settings import BackendSettings, SignInSettings
from ..core.outputs import register
from ..tempo.settings import Histograms
from .datasources import builders
from .delivery import Delivery
from .settings import GrafanaSettings


@dataclass(frozen=True, kw_only=True)
class GrafanaDatasourcesArgs:
    """Arguments of the datasources.

    Raises:
        ValueError: a datasource has no URL, or not the password or token that it requires.
    """

    settings: GrafanaSettings = GrafanaSettings()
    """The Grafana side's settings."""
    backends: BackendSettings = BackendSettings()
    """The backends that traces lead to."""
    tempo_query_url: pulumi.Input[str]
    """URL of Tempo's query API."""
    tenant: str | None = None
    """Tenant to read traces as, or several as `a|b`; none without multitenancy."""
    tenants: Sequence[str] = ()
    """Tenants that have a datasource of their own too."""
    histograms: Histograms = Histograms.CLASSIC
    """Kind of the histograms of span metrics."""
    metrics_password: pulumi.Input[str] | None = None
    """Password or token of `backends.metrics`."""
    logs_password: pulumi.Input[str] | None = None
    """Password or token of `backends.logs`."""
    profiles_password: pulumi.Input[str] | None = None
    """Password or token of `backends.profiles`."""

    def __post_init__(self) -> None:
        for role, backend, password in (
            ("metrics", self.backends.metrics, self.metrics_password),
            ("logs", self.backends.logs, self.logs_password),
            ("profiles", self.backends.profiles, self.profiles_password),
        ):
            if backend and backend.create_datasource and backend.has_password and password is None:
                raise ValueError(f"{role}: the datasource has no password")
        for role, backend in (("logs", self.backends.logs), ("profiles", self.backends.profiles)):
            if backend and backend.create_datasource and backend.url is None:
                raise ValueError(f"{role}: the datasource has no url")


class GrafanaDatasources(pulumi.ComponentResource):
    """An object for each datasource, by `settings.delivery`; a password is in a Secret.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.
    """

    tempo_uid: pulumi.Output[str]
    """Uid of the Tempo datasource."""

    def __init__(
        self, name: str, args: GrafanaDatasourcesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create the Tempo datasource, and those of the backends that enable one."""
        super().__init__("tracing:index:GrafanaDatasources", name, {}, opts)
        settings, delivery = args.settings, Delivery(name, args.settings, self)
        passwords = {
            "metrics": args.metrics_password,
            "logs": args.logs_password,
            "profiles": args.profiles_password,
        }
        datasources = builders(
            settings,
            args.backends,
            tenant=args.tenant,
            tenants=args.tenants,
            histograms=args.histograms,
        )
        for role, build in datasources.items():
            backend: SignInSettings | None = getattr(args.backends, role, None)
            delivery.datasource(
                role,
                build,
                url=args.tempo_query_url,
                password=passwords[role] if backend and backend.has_password else None,
            )
        self.tempo_uid = pulumi.Output.from_input(settings.tempo_uid)
        register(self)
