"""Charts rendered by helm, where helm and the packaged charts are there."""

import os
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.core.helm import TEMPO_3, TEMPO_DISTRIBUTED_3, Chart
from components.core.names import TEMPO_RELEASE
from components.tempo.component import TempoArgs, values
from tests.helm import HELM, TEMPLATE
from tests.tempo.chart3 import package

#: Folder with the charts as `helm package` names them.
CHARTS = os.environ.get("TRACING_TEST_CHARTS")

needs_charts = pytest.mark.skipif(
    not (HELM and CHARTS), reason="needs helm on PATH and TRACING_TEST_CHARTS, a folder of charts"
)


def packaged(chart: Chart) -> Path:
    """Return where a packaged chart is, if it is there."""
    return Path(CHARTS or "") / f"{chart.name}-{chart.version}.tgz"


def needs_chart(chart: Chart) -> pytest.MarkDecorator:
    """Return the mark of a test that needs a chart which the folder may lack."""
    file = packaged(chart)
    return pytest.mark.skipif(
        not file.is_file(), reason=f"needs {file.name} in TRACING_TEST_CHARTS"
    )


needs_chart_of_kafka = needs_chart(TEMPO_DISTRIBUTED_3)


def render(args: TempoArgs, folder: Path) -> list[dict[str, Any]]:
    """Return the objects that helm makes of the arguments."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values(args)))
    chart = packaged(args.chart_in_use)
    if args.chart_in_use == TEMPO_3:
        chart = package(Path(CHARTS or ""), folder)
    # The kinds of the Prometheus operator are told, since there is no cluster to ask.
    options = {
        "--namespace": args.namespace,
        "--values": file,
        "--api-versions": "monitoring.coreos.com/v1",
    }
    done = subprocess.run(
        [*TEMPLATE, TEMPO_RELEASE, chart, *chain(*options.items())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a kind by their names."""
    return {o["metadata"]["name"]: o for o in objects if o["kind"] == kind}


def pod_specs(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the pod's spec of every workload."""
    for o in objects:
        if o["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
            yield o["metadata"]["name"], o["spec"]["template"]["spec"]


def tempo_config(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Return Tempo's configuration from the rendered ConfigMap."""
    [text] = [
        o["data"]["tempo.yaml"]
        for o in objects
        if o["kind"] == "ConfigMap" and "tempo.yaml" in o["data"]
    ]
    return yaml.safe_load(text)
