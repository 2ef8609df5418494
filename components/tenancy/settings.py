"""Settings of tenants."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ..core.base import Settings
from ..core.on_change import OnChange
from ..core.texts import ON_OFF, AttributeName, AttributeValue, NamespaceName, TenantId
from ..tempo.settings import TempoLimitSettings

_MODE = OnChange(
    happens="Older traces are not shown: they belong to the tenant that wrote them.",
    do="Add a datasource for the old tenant if you need them.",
    section="tenants.md#tenants",
)
_LESS = OnChange(
    happens="Older traces of the tenant are deleted for good.",
    do="Check who needs them.",
    section="tenants.md#tenants",
)


class TenancyMode(StrEnum):
    """How a span's tenant is found."""

    OFF = "off"
    BY_NAMESPACE = "byNamespace"
    BY_ATTRIBUTE = "byAttribute"


class TenantSettings(Settings):
    """One tenant."""

    name: TenantId
    """Name of the tenant in Tempo, sent as `X-Scope-OrgID`."""
    namespaces: list[NamespaceName] = Field(default=[])
    """Kubernetes namespaces whose spans belong to it, with `mode: byNamespace`."""
    values: list[AttributeValue] = Field(default=[])
    """Values of the attribute whose spans belong to it, with `mode: byAttribute`."""
    limits: TempoLimitSettings = TempoLimitSettings()
    """Ingestion limits of the tenant; by default those of `tempo.limits`, which every tenant has
    for itself."""
    retention_hours: Annotated[int | None, _LESS] = Field(default=None, ge=2, le=87_600)
    """Retention of its traces in hours; by default and at most `tempo.retentionHours`."""


class TenancySettings(Settings):
    """Tenants, whose traces Tempo keeps apart: see docs/tenants.md."""

    mode: Annotated[TenancyMode, ON_OFF, _MODE] = TenancyMode.OFF
    """How a span's tenant is found: `byNamespace` (the Kubernetes namespace of the pod that sends),
    `byAttribute` (an attribute that the sender sets) or `off`."""
    attribute: AttributeName | None = None
    """Resource attribute with the tenant's value, with `mode: byAttribute`."""
    tenants: list[TenantSettings] = Field(default=[], max_length=50)
    """The tenants. Each has a queue in Alloy and a datasource in Grafana of its own."""
    default: TenantId | None = None
    """Tenant of spans that belong to no other one; one of `tenants`."""
    drop_unlisted: bool = False
    """Drop spans that belong to no tenant, instead of `default`."""
    read_all: bool = True
    """Let the datasource `grafana.tempoUid`, which dashboards and links use, read all tenants. If
    false, it reads `default` only."""

    @property
    def enabled(self) -> bool:
        """Whether there are tenants."""
        return self.mode is not TenancyMode.OFF

    @property
    def names(self) -> list[str]:
        """Names of the tenants; none without tenancy."""
        return [tenant.name for tenant in self.tenants] if self.enabled else []

    @property
    def key(self) -> str:
        """Resource attribute that decides."""
        by_namespace = self.mode is TenancyMode.BY_NAMESPACE
        return "k8s.namespace.name" if by_namespace else self.attribute or ""

    @property
    def read_as(self) -> str | None:
        """Tenants that the main datasource reads, as Tempo takes several."""
        if not self.read_all:
            return self.default
        return "|".join(self.names) or None

    def matched(self, tenant: TenantSettings) -> list[str]:
        """Return the values of the attribute whose spans belong to a tenant."""
        return tenant.namespaces if self.mode is TenancyMode.BY_NAMESPACE else tenant.values


def tenant_uid(tempo_uid: str, tenant: str) -> str:
    """Return the uid of a tenant's datasource, whose characters Grafana and Kubernetes allow."""
    return f"{tempo_uid}-{re.sub(r'[^a-z0-9]+', '-', tenant.lower()).strip('-')}"
