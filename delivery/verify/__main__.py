"""Verifies a deployed stack with a trace and a log: python -m delivery.verify STACK."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi

from delivery import DeliveryError
from delivery.preflight.api import UnknownError
from delivery.preflight.finding import (
    Finding,
    Level,
    count,
    error,
    not_checked,
    summary,
    wrapped,
)
from delivery.verify import backends, storage, traces, workloads
from delivery.verify.site import Site, reached
from delivery.verify.traces import Run
from plan.command import reporting
from plan.run import run as planned


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of the checklist.

    Attributes:
        name: name for people.
        run: yields the findings.
        after: the check without which this one can find nothing else.
    """

    name: str
    run: Callable[[Run], Iterator[Finding]]
    after: str = ""


CHECKS: Final = (
    Check(name="workloads", run=lambda run: workloads.workloads(run.site)),
    Check(name="Alloy's configuration", run=lambda run: workloads.alloy_configuration(run.site)),
    Check(name="trace accepted", run=traces.accepted),
    Check(name="trace by id", run=traces.by_id, after="trace accepted"),
    Check(name="search", run=traces.searched, after="trace by id"),
    Check(name="bucket", run=storage.written, after="trace by id"),
    Check(name="newest block", run=storage.newest_block, after="bucket"),
    Check(name="retention", run=storage.retention),
    Check(name="datasources", run=backends.datasources),
    Check(name="log", run=backends.logs, after="trace accepted"),
    Check(name="span metrics", run=backends.span_metrics, after="trace by id"),
    Check(name="service graph", run=backends.service_graph, after="span metrics"),
)
_FIRST = max(map(len, Level))
_SECOND = max(len(check.name) for check in CHECKS)


def verify(site: Site, progress: Callable[[str, Finding], None]) -> list[tuple[str, Finding]]:
    """Return the findings of all checks, and report each one at once.

    A check whose predecessor failed is not run: a fault gives one line.
    """
    run, found = Run(site=site), list[tuple[str, Finding]]()
    failed: set[str] = set()
    for check in CHECKS:
        if check.after in failed:
            results = [not_checked(f"after {check.after}")]
        else:
            try:
                results = list(check.run(run))
            except UnknownError as reason:
                results = [not_checked(str(reason))]
            except DeliveryError as reason:
                results = [error(str(reason), "docs/troubleshooting.md")]
        if check.after in failed or any(its.level is Level.ERROR for its in results):
            failed.add(check.name)
        for result in results:
            found.append((check.name, result))
            progress(check.name, result)
    return found


def line(name: str, finding: Finding) -> str:
    """Return a finding as a line for a terminal; what is wrong comes with its runbook."""
    head = f"{finding.level:<{_FIRST}}  {name:<{_SECOND}}  "
    text = f"{finding.text}: {finding.fix}" if finding.fix else finding.text
    return "\n".join(wrapped(head, text))


@reporting(pulumi.RunError)
def main() -> int:
    """Verify one stack; return the exit status, 1 if there is an error."""
    parser = argparse.ArgumentParser(prog="delivery.verify", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    plan = planned(arguments.stack, Path.cwd())
    # JSON=1 keeps standard output for the document.
    shown = sys.stderr if arguments.json else sys.stdout
    with reached(plan) as site:
        found = verify(site, lambda name, its: print(line(name, its), file=shown, flush=True))
    errors = count(found, Level.ERROR)
    if arguments.json:
        checks = [{"check": name, **dataclasses.asdict(its)} for name, its in found]
        print(json.dumps({"stack": plan.stack, "errors": errors, "checks": checks}, indent=2))
    else:
        print(f"\n{summary(found)}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
