"""What the plan makes of a stack file, with all that a dashboard can show switched on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from components.core.names import TEMPO_RELEASE
from components.settings import TracingSettings
from plan.rehearse import storing
from plan.rehearse.collectors import Tier, tiers
from plan.rehearse.programs import ProgramError
from plan.run import run
from plan.write import masked, write
from policy.rules.reading import RELEASE

_ROOT = Path(__file__).parents[3]
#: SLOs on the shop, of each kind.
_SLOS = [
    {
        "name": "checkout-availability",
        "owner": "shop",
        "objective": 99,
        "availability": {"service": "checkout", "namespace": "orders"},
    },
    {
        "name": "checkout-latency",
        "owner": "shop",
        "objective": 95,
        "latency": {"service": "checkout", "namespace": "orders", "thresholdSeconds": 0.512},
    },
]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A stack that is to be run and asked.

    Attributes:
        settings: its settings.
        folder: the files of its plan.
        tiers: its tiers of Alloy.
        tempo: inputs of the release of its Tempo.
    """

    settings: TracingSettings
    folder: Path
    tiers: Sequence[Tier]
    tempo: Mapping[str, Any]

    def tempo_config(self, charts: Path) -> dict[str, Any]:
        """Return Tempo's configuration as helm renders it.

        Raises:
            ProgramError: helm refuses.
        """
        found = storing.of_plan(self.tempo, charts)
        if isinstance(found, str):
            raise ProgramError(found)
        return dict(found.config)

    def dashboards(self) -> list[dict[str, Any]]:
        """Return the dashboards as Grafana reads them."""
        return [json.loads(file.read_text()) for file in (self.folder / "grafana").glob("*.json")]

    def groups(self) -> list[dict[str, Any]]:
        """Return all rule groups."""
        found = [yaml.safe_load(f.read_text()) for f in (self.folder / "rules").glob("*.yaml")]
        return [group for one in found for group in one["groups"]]

    def span_queries(self) -> list[tuple[str, str]]:
        """Return the queries in a span's menu, with their names and Grafana's `$__tags`."""
        found = [yaml.safe_load(f.read_text()) for f in (self.folder / "grafana").glob("*.yaml")]
        tempo = [d for one in found for d in one["datasources"] if d["type"] == "tempo"]
        queries = [q for d in tempo for q in d["jsonData"]["tracesToMetrics"]["queries"]]
        # Grafana reads two dollar signs of a provisioning file as one.
        return [(q["name"], q["query"].replace("$$", "$")) for q in queries]


def plan(
    stack: str,
    remote_write: str,
    folder: Path,
    without: Sequence[str] = (),
    more: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Planned:
    """Plan a stack with ServiceMonitors, alerts and SLOs, and a metrics backend that is there.

    Args:
        stack: name of a stack file of this project.
        remote_write: URL of the metrics backend.
        folder: an empty folder for the stack file and the plan.
        without: backends of the stack file to leave out, such as `logs`.
        more: settings to add, by section, such as `alloy`.

    Returns:
        The plan.

    Raises:
        pulumi.RunError: the stack file is wrong.
    """
    name = f"Pulumi.{stack}.yaml"
    document = yaml.safe_load((_ROOT / name).read_text())
    config: dict[str, Any] = document["config"]
    backends: dict[str, Any] = config.setdefault("tracing:backends", {})
    for role in without:
        backends.pop(role, None)
    backends.setdefault("metrics", {"url": remote_write})["remoteWriteUrl"] = remote_write
    config.setdefault("tracing:grafana", {})["serviceMonitor"] = {"enabled": True}
    config["tracing:alerts"] = {"delivery": "configMap"}
    config["tracing:slos"] = _SLOS
    config["tracing:sloDefaults"] = {"enabled": True}
    for section, settings in more.items():
        config.setdefault(f"tracing:{section}", {}).update(settings)
    (folder / name).write_text(yaml.safe_dump(document))
    (folder / "Pulumi.yaml").write_text((_ROOT / "Pulumi.yaml").read_text())
    return written(stack, folder)


def written(stack: str, folder: Path) -> Planned:
    """Plan the stack file in a folder and write the plan there.

    Raises:
        pulumi.RunError: the stack file is wrong.
    """
    planned = run(stack, folder)
    write(planned, folder / "plan")
    releases = [masked(release.inputs) for release in planned.recording.of_type(RELEASE)]
    [tempo] = [one for one in releases if one["name"] == TEMPO_RELEASE]
    return Planned(
        settings=planned.settings,
        folder=folder / "plan",
        tiers=tiers(releases),
        tempo=tempo,
    )
