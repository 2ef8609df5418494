"""Rules on tenants."""

from collections.abc import Iterator

from ..alloy.sizes import least_queue_bytes, queue_bytes
from ..core.problem import Problem, problem
from ..core.units import MIB
from ..settings import TracingSettings
from ..tempo import sizes as tempo_sizes
from ..tenancy.settings import TenancyMode, TenancySettings, tenant_uid

#: Longest uid of a datasource in Grafana.
_MOST_UID = 40


def tenancy(settings: TracingSettings) -> Iterator[Problem]:
    """Yield a problem for each contradiction between tenants and other settings."""
    its = settings.tenancy
    if not its.enabled:
        for name in sorted(its.model_fields_set - {"mode"}):
            key = type(its).model_fields[name].alias
            yield Problem(
                key=f"tenancy.{key}",
                message="has no effect with tenancy.mode: off: set byNamespace or byAttribute, or "
                "remove this key",
            )
        return
    yield from _mode(its)
    yield from _tenants(its)
    yield from _default(its)
    yield from _limits(settings)
    yield from _datasources(settings)
    if settings.tempo.tenant:
        yield problem(
            "tempo.tenant",
            settings.tempo.tenant,
            "contradicts tenancy.mode, which gives each span its tenant: remove one of the two",
        )
    for key, on in (("jaeger", settings.tempo.jaeger), ("zipkin", settings.tempo.zipkin)):
        if on:
            yield problem(
                f"tempo.{key}",
                True,
                "lets senders choose their tenant, because their spans bypass Alloy: remove this "
                "key, or set tenancy.mode: off",
            )
    for name, given in settings.tempo.overrides.items():
        if name != "*" and name not in its.names:
            yield problem(
                f"tempo.overrides.{name}",
                given,
                f"is no tenant of tenancy.tenants: use {' or '.join(its.names)}, or *",
            )


def _mode(its: TenancySettings) -> Iterator[Problem]:
    by_attribute = its.mode is TenancyMode.BY_ATTRIBUTE
    if by_attribute and its.attribute is None:
        yield Problem(
            key="tenancy.attribute",
            message="is missing: tenancy.mode: byAttribute needs a resource attribute, for example "
            "team",
        )
    if not by_attribute and its.attribute:
        yield problem(
            "tenancy.attribute",
            its.attribute,
            f"has no effect with tenancy.mode: {its.mode}: remove one of the two",
        )
    used, unused = ("values", "namespaces") if by_attribute else ("namespaces", "values")
    for number, tenant in enumerate(its.tenants):
        if given := getattr(tenant, unused):
            yield problem(
                f"tenancy.tenants[{number}].{unused}",
                given,
                f"has no effect with tenancy.mode: {its.mode}: use {used}",
            )


def _tenants(its: TenancySettings) -> Iterator[Problem]:
    if not its.tenants:
        yield Problem(
            key="tenancy.tenants",
            message=f"is missing: tenancy.mode: {its.mode} needs at least one tenant, for example "
            "{name: payments, namespaces: [payments]}",
        )
    which = "values" if its.mode is TenancyMode.BY_ATTRIBUTE else "namespaces"
    names: dict[str, int] = {}
    owners: dict[str, str] = {}
    for number, tenant in enumerate(its.tenants):
        key = f"tenancy.tenants[{number}]"
        if names.setdefault(tenant.name, number) != number:
            yield problem(
                f"{key}.name",
                tenant.name,
                f"is the name of tenancy.tenants[{names[tenant.name]}] too: choose another, or "
                "make one tenant of both",
            )
            continue
        for value in its.matched(tenant):
            if (owner := owners.setdefault(value, tenant.name)) != tenant.name:
                yield problem(
                    f"{key}.{which}",
                    value,
                    f"belongs to {owner} already, and a span has one tenant: remove one of the two",
                )
        if not its.matched(tenant) and tenant.name != its.default:
            yield problem(
                f"{key}.{which}",
                [],
                f"is empty, so that {tenant.name} gets no span: add one, or set tenancy.default: "
                f"{tenant.name}",
            )


def _default(its: TenancySettings) -> Iterator[Problem]:
    if its.default is None and not its.drop_unlisted:
        yield Problem(
            key="tenancy.default",
            message="is missing: name the tenant of spans that belong to no other one, for example "
            f"{its.names[0] if its.names else 'shared'}, or set tenancy.dropUnlisted: true",
        )
    if its.default and its.drop_unlisted:
        yield problem(
            "tenancy.dropUnlisted",
            True,
            "contradicts tenancy.default, which gets these spans: remove one of the two",
        )
    if its.default and its.default not in its.names:
        yield problem(
            "tenancy.default",
            its.default,
            f"is no tenant of tenancy.tenants: add it there, or use {' or '.join(its.names)}",
        )
    if not its.read_all and its.default is None:
        yield problem(
            "tenancy.readAll",
            False,
            "leaves the datasource grafana.tempoUid without a tenant: set tenancy.default, or "
            "remove this key",
        )


def _limits(settings: TracingSettings) -> Iterator[Problem]:
    for number, tenant in enumerate(settings.tenancy.tenants):
        key = f"tenancy.tenants[{number}]"
        if (tenant.retention_hours or 0) > settings.tempo.retention_hours:
            yield problem(
                f"{key}.retentionHours",
                tenant.retention_hours,
                f"must not be above tempo.retentionHours, {settings.tempo.retention_hours}, after "
                "which S3 deletes the objects of every tenant",
            )
        try:
            its = tempo_sizes.limits(settings.tempo).override(tenant.limits)
        except KeyError:
            # Tempo's mode has no such size, which another rule reports.
            return
        if its.burst_size_mib < its.rate_limit_mib:
            yield problem(
                f"{key}.limits.rateLimitMib",
                its.rate_limit_mib,
                f"must not be above the tenant's burstSizeMib, {its.burst_size_mib}: set both",
            )


def _datasources(settings: TracingSettings) -> Iterator[Problem]:
    taken = settings.datasource_uids
    for number, tenant in enumerate(settings.tenancy.tenants):
        if tenant.name in settings.tenancy.names[:number]:
            continue
        key = f"tenancy.tenants[{number}].name"
        uid = tenant_uid(settings.grafana.tempo_uid, tenant.name)
        if len(uid) > _MOST_UID:
            yield problem(
                key,
                tenant.name,
                f"makes the datasource's uid {uid} longer than {_MOST_UID} characters: choose a "
                "shorter name, or a shorter grafana.tempoUid",
            )
        if taken.setdefault(uid, key) != key:
            yield problem(
                key,
                tenant.name,
                f"makes the datasource's uid {uid}, which {taken[uid]} has too: choose another",
            )


def tenancy_notices(settings: TracingSettings) -> Iterator[str]:
    """Yield warnings about tenants."""
    its = settings.tenancy
    if not its.enabled:
        return
    if its.mode is TenancyMode.BY_ATTRIBUTE and not its.key.startswith("k8s."):
        yield (
            f"tenancy.mode byAttribute: senders set {its.key}, so that any sender can write to any "
            "tenant."
        )
    if its.key.startswith("k8s.") and settings.trusts_unidentified:
        yield (
            "tenancy: senders in the host network and outside the cluster can choose their tenant, "
            "because alloy.trustUnidentified keeps their k8s.* attributes."
        )
    if its.drop_unlisted:
        yield "tenancy.dropUnlisted: spans that belong to no tenant are dropped."
    if not settings.namespaces.network_policies:
        yield (
            "tenancy: without namespaces.networkPolicies, any pod can send to Tempo itself, as any "
            "tenant."
        )
    asked = len(its.tenants) * least_queue_bytes(settings.alloy)
    held = queue_bytes(settings.alloy, settings.load)
    if asked > held:
        yield (
            f"tenancy: the queues of {len(its.tenants)} tenants, each for a whole request, take "
            f"{asked // MIB} MiB in each pod instead of {held // MIB}: choose a larger alloy.size."
        )
