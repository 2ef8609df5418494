"""Summary of the plan: settings, policy, resources, sums, cost, outputs and warnings."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from components.alerting.settings import RuleDelivery
from components.backends.settings import Auth
from components.core import placement
from components.core.overrides import leaves
from components.core.problem import shown_at
from components.core.registry import SYSTEMS, running, workloads
from components.settings import TracingSettings
from config.markdown import table
from plan.cost.estimate import estimate
from plan.cost.report import section as cost
from plan.needs import needs
from plan.policies import section
from plan.recorder import STACK_TYPE, UNKNOWN, Resource, Secret
from plan.run import Plan
from plan.stackfile import MASK
from plan.sums import COLUMNS, sums, written
from policy.rules import Violation
from policy.rules.reading import items

_LATER = "(known after up)"


def summary(plan: Plan, counts: Mapping[str, int], violations: Sequence[Violation]) -> str:
    """Return the summary as Markdown that is readable in a terminal too."""
    settings = plan.settings
    count = sum(1 for r in plan.recording.resources if r.type != STACK_TYPE)
    where = f"{settings.cluster.name}, {settings.cluster.region}, {settings.cluster.account_id}"
    parts = [
        f"# Plan of {plan.stack}",
        f"{settings.environment.name} ({settings.environment.tier}) on {where}: {count} resources.",
        table([("setting", "value"), *summary_rows(settings)], aligned=True),
        *_overridden(settings),
        "## Policy",
        section(violations, settings.environment.tier),
        "## Resources",
        "```text\n" + "\n".join(_tree(plan.recording.resources)) + "\n```",
        "## Sums",
        table(list(_sums(settings)), aligned=True),
        "Sums are for the minimum number of pods.",
        cost(settings, estimate(settings)),
        "## Delivered to Grafana and the ruler",
        table([("kind", "count"), *((k, str(n)) for k, n in counts.items())], aligned=True),
        "## Needs",
        table([("need", "what", "for"), *map(dataclasses.astuple, needs(plan))], aligned=True),
        f"`make preflight STACK={plan.stack}` checks this before the first `up`.",
        "## Outputs",
        "\n".join(f"- {name}: {_value(v)}" for name, v in sorted(plan.recording.outputs.items())),
        "## Warnings",
        "\n".join(f"- {w}" for w in plan.recording.warnings) or "None.",
    ]
    return "\n\n".join(parts) + "\n"


def summary_rows(settings: TracingSettings) -> Iterator[tuple[str, str]]:
    """Yield the settings that a reviewer needs first."""
    for system in SYSTEMS:
        yield from system.summary(settings)
    levels = {s.namespace_name(settings): s for s in running(settings)}
    for name, system in levels.items():
        if not system.creates_namespace(settings):
            level = system.pod_security
            yield "existing namespace", f"{name}, must exist and permit pod security {level}"
    if placed := placement.summary(settings.placement):
        yield "placement", placed
    for system in running(settings):
        if placed := placement.summary(system.placement(settings)):
            yield f"placement of {system.name}", placed
    storage = settings.storage
    existing = ", existing" if storage.existing else ""
    yield "bucket", f"{settings.bucket}, {storage.encryption}{existing}"
    yield "on destroy", _fate(settings)
    yield "identity", settings.identity.mode
    if metrics := settings.backends.metrics:
        for name, (url, writer) in metrics.writers.items():
            signed = f", {writer.sign_in}" if writer.sign_in is not Auth.NONE else ""
            kind = f"{metrics.type}, " if name == "metrics" else ""
            yield "metrics backend", f"{kind}{url}{signed}"
    alerts = settings.alerts
    for name, delivery, evaluator in (
        ("alerts", alerts.delivery, alerts.evaluator),
        ("SLOs", settings.slo_delivery, alerts.slo_rules.evaluator),
    ):
        delivered = delivery is not RuleDelivery.NONE
        yield name, f"{delivery}, evaluated by {evaluator}" if delivered else "not delivered"
    yield "network policies", "on" if settings.namespaces.network_policies else "off"


def _overridden(settings: TracingSettings) -> Iterator[str]:
    """Yield the section with values that stack files set by the keys of charts and programs."""
    rows = [
        (check.setting, key, shown_at(key, value))
        for system in running(settings)
        for check in system.checks(settings)
        for key, value in leaves(check.given)
    ]
    if rows:
        yield "## Overridden chart values"
        yield table([("setting", "key", "value"), *rows], aligned=True)


def _fate(settings: TracingSettings) -> str:
    storage = settings.storage
    if storage.existing or storage.protect:
        return "the bucket and its traces are kept"
    if storage.force_destroy:
        return "the bucket is deleted with all traces"
    return "the bucket is deleted if it is empty, else the destroy fails"


def _tree(resources: Sequence[Resource]) -> Iterator[str]:
    children: dict[str, list[Resource]] = {}
    for resource in resources:
        children.setdefault(resource.parent, []).append(resource)

    def lines(resource: Resource, lead: str, last: bool) -> Iterator[str]:
        yield f"{lead}{'└─' if last else '├─'} {_line(resource)}"
        for child in (below := children.get(resource.urn, [])):
            yield from lines(child, lead + ("   " if last else "│  "), child is below[-1])

    for root in children.get("", []):
        yield f"{_kind(root)}  {root.name}"
        for child in (below := children.get(root.urn, [])):
            yield from lines(child, "", child is below[-1])


def _line(resource: Resource) -> str:
    kind = _kind(resource)
    detail = _DETAILS[kind](resource.inputs) if kind in _DETAILS else ""
    protected = "protected" if resource.protect else ""
    kept = "kept on delete" if resource.retain_on_delete else ""
    return "  ".join(filter(None, (kind, resource.name, detail, protected, kept)))


def _kind(resource: Resource) -> str:
    kind = resource.type.rsplit(":", 1)[-1]
    return "Provider" if resource.type.startswith("pulumi:providers:") else kind


def _named(inputs: dict[str, Any]) -> str:
    metadata = inputs["metadata"]
    namespace = metadata.get("namespace")
    return f"{metadata['name']} in {namespace}" if namespace else metadata["name"]


def _namespace(inputs: dict[str, Any]) -> str:
    labels = inputs["metadata"].get("labels", {})
    level = labels.get("pod-security.kubernetes.io/enforce", "none")
    return f"{inputs['metadata']['name']}, pod security {level}"


def _lifecycle(inputs: dict[str, Any]) -> str:
    days = [r["expiration"]["days"] for r in inputs["rules"] if "expiration" in r]
    return f"objects expire after {days[0]} days" if days else ""


def _policy(inputs: dict[str, Any]) -> str:
    if inputs["policy"] == UNKNOWN:
        return _LATER
    statements = json.loads(inputs["policy"])["Statement"]
    actions = [str(action) for s in statements for action in items(s["Action"])]
    return f"{statements[0]['Effect'].lower()} {', '.join(actions)}"


_DETAILS: dict[str, Callable[[dict[str, Any]], str]] = {
    "Bucket": lambda i: (
        i["bucket"] + (", destroyed with its traces" if i.get("forceDestroy") else "")
    ),
    "BucketLifecycleConfiguration": _lifecycle,
    "BucketPolicy": lambda i: "denies plain HTTP",
    "BucketServerSideEncryptionConfiguration": lambda i: i["rules"][0][
        "applyServerSideEncryptionByDefault"
    ]["sseAlgorithm"],
    "ConfigMap": _named,
    "Namespace": _namespace,
    "NetworkPolicy": _named,
    "PodIdentityAssociation": lambda i: (
        f"{i['namespace']}/{i['serviceAccount']} on {i['clusterName']}"
    ),
    "Release": lambda i: (
        f"{i['chart']} {i['version']} in {i['namespace']}{', atomic' if i.get('atomic') else ''}"
    ),
    "Role": lambda i: i["name"],
    "RolePolicy": _policy,
    "PrometheusRule": _named,
    "Secret": _named,
}


def _sums(settings: TracingSettings) -> Iterator[tuple[str, ...]]:
    yield "workload", *COLUMNS
    sizes = {name: dataclasses.asdict(size) for name, size in workloads(settings).items()}
    for name, size in sizes.items():
        cells = {column: written(column, amount) for column, amount in sums([size]).items()}
        if (size["max_replicas"] or 0) > size["replicas"]:
            cells["pods"] += f" to {size['max_replicas']}"
        yield name, *cells.values()
    total = sums(sizes.values())
    yield "sum", *(written(column, amount) for column, amount in total.items())


def _value(value: object) -> str:
    if isinstance(value, Secret):
        return MASK
    return _LATER if value == UNKNOWN else str(value) or "(empty)"
