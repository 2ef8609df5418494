"""Rules about environment, cluster, namespaces, charts and tags."""

import ipaddress
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from pydantic.alias_generators import to_camel

from ..beyla.config import NEVER_INSTRUMENTED, SYSTEM_NAMESPACES
from ..core.helm import TEMPO_DISTRIBUTED
from ..core.problem import Problem, problem
from ..core.regions import dns_suffix
from ..core.registry import CHARTS, SYSTEMS
from ..core.texts import DNS_LABEL, is_no_text
from ..core.tier import PRODUCTION_NAMES, Tier
from ..identity.settings import IdentityMode
from ..settings import TracingSettings

#: Namespaces that are not ours to own: deleting the stack would delete them.
_SYSTEM_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
#: Keys of tags that the stack sets itself.
OWN_TAGS = ("environment", "managed-by")
#: Tags for one resource, by AWS; two are the stack's own.
_MOST_TAGS = 48


def environment(settings: TracingSettings) -> Iterator[Problem]:
    """An environment called prod is production."""
    env = settings.environment
    if env.name in PRODUCTION_NAMES and env.tier is not Tier.PRODUCTION:
        yield problem(
            "environment.tier", env.tier, f'an environment named "{env.name}" is production'
        )


def access(settings: TracingSettings) -> Iterator[Problem]:
    """There is one way to the cluster.

    A rule of stack files alone: in other programs the provider comes with the resource options.
    """
    its = settings.cluster
    if not its.kube_context and not its.stack_reference:
        yield Problem(
            key="cluster.kubeContext",
            message="name a context of your kubeconfig, or the stack that owns the cluster in "
            "cluster.stackReference",
        )
    if its.kube_context and its.stack_reference:
        yield problem(
            "cluster.stackReference",
            its.stack_reference,
            "give this or cluster.kubeContext, not both",
        )


def cluster(settings: TracingSettings) -> Iterator[Problem]:
    """The cluster's addresses are addresses, of its region."""
    its = settings.cluster
    for index, cidr in enumerate(its.node_cidrs):
        if not _is_range(cidr):
            yield problem(
                f"cluster.nodeCidrs[{index}]", cidr, "must be an address range, like 10.0.0.0/16"
            )
        elif cidr.endswith("/0"):
            yield problem(
                f"cluster.nodeCidrs[{index}]",
                cidr,
                "admits every address: give the ranges of the nodes' subnets, like 10.0.0.0/16",
            )
    issuer = its.oidc_issuer or ""
    eks = "https://oidc.eks."
    if issuer.startswith(eks) and not issuer.startswith(
        own := f"{eks}{its.region}.{dns_suffix(its.region)}/"
    ):
        yield problem(
            "cluster.oidcIssuer",
            its.oidc_issuer,
            f"must begin with {own}: cluster.region is {its.region}",
        )


def _is_range(cidr: str) -> bool:
    """Tell whether Kubernetes takes it; Python would take an address or a netmask as well."""
    try:
        ipaddress.ip_network(cidr)
    except ValueError:
        return False
    return re.fullmatch(r"[0-9A-Fa-f.:]+/[0-9]{1,3}", cidr) is not None


def identity(settings: TracingSettings) -> Iterator[Problem]:
    """Each way to credentials has what it needs."""
    its = settings.identity
    if its.mode is IdentityMode.IRSA and not settings.cluster.oidc_issuer:
        yield problem("identity.mode", its.mode, "needs the issuer's URL in cluster.oidcIssuer")
    if its.role_arn and its.role_name:
        yield problem(
            "identity.roleName", its.role_name, "an existing role is used: remove this key"
        )
    if its.role_arn and its.permissions_boundary_arn:
        yield problem(
            "identity.permissionsBoundaryArn",
            its.permissions_boundary_arn,
            "an existing role is used, which is not changed: remove this key",
        )
    if its.mode is IdentityMode.NONE:
        if not settings.storage.endpoint:
            yield problem(
                "identity.mode", its.mode, "is for an S3 stand-in only: set storage.endpoint"
            )
        if its.role_arn or its.role_name:
            key, value = ("roleArn", its.role_arn) if its.role_arn else ("roleName", its.role_name)
            yield problem(
                f"identity.{key}", value, "identity.mode none uses no role: remove this key"
            )
    elif settings.storage.endpoint:
        yield problem(
            "storage.endpoint",
            settings.storage.endpoint,
            "an S3 stand-in knows no AWS roles: set identity.mode to none",
        )
    name = settings.role_name
    if not its.role_arn and its.mode is not IdentityMode.NONE and len(name) > 64:
        yield Problem(
            key="identity.roleName",
            message=f"the default {name} is longer than the 64 characters that IAM allows: set a "
            "shorter one",
        )


def namespaces(settings: TracingSettings) -> Iterator[Problem]:
    """The stack owns namespaces that nobody else owns, and they differ."""
    its = settings.namespaces
    for key in dict.fromkeys(system.namespace for system in SYSTEMS):
        name: str = getattr(its, key)
        if name in _SYSTEM_NAMESPACES:
            yield problem(
                f"namespaces.{key}", name, "is the cluster's own; the stack must own its namespaces"
            )
        if is_no_text(name):
            yield problem(
                f"namespaces.{key}",
                name,
                "is no text to YAML, and the charts can't install there: choose another name",
            )
    if settings.operator.enabled and its.operator in (its.tracing, its.beyla):
        yield problem(
            "namespaces.operator", its.operator, "must differ from the stack's other namespaces"
        )
    if settings.operator.enabled and its.operator == settings.grafana.namespace:
        yield problem("namespaces.operator", its.operator, "must differ from grafana.namespace")
    if its.beyla == its.tracing:
        yield problem(
            "namespaces.beyla",
            its.beyla,
            "must differ from namespaces.tracing: Beyla is privileged",
        )
    if its.scrapers and not its.network_policies:
        yield problem(
            "namespaces.scrapers",
            its.scrapers,
            "has no effect with namespaces.networkPolicies: false: remove one of the two",
        )
    if its.beyla == settings.grafana.namespace:
        yield problem("namespaces.beyla", its.beyla, "must differ from grafana.namespace")


def charts(settings: TracingSettings) -> Iterator[Problem]:
    """A chart of another major version takes other values."""
    for chart in CHARTS:
        own, major = chart.own_settings(settings.charts), chart.version.split(".")[0]
        if own.version and own.version.split(".")[0] != major:
            yield problem(
                f"charts.{to_camel(chart.key)}.version",
                own.version,
                f"must be {major}.x: another major version takes other values"
                + (" and needs Kafka" if chart == TEMPO_DISTRIBUTED else ""),
            )


def tags(settings: TracingSettings) -> Iterator[Problem]:
    """Tags are such as AWS takes."""
    if len(settings.tags) > _MOST_TAGS:
        yield Problem(
            key="tags", message=f"{len(settings.tags)} tags; AWS takes {_MOST_TAGS} beside our own"
        )
    seen: dict[str, str] = {}
    for key, value in settings.tags.items():
        where = f"tags.{key}"
        # IAM's tag keys ignore case (IAM User Guide, "Tags for IAM resources").
        twin = seen.setdefault(key.lower(), key)
        if key.lower() in OWN_TAGS:
            yield problem(where, value, "is set by the stack itself: remove it")
        elif twin != key:
            yield problem(where, value, f"is the same key as {twin} to IAM, which ignores case")
        elif key.lower().startswith("aws:") or not 1 <= len(key) <= 128:
            yield problem(where, value, "a key has 1 to 128 characters and no aws: in front")
        elif len(value) > 256 or re.search(r"[^\w .:/=+@-]", key + value):
            yield problem(where, value, "at most 256 letters, digits, spaces and _ . : / = + - @")


def beyla(settings: TracingSettings) -> Iterator[Problem]:
    """Beyla looks at namespaces that can be, and its traffic gets through."""
    its = settings.beyla
    for name in ("namespaces", "excluded_namespaces"):
        key = "beyla.namespaces" if name == "namespaces" else "beyla.excludedNamespaces"
        for index, value in enumerate(getattr(its, name)):
            if not re.fullmatch(DNS_LABEL, value.replace("*", "a")):
                yield problem(f"{key}[{index}]", value, "must be a namespace; * matches any text")
    for pattern in its.excluded_namespaces:
        if named := [name for name in its.namespaces if fnmatchcase(name, pattern)]:
            yield problem(
                "beyla.excludedNamespaces",
                pattern,
                f"excludes all of {', '.join(named)}, which beyla.namespaces selects: remove one "
                "of the two",
            )
    if settings.beyla_runs and len(never_instrumented(settings)) == len(its.namespaces):
        yield problem(
            "beyla.namespaces",
            its.namespaces,
            f"selects only namespaces that Beyla never instruments ({SYSTEM_NAMESPACES}, "
            f"{', '.join(sorted(NEVER_INSTRUMENTED))} and the stack's own): add the namespace of "
            "an application, for example shop, or set beyla.enabled: false",
        )
    filtered = settings.beyla_in_host_network and settings.namespaces.network_policies
    if filtered and not settings.cluster.node_cidrs:
        yield problem(
            "beyla.contextPropagation",
            its.context_propagation,
            "puts Beyla into the host network: give the nodes' address ranges in "
            "cluster.nodeCidrs, or turn namespaces.networkPolicies off",
        )
    if settings.beyla_in_host_network and settings.alloy.trust_unidentified is False:
        yield problem(
            "alloy.trustUnidentified",
            False,
            "drops the namespace and pod of all spans of Beyla, which sends from the host network "
            f"with beyla.contextPropagation: {its.context_propagation}: remove this key or disable "
            "context propagation",
        )


def never_instrumented(settings: TracingSettings) -> list[str]:
    """Return the entries of `beyla.namespaces` that select only what Beyla never instruments."""
    never = [SYSTEM_NAMESPACES, *NEVER_INSTRUMENTED, *settings.own_namespaces]
    return [
        name
        for name in settings.beyla.namespaces
        if any(fnmatchcase(name, pattern) for pattern in never)
    ]


def operator(settings: TracingSettings) -> Iterator[Problem]:
    """What SDKs of the operator send has somewhere to go."""
    its, backends = settings.operator, settings.backends
    for key, on, backend in (
        ("metrics", its.metrics, backends.metrics),
        ("logs", its.logs, backends.logs),
    ):
        if on and backend is None:
            yield problem(
                f"operator.{key}", on, f"needs backends.{key}: without it Alloy takes no {key}"
            )
