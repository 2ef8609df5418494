"""docs/versions.md and a workflow name what the code pins; Renovate opens no other major."""

import re
from pathlib import Path

from components.core import helm, versions
from components.core.registry import CHARTS
from components.core.versions import TEMPO_VERSIONS
from tests.contracts.check import contract

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/versions.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    section = DOCUMENT.partition(f"## {heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", section, re.M)
    assert table is not None
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_matrix_has_every_pinned_version() -> None:
    listed = {(row[2], row[3], row[1]) for row in rows("Tested versions")}
    assert listed == {(t.chart.name, t.chart.version, t.version) for t in versions.TESTED}
    assert {t.chart for t in versions.TESTED} == {*CHARTS, helm.TEMPO_3, helm.TEMPO_DISTRIBUTED_3}


def test_the_versions_are_those_of_the_recorded_contracts() -> None:
    for its in versions.TESTED:
        if its.program == "Tempo":
            # Of tempo-distributed, the stack sets the version.
            assert its.version in TEMPO_VERSIONS.values()
        else:
            recorded = contract(f"{its.chart.name}-{its.chart.version}")
            assert recorded["appVersion"].removeprefix("v") == its.version


def test_the_workflow_e2e_runs_the_tested_versions() -> None:
    text = (ROOT / ".github/workflows/e2e.yml").read_text()
    found = dict(re.findall(r"_IMAGE: grafana/(alloy|beyla|tempo):v?(\S+)", text))
    charts = (helm.ALLOY, helm.BEYLA, helm.TEMPO)
    tested = {chart.name: versions.of_chart(chart).version for chart in charts}
    assert found == tested


def test_renovate_opens_no_other_major_by_itself() -> None:
    text = (ROOT / "renovate.json5").read_text()
    # Nor the need for Kafka.
    assert re.search(
        r"matchPackageNames: \['tempo-distributed'\],\s*"
        r"matchCurrentVersion: '<3',\s*allowedVersions: '<3'",
        text,
    )
    assert "matchUpdateTypes: ['major'],\n      dependencyDashboardApproval: true" in text
