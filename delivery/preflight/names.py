"""Checks of names that may be taken, and of the namespaces that the stack uses."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from delivery.preflight.api import Json, annotations, items, labels, name, objects
from delivery.preflight.finding import Finding, error, ok, warning
from delivery.preflight.sources import Sources
from plan import needs
from plan.charts import API
from plan.dumping import load_yaml
from plan.recorder import Secret

Findings = Iterator[Finding]
#: From the strictest on.
_LEVELS = ("restricted", "baseline", "privileged")
_ENFORCE = "pod-security.kubernetes.io/enforce"
_HELM = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")


def names(its: Sources) -> Findings:
    """Check that no object, release or cluster-wide object of the charts exists already."""
    found = [*_objects(its), *_releases(its), *_cluster_wide(its)]
    yield from found or [ok("free, or of this stack" if its.deployed else "free")]


def _taken(its: Sources, what: str, fix: str) -> Finding:
    if its.deployed is None:
        return warning(
            f"{what}. Without the stack's state, preflight can't tell whether it is its own",
            f"if it isn't: {fix}",
        )
    return error(f"{what} and is not of this stack", fix)


def _objects(its: Sources) -> Findings:
    wanted: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for item in needs.objects(its.plan):
        if not its.is_deployed(item):
            key = item.inputs["apiVersion"], item.inputs["kind"], needs.namespace_of(item)
            wanted[key].append(name(item.inputs))
    for (api, kind, namespace), planned in wanted.items():
        there = {name(each) for each in objects(its.cluster, api, kind, namespace)}
        where = f" in {namespace}" if namespace else ""
        fix = "`up` would take it over: rename or delete it"
        if kind == "Namespace":
            fix = "choose another name in `namespaces`, or list it in namespaces.existing"
        for taken in sorted(there.intersection(planned)):
            yield _taken(its, f"{kind} {taken}{where} exists", fix)


def _releases(its: Sources) -> Findings:
    for release, _ in needs.releases(its.plan):
        own, namespace = release.inputs["name"], release.inputs["namespace"]
        # Helm keeps each revision of a release in a Secret.
        selector = f"labelSelector=owner%3Dhelm%2Cname%3D{own}"
        at = f"/api/v1/namespaces/{namespace}/secrets?{selector}"
        if items(its.cluster, at, metadata=True) and not its.is_deployed(release):
            yield _taken(
                its,
                f"Helm release {own} in {namespace} exists",
                "choose another namespace in `namespaces`, or uninstall the release",
            )


def _cluster_wide(its: Sources) -> Findings:
    """Yield cluster-wide objects that have names of the charts and belong to others."""
    for release, chart in needs.releases(its.plan):
        own = (release.inputs["name"], release.inputs["namespace"])
        for kind, wanted in needs.cluster_wide(release, chart):
            for found in objects(its.cluster, API[kind], kind):
                owner = tuple(annotations(found).get(key, "") for key in _HELM)
                if name(found) == wanted and owner != own:
                    by = f"Helm release {owner[0]} in {owner[1]}" if owner[0] else "no release"
                    yield error(
                        f"{kind} {wanted} belongs to {by}: Helm refuses release {own[0]}",
                        "remove it, or install the other release under another fullnameOverride",
                    )


def datasources(its: Sources) -> Findings:
    """Check that no other provisioning file has the uid or name of a planned datasource."""
    settings = its.plan.settings.grafana
    planned = [item.inputs for item in needs.objects(its.plan)]
    own = {name(item) for item in planned}
    wanted = [each for item in planned for each in provisioned(item)]
    at = f"/api/v1/namespaces/{settings.namespace}/configmaps"
    failed = False
    for item in items(its.cluster, f"{at}?labelSelector={settings.datasource_label}"):
        taken = [
            (key, each[key])
            for other in provisioned(item)
            for each in wanted
            for key in ("uid", "name")
            if name(item) not in own
            and other.get("orgId", 1) == each.get("orgId", 1)
            and other.get(key) == each[key]
        ]
        for key, value in taken:
            failed = True
            yield error(
                f"ConfigMap {name(item)} in {settings.namespace} has a datasource with {key} "
                f"{value} too: Grafana may not start",
                f"change the {key} of that datasource"
                + (", or grafana.tempoUid" if key == "uid" else ""),
            )
    if not failed:
        yield ok(f"no other {', '.join(each['uid'] for each in wanted)}")


def provisioned(item: Mapping[str, Any]) -> list[Json]:
    """Return the datasources in the provisioning files of a ConfigMap, or of a planned Secret."""
    found: list[Json] = []
    data: Any = item.get("data") or item.get("stringData") or {}
    files: dict[str, Any] = data.value if isinstance(data, Secret) else data
    for file, text in files.items():
        # Grafana itself reports files that it can't read.
        with contextlib.suppress(yaml.YAMLError, AttributeError):
            if file.endswith((".yaml", ".yml")):
                document = load_yaml(text.value if isinstance(text, Secret) else text)
                found += document.get("datasources") or []
    return found


def namespaces(its: Sources) -> Findings:
    """Check that the namespaces exist that the stack doesn't create."""
    wanted = needs.foreign_namespaces(its.plan)
    missing = [n for n in wanted if its.cluster.get(f"/api/v1/namespaces/{n}") is None]
    for each in missing:
        yield error(f"there is no namespace {each}", f"create it, or change {wanted[each]}")
    if not missing:
        yield ok(", ".join(wanted))


def pod_security(its: Sources) -> Findings:
    """Check that existing namespaces admit the pods."""
    failed = False
    for namespace, level in needs.pod_security(its.plan).items():
        found = its.cluster.get(f"/api/v1/namespaces/{namespace}")
        enforced = labels(found).get(_ENFORCE, "") if found else ""
        if enforced in _LEVELS and _LEVELS.index(enforced) < _LEVELS.index(level):
            failed = True
            yield error(
                f"namespace {namespace} enforces {enforced}, but its pods need {level}",
                f"kubectl label --overwrite namespace {namespace} {_ENFORCE}={level}",
            )
    if not failed:
        yield ok("no existing namespace refuses the pods")
