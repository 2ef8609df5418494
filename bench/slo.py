"""Measures the plan as the number of SLOs grows: python -m bench.slo."""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from plan.run import run
from plan.write import files

_COUNTS = (125, 250, 500, 1000)
_NAMESPACES = 50
_RUNS = 3


def slos(count: int) -> list[dict[str, Any]]:
    """Return SLOs in fifty namespaces, in the form of a stack file."""
    return [
        {
            "name": f"slo-{number}",
            "owner": "bench",
            "objective": 99.9,
            "availability": {
                "service": f"service-{number}",
                "namespace": f"team-{number % _NAMESPACES}",
            },
        }
        for number in range(count)
    ]


def planned(folder: Path, count: int) -> tuple[float, dict[str, str]]:
    """Plan dev with so many SLOs; return the CPU seconds and the plan's files."""
    document: dict[str, Any] = yaml.safe_load(Path("Pulumi.dev.yaml").read_text())
    document["config"]["tracing:slos"] = slos(count)
    (folder / "Pulumi.bench.yaml").write_text(yaml.safe_dump(document))
    start = time.process_time()
    written = files(run("bench", folder))
    return time.process_time() - start, written


def main() -> int:
    """Measure and print; return the exit status."""
    print("| SLOs | rules | objects | largest, KiB | largest group | CPU of the plan, s |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy("Pulumi.yaml", folder)
        planned(folder, 1)  # imports, not measured
        for count in _COUNTS:
            took, written = zip(*(planned(folder, count) for _ in range(_RUNS)), strict=True)
            rules = {n: t for n, t in written[0].items() if n.startswith("rules/tracing-slos")}
            groups = [g for t in rules.values() for g in yaml.safe_load(t)["groups"]]
            cells = (
                count,
                sum(len(group["rules"]) for group in groups),
                len(rules),
                f"{max(len(text.encode()) for text in rules.values()) / 1024:.0f}",
                max(len(group["rules"]) for group in groups),
                f"{statistics.median(took):.2f}",
            )
            print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
