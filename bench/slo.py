"""Measures the rules of SLOs as their number grows: python -m bench.slo."""

import statistics
import sys
import time
from collections.abc import Sequence

from components.alerts.delivery import RuleFile, rule_files
from components.slo.rules import groups
from components.slo.settings import AvailabilitySettings, SloDefaultsSettings, SloSettings

_COUNTS = (125, 250, 500, 1000)
_NAMESPACES = 50
_RUNS = 5


def slos(count: int) -> list[SloSettings]:
    """Return SLOs over fifty namespaces."""
    return [
        SloSettings(
            name=f"slo-{number}",
            owner="bench",
            objective=99.9,
            availability=AvailabilitySettings(
                service=f"service-{number}", namespace=f"team-{number % _NAMESPACES}"
            ),
        )
        for number in range(count)
    ]


def made(given: Sequence[SloSettings]) -> list[RuleFile]:
    """Return the rule files of SLOs."""
    found = groups(
        given,
        SloDefaultsSettings(),
        cluster="bench",
        runbook_base_url="docs/runbooks",
        alert_labels={},
    )
    return rule_files("tracing-slos", found)


def main() -> int:
    """Measure and print; return the exit status."""
    print("| SLOs | rules | objects | largest, KiB | CPU, s | CPU of each, ms |")
    print("|---|---|---|---|---|---|")
    for count in _COUNTS:
        given = slos(count)
        files = made(given)
        took: list[float] = []
        for _ in range(_RUNS):
            start = time.process_time()
            made(given)
            took.append(time.process_time() - start)
        rules = sum(len(group["rules"]) for file in files for group in file.groups)
        largest = max(len(file.text.encode()) for file in files) / 1024
        cost = statistics.median(took)
        each = cost / count * 1000
        cells = (count, rules, len(files), f"{largest:.0f}", f"{cost:.2f}", f"{each:.2f}")
        print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
