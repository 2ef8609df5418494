"""Checks what a stack needs before the first `up`: python -m delivery.preflight STACK."""

import argparse
import contextlib
import dataclasses
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import pulumi

from delivery.preflight import access, kafka, names, outside, platform, room, sources
from delivery.preflight.api import Cluster, UnknownError
from delivery.preflight.finding import Finding, Level, count, not_checked, summary, wrapped
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
    "Kafka": kafka.kafka,
    "Grafana": platform.grafana,
    "datasources": names.datasources,
    "kernels": platform.kernels,
    "Cilium": platform.cilium,
    "nodes": room.nodes,
    "priority class": platform.priority_class,
    "quotas": room.quotas,
}


def check(its: Sources) -> list[tuple[str, Finding]]:
    """Return the findings for each need of a plan, with its name."""
    wanted = [need.name for need in needs.needs(its.plan)]
    with ThreadPoolExecutor() as pool:
        results = dict(zip(wanted, pool.map(partial(_findings, its), wanted), strict=True))
    # One line for everything that can't be checked for the same reason.
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, result in results.items():
        if isinstance(result, str):
            reasons[result].append(name)
    found: list[tuple[str, Finding]] = []
    for name, result in results.items():
        if not isinstance(result, str):
            found += [(name, finding) for finding in result]
        elif names_of := reasons.pop(result, None):
            several = len(names_of) > 1
            text = f"{result} ({', '.join(names_of)})" if several else result
            found.append((f"{len(names_of)} needs" if several else name, not_checked(text)))
    return found


def _findings(its: Sources, name: str) -> list[Finding] | str:
    """Return the findings for a need, or why it can't be checked."""
    try:
        return list(CHECKS[name](its))
    except UnknownError as reason:
        return str(reason)


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
        lines += wrapped(head, finding.text)
        if finding.fix:
            lines += wrapped(" " * len(head) + "fix: ", finding.fix)
    return "\n".join([*lines, "", summary(found)])


def as_json(plan: Plan, found: Sequence[tuple[str, Finding]]) -> str:
    """Return the findings as JSON."""
    document = {
        "stack": plan.stack,
        "errors": count(found, Level.ERROR),
        "findings": [{"need": name, **dataclasses.asdict(finding)} for name, finding in found],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


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
    return 1 if count(found, Level.ERROR) else 0


if __name__ == "__main__":
    sys.exit(main())
