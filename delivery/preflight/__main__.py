"""Checks what a stack needs before the first `up`: python -m delivery.preflight STACK."""

import argparse
import contextlib
import dataclasses
import json
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pulumi

from delivery.preflight import access, names, outside, platform, room, sources
from delivery.preflight.api import Cluster, UnknownError
from delivery.preflight.finding import Finding, Level, not_checked
from delivery.preflight.sources import Sources
from delivery.reach import kubectl
from plan import needs
from plan.command import CommandError, reporting
from plan.run import Plan, run

#: The check of each need, by its name.
CHECKS: Final[Mapping[str, Callable[[Sources], Iterator[Finding]]]] = {
    "cluster": platform.reached,
    "AWS account": outside.account,
    "bucket": outside.bucket,
    "charts": outside.charts,
    "images": outside.images,
    "Kubernetes": platform.version,
    "permissions": access.permissions,
    "kinds": platform.kinds,
    "names": names.names,
    "namespaces": names.namespaces,
    "pod security": names.pod_security,
    "storage class": platform.storage_class,
    "Pod Identity": platform.pod_identity,
    "OIDC issuer": platform.oidc_issuer,
    "network policies": platform.network_policies,
    "IP addresses": platform.ip_addresses,
    "Grafana": platform.grafana,
    "datasources": names.datasources,
    "kernels": platform.kernels,
    "Cilium": platform.cilium,
    "nodes": room.nodes,
    "priority class": platform.priority_class,
    "quotas": room.quotas,
}
_WIDTH = 100


def check(its: Sources) -> list[tuple[str, Finding]]:
    """Return the findings for each need of a plan, with its name."""
    wanted = [need.name for need in needs.needs(its.plan)]
    with ThreadPoolExecutor() as pool:
        results = [pool.submit(_findings, its, name) for name in wanted]
    found: list[tuple[str, Finding]] = []
    unknown: dict[str, list[str]] = defaultdict(list)
    for name, result in zip(wanted, results, strict=True):
        try:
            found += [(name, finding) for finding in result.result()]
        except UnknownError as reason:
            unknown[str(reason)].append(name)
    # One line for everything that can't be checked for one reason.
    for reason, names_of in unknown.items():
        head = names_of[0] if len(names_of) == 1 else f"{len(names_of)} others"
        text = reason if len(names_of) == 1 else f"{reason}: {', '.join(names_of)}"
        found.append((head, not_checked(text)))
    return found


def _findings(its: Sources, name: str) -> list[Finding]:
    return list(CHECKS[name](its))


def as_text(plan: Plan, found: Sequence[tuple[str, Finding]]) -> str:
    """Return the findings as a table for a terminal."""
    cluster = plan.settings.cluster
    lines = [
        f"Preflight of {plan.stack}: {cluster.name}, {cluster.region}, {cluster.account_id}",
        "",
    ]
    first = max(map(len, Level))
    second = max(len(name) for name, _ in found)
    for name, finding in found:
        head = f"{finding.level:<{first}}  {name:<{second}}  "
        lines += textwrap.wrap(
            finding.text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head)
        )
        if finding.fix:
            lines += textwrap.wrap(
                finding.fix,
                _WIDTH,
                initial_indent=" " * len(head) + "fix: ",
                subsequent_indent=" " * (len(head) + 5),
            )
    counts = [_counted(level, _count(found, level)) for level in reversed(Level)]
    return "\n".join([*lines, "", ", ".join(filter(None, counts))])


def _counted(level: Level, count: int) -> str:
    plural = "s" if count > 1 and level in (Level.ERROR, Level.WARNING) else ""
    return f"{count} {level}{plural}" if count else ""


def as_json(plan: Plan, found: Sequence[tuple[str, Finding]]) -> str:
    """Return the findings as JSON."""
    document = {
        "stack": plan.stack,
        "errors": _count(found, Level.ERROR),
        "findings": [{"need": name, **dataclasses.asdict(finding)} for name, finding in found],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _count(found: Sequence[tuple[str, Finding]], level: Level) -> int:
    return sum(finding.level is level for _, finding in found)


@contextlib.contextmanager
def reached(plan: Plan) -> Generator[Cluster]:
    """Yield the cluster's API; without one, an API whose every answer is the reason."""
    with contextlib.ExitStack() as stack:
        try:
            command = stack.enter_context(kubectl(plan.stack, plan.settings.cluster))
            cluster = stack.enter_context(sources.proxied(command))
            cluster.get("/version")
        except (CommandError, UnknownError) as reason:
            yield sources.Unreachable(str(reason))
            return
        yield cluster


@reporting(pulumi.RunError)
def main() -> int:
    """Check one stack; return the exit status, 1 if there is an error."""
    parser = argparse.ArgumentParser(prog="delivery.preflight", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    plan = run(arguments.stack, Path.cwd())
    with reached(plan) as cluster:
        found = check(
            Sources(
                plan=plan,
                cluster=cluster,
                aws=sources.aws(plan),
                head=sources.head,
                deployed=sources.deployed(plan),
            )
        )
    print((as_json if arguments.json else as_text)(plan, found))
    return 1 if _count(found, Level.ERROR) else 0


if __name__ == "__main__":
    sys.exit(main())
