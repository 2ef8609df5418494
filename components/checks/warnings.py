"""What is allowed and still worth a second look; said at every preview."""

from collections.abc import Iterator

from ..core.registry import CHARTS
from ..core.tier import Tier
from ..identity.settings import IdentityMode
from ..settings import TracingSettings
from ..tempo.settings import TempoMode
from . import alerts, grafana, load
from .platform import never_instrumented


def warnings(settings: TracingSettings) -> Iterator[str]:
    """Yield one sentence for each thing that a reviewer should know."""
    production = settings.environment.tier is Tier.PRODUCTION
    if production and settings.tempo.mode is TempoMode.MONOLITHIC:
        yield (
            "tempo.mode monolithic is one replica: while it restarts, spans wait in Alloy and "
            "queries fail."
        )
    if production and not settings.storage.protect:
        yield "storage.protect is off in production: the bucket can be deleted with its traces."
    if settings.storage.existing:
        yield (
            f"storage.existing: encryption, lifecycle and access of {settings.bucket} are its "
            "owner's; objects are expired by Tempo alone."
        )
    if settings.identity.role_arn and settings.identity.mode is not IdentityMode.NONE:
        yield "identity.roleArn: the role's permissions and trust are its owner's, unchecked here."
    if settings.backends.metrics is None:
        yield "backends.metrics is not set: no span metrics, no service graph, no OTLP metrics."
    if settings.backends.logs is None:
        yield "backends.logs is not set: OTLP logs are not accepted, traces do not lead to logs."
    yield from grafana.unused(settings)
    yield from alerts.notices(settings)
    yield from load.notices(settings)
    if settings.beyla.enabled and not settings.beyla.namespaces:
        yield "beyla.namespaces is empty: Beyla is not installed."
    if never := never_instrumented(settings):
        yield f"beyla.namespaces: Beyla never instruments {', '.join(never)}."
    if settings.beyla_in_host_network:
        yield (
            f"beyla.contextPropagation {settings.beyla.context_propagation}: on nodes with Cilium, "
            "or with Linux from 6.6.128, 6.12.75, 6.18.14 or 6.19 on, it stalls or fails requests "
            'of applications. Test it on one node group first: see "Enable context propagation" '
            "in docs/beyla.md."
        )
    if settings.operator.enabled and settings.operator.go:
        yield "operator.go is on: pods that ask for Go's agent get a privileged container."
    if not settings.namespaces.network_policies:
        yield "namespaces.networkPolicies is off: any pod can reach Tempo and Alloy."
    for chart in CHARTS:
        own = chart.own_settings(settings.charts).version
        if own and own != chart.version:
            yield (
                f"chart {chart.name} {own} is not the pinned {chart.version}, which the "
                "values were checked against."
            )
