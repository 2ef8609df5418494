"""Beyla's objects as helm renders its chart."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.core.helm import BEYLA
from components.core.names import BEYLA_RELEASE
from tests.helm import TEMPLATE

#: Objects by kind and name.
Objects = dict[tuple[str, str], dict[str, Any]]


def rendered(values: Mapping[str, Any], charts: Path, folder: Path) -> Objects:
    """Render the chart.

    Args:
        values: values of the release.
        charts: folder of packaged charts.
        folder: where the values are written.
    """
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    chart = charts / f"{BEYLA.name}-{BEYLA.version}.tgz"
    command = [*TEMPLATE, BEYLA_RELEASE, str(chart), "-n", "tracing-beyla", "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    objects = [found for found in yaml.safe_load_all(done.stdout) if found]
    return {(found["kind"], found["metadata"]["name"]): found for found in objects}
