"""Chart tempo 3.0.0: the published package where it is there, else a stand-in made of 2.2.4.

The chart's values of 3.x can be read in its repository (commit d1e8f028 of
grafana-community/helm-charts), the package can't be had everywhere. Its pull request (764) removes
`tempo.ingester`, `tempo.memBallastSizeMbs` with the flag of Tempo, and the metrics-generator's
`traces_storage`, adds `tempo.liveStore` and `route.main`, and leaves the other templates as they
are. The stand-in does the same, without the template of the route.
"""

import io
import re
import tarfile
from pathlib import Path
from typing import Any

import yaml

from components.core.helm import TEMPO, TEMPO_3

_BALLAST = re.compile(r"^ *- -mem-ballast-size-mbs=.*\n", re.M)
_ROUTE: dict[str, Any] = {
    "main": {
        "enabled": False,
        "apiVersion": "",
        "kind": "HTTPRoute",
        "annotations": {},
        "labels": {},
        "hostnames": [],
        "parentRefs": [],
        "backendPort": 3200,
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "timeouts": {},
        "filters": [],
        "additionalRules": [],
        "httpsRedirect": False,
    }
}


def package(charts: Path, folder: Path) -> Path:
    """Return the package of chart tempo 3.0.0.

    Args:
        charts: folder of packaged charts.
        folder: where a stand-in is written.
    """
    published = charts / f"{TEMPO_3.name}-{TEMPO_3.version}.tgz"
    if published.is_file():
        return published
    made = folder / published.name
    with (
        tarfile.open(charts / f"{TEMPO.name}-{TEMPO.version}.tgz") as old,
        tarfile.open(made, "w:gz") as new,
    ):
        for member in old.getmembers():
            file = old.extractfile(member)
            if file is None:
                continue
            data = _changed(member.name.partition("/")[2], file.read().decode()).encode()
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return made


def _changed(name: str, text: str) -> str:
    if name == "Chart.yaml":
        about = yaml.safe_load(text) | {"version": TEMPO_3.version, "appVersion": "3.0.3"}
        return yaml.safe_dump(about)
    if name == "values.yaml":
        values: dict[str, Any] = yaml.safe_load(text)
        tempo = values["tempo"]
        del tempo["ingester"], tempo["memBallastSizeMbs"]
        del tempo["metricsGenerator"]["traces_storage"]
        tempo["liveStore"] = {}
        # The stack replaces the chart's own configuration.
        config = "live_store: {{ toYaml .Values.tempo.liveStore }}\n"
        kept = [line for line in values["config"].splitlines() if "ingester" not in line]
        values["config"] = config + "\n".join(line for line in kept if "traces_" not in line)
        return yaml.safe_dump(values | {"route": _ROUTE}, width=1000)
    return _BALLAST.sub("", text) if name == "templates/statefulset.yaml" else text
