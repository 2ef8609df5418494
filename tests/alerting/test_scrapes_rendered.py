"""The labels that alerts select by are those that the charts' ServiceMonitors give."""

from pathlib import Path
from typing import Any

from components.core.settings import ServiceMonitorSettings
from components.tempo.settings import TempoMode
from tests.alerting.cases import context
from tests.tempo.cases import arguments
from tests.tempo.rendering import needs_charts, of_kind, render

pytestmark = needs_charts


def monitors(mode: TempoMode, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the ServiceMonitors and the Services that a chart makes."""
    args = arguments(mode, service_monitor=ServiceMonitorSettings(enabled=True))
    objects = render(args, folder)
    return of_kind(objects, "ServiceMonitor"), of_kind(objects, "Service")


def test_each_part_of_a_distributed_tempo_has_its_job(tmp_path: Path) -> None:
    made, _ = monitors(TempoMode.DISTRIBUTED, tmp_path)
    jobs = {
        relabeling["replacement"]
        for monitor in made.values()
        for endpoint in monitor["spec"]["endpoints"]
        for relabeling in endpoint["relabelings"]
        if relabeling["targetLabel"] == "job"
    }

    assert jobs == set(context(TempoMode.DISTRIBUTED).tempo_jobs)


def test_the_job_of_a_monolithic_tempo_is_its_service(tmp_path: Path) -> None:
    made, services = monitors(TempoMode.MONOLITHIC, tmp_path)
    [monitor] = made.values()
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    found = [
        name
        for name, service in services.items()
        if wanted <= service["metadata"]["labels"].items()
    ]

    # Without jobLabel the operator names the job after the Service.
    assert "jobLabel" not in monitor["spec"]
    assert found == context(TempoMode.MONOLITHIC).tempo_jobs
