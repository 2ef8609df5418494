"""Arguments of Tempo for tests, and all of them for hypothesis."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from components.backends.settings import MetricsSettings
from components.core import helm
from components.core.settings import PlacementSettings, PodSettings, ServiceMonitorSettings, Size
from components.tempo.component import TempoArgs, pinned_chart
from components.tempo.settings import (
    TempoLimitSettings,
    TempoMode,
    TempoSettings,
    TempoWorkloadSettings,
)

METRICS = MetricsSettings(
    url="http://mimir.mimir.svc/prometheus",
    remote_write_url="http://mimir.mimir.svc/api/v1/push",
)
METRICS_WITH_USER = METRICS.model_copy(update={"username": "writer"})
CHARTS = {TempoMode.MONOLITHIC: helm.TEMPO, TempoMode.DISTRIBUTED: helm.TEMPO_DISTRIBUTED}
SIZES = {TempoMode.MONOLITHIC: list(Size), TempoMode.DISTRIBUTED: [Size.S, Size.M, Size.L]}


def arguments(mode: TempoMode, /, **changes: Any) -> TempoArgs:
    """Return arguments of a mode; names of settings change the settings, others the arguments."""
    of_settings = {k: v for k, v in changes.items() if k in TempoSettings.model_fields}
    settings = TempoSettings.model_validate({"mode": mode, "size": "m", **of_settings})
    args = TempoArgs(
        settings=settings,
        namespace="tracing",
        chart=pinned_chart(settings),
        atomic=False,
        image_registry=None,
        bucket="traces-dev",
        region="eu-west-1",
        storage_endpoint=None,
        irsa_role_arn=None,
        cluster_name="dev",
        metrics=METRICS,
        credentials_secret=None,
        service_monitor=ServiceMonitorSettings(),
    )
    return replace(args, **{k: v for k, v in changes.items() if k not in of_settings})


def _workload(name: str) -> st.SearchStrategy[PodSettings]:
    settings: PodSettings = getattr(TempoWorkloadSettings(), name)
    kind = type(settings)
    count = st.none() | st.integers(1, 50)
    amount = st.none() | st.integers(16, 100_000)
    values: dict[str, Any] = {
        "replicas": count,
        "max_replicas": st.none() | st.integers(50, 100),
        "cpu_limit_millicores": amount,
        "memory_limit_mib": amount,
        "volume_gib": count,
    }
    return st.builds(kind, **{k: v for k, v in values.items() if k in kind.model_fields})


_workloads = st.builds(
    TempoWorkloadSettings,
    **{name: _workload(name) for name in TempoWorkloadSettings.model_fields},  # pyright: ignore[reportArgumentType]
)
_limits = st.builds(
    TempoLimitSettings,
    rate_limit_mib=st.none() | st.integers(1, 10_000),
    max_trace_mib=st.none() | st.integers(1, 1_000),
)


@st.composite
def any_arguments(draw: st.DrawFn, mode: TempoMode) -> TempoArgs:
    """Draw arguments of a mode."""
    return arguments(
        mode,
        size=draw(st.sampled_from(SIZES[mode])),
        retention_hours=draw(st.integers(2, 87_600)),
        tenant=draw(st.none() | st.just("team-a")),
        jaeger=draw(st.booleans()),
        zipkin=draw(st.booleans()),
        traceql_metrics=draw(st.booleans()),
        storage_class=draw(st.none() | st.just("gp3")),
        placement=PlacementSettings(priority_class=draw(st.none() | st.just("high"))),
        workloads=draw(_workloads),
        limits=draw(_limits),
        image_registry=draw(st.none() | st.just("registry.example:5000/mirror")),
        region=draw(st.sampled_from(["eu-west-1", "cn-north-1", "us-gov-west-1"])),
        storage_endpoint=draw(st.none() | st.just("http://moto.default:5000")),
        irsa_role_arn=draw(st.none() | st.just("arn:aws:iam::123456789012:role/tempo")),
        metrics=draw(st.sampled_from([None, METRICS, METRICS_WITH_USER])),
        credentials_secret="tracing-credentials",
        service_monitor=ServiceMonitorSettings(
            enabled=draw(st.booleans()),
            labels=draw(st.dictionaries(st.just("release"), st.just("prometheus"))),
        ),
    )
