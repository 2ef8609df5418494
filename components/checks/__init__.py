"""Rules across settings: what no single setting can tell by itself."""

from collections.abc import Iterator, Mapping

from ..core.problem import Problem, SettingsError, problem, shown
from ..settings import TracingSettings
from . import alerts, arns, grafana, load, platform, slo, storage, tempo
from .credentials import SECRETS, credentials

__all__ = [
    "SECRETS",
    "Problem",
    "SettingsError",
    "check",
    "credentials",
    "problem",
    "problems",
    "shown",
]

_RULES = (
    platform.environment,
    platform.cluster,
    platform.identity,
    arns.arns,
    platform.namespaces,
    platform.charts,
    platform.tags,
    platform.beyla,
    platform.operator,
    storage.bucket,
    storage.encryption,
    storage.deletion,
    storage.endpoint,
    storage.retention,
    tempo.mode,
    tempo.image,
    tempo.tenant,
    tempo.limits,
    tempo.workloads,
    grafana.uids,
    grafana.datasource_urls,
    grafana.labels,
    grafana.ignored_paths,
    alerts.labels,
    slo.slos,
    slo.slo_defaults,
    load.load,
)


def problems(settings: TracingSettings, *, stack_file: bool = True) -> Iterator[Problem]:
    """Yield every problem that lies between settings; each one alone is valid already.

    Args:
        settings: settings, each valid by itself.
        stack_file: whether they are a stack file's, which says how the cluster is reached too.
    """
    for rule in (*_RULES, platform.access) if stack_file else _RULES:
        yield from rule(settings)


def check(settings: TracingSettings, source: str, passwords: Mapping[str, object]) -> None:
    """Refuse settings of a component that contradict each other.

    Args:
        settings: settings, each valid by itself.
        source: where they come from, for the message.
        passwords: the passwords that there are, by the keys of `SECRETS`.

    Raises:
        SettingsError: with every problem.
    """
    found = [
        *problems(settings, stack_file=False),
        *credentials(settings, passwords, stack_file=False),
    ]
    if found:
        raise SettingsError(source, found)
