"""Checks of the pods: does each workload run, and with which configuration?"""

import http
import re
import time
from collections.abc import Iterator
from typing import Any, Final

from components.alloy.system import ALLOY
from components.core.names import ALLOY_HTTP_PORT
from components.core.registry import running
from components.core.system import System
from delivery import DeliveryError
from delivery.preflight.api import Json, labels, name
from delivery.preflight.finding import Finding, error, ok, warning
from delivery.verify.site import PAUSE_SECONDS, Site, ask, dig

#: Runbook of a system that doesn't run.
_RUNBOOKS: Final = {
    "Tempo": "docs/runbooks/tempo-down.md",
    "Alloy": "docs/runbooks/alloy-down.md",
    "Beyla": "docs/runbooks/beyla-missing-on-nodes.md",
    "Canary": "docs/runbooks/canary-stopped.md",
}
#: States of a component of Alloy that runs, and of one that was created a moment ago.
_NOT_BROKEN: Final = ("healthy", "unknown")
#: What a program's log says before it stops, with its cause and runbook.
_CAUSES: Final = (
    (
        r"AccessDenied|Access Denied|InvalidAccessKeyId|not authorized to perform",
        "S3 denies it access",
        "docs/runbooks/tempo-storage-access-denied.md",
    ),
    (
        r"NoSuchBucket|no such host|unexpected error from .* on (?:GET|PUT|HEAD)|init tempodb",
        "it can't use the bucket",
        "docs/runbooks/tempo-storage-unreachable.md",
    ),
    (
        r"could not perform the initial load successfully|Failed to build component",
        "its configuration is refused",
        "docs/runbooks/alloy-config-not-loaded.md",
    ),
    (r"failed parsing config|not found in type", "its configuration is refused", ""),
)
_KINDS: Final = {
    "deployments": ("Deployment", "replicas", "availableReplicas", "updatedReplicas"),
    "statefulsets": ("StatefulSet", "replicas", "readyReplicas", "updatedReplicas"),
    "daemonsets": ("DaemonSet", "", "numberReady", "updatedNumberScheduled"),
}


def workloads(site: Site) -> Iterator[Finding]:
    """Check that all pods of each workload are ready.

    Helm accepts a DaemonSet without a ready pod: `maxUnavailable` allows one of one to be missing.
    """
    count = pods = 0
    failed = False
    for system in running(site.settings):
        namespace = system.namespace_name(site.settings)
        of_system = site.pods_of(system)
        found = False
        for plural, (kind, *fields) in _KINDS.items():
            for item in site.objects_of(system, "/apis/apps/v1", plural):
                found = True
                wanted, ready = _ready(item, *fields)
                count, pods = count + 1, pods + wanted
                if wanted == 0 and kind == "DaemonSet":
                    failed = True
                    yield warning(
                        f"DaemonSet {name(item)} in {namespace} runs on no node",
                        _runbook(system),
                    )
                elif ready < wanted:
                    failed = True
                    yield _not_ready(site, system, f"{kind} {name(item)}", item, of_system)
        if not found:
            failed = True
            yield error(
                f"{system.name} is not deployed: no workload in {namespace}", "run `make up`"
            )
    if not failed:
        yield ok(f"{pods} of {pods} pods of {count} workloads are ready")


def _ready(item: Json, wanted: str, ready: str, updated: str) -> tuple[int, int]:
    """Return how many pods a workload wants, and how many of its newest revision are ready."""
    status: dict[str, Any] = item.get("status") or {}
    number = item["spec"].get(wanted, 1) if wanted else status.get("desiredNumberScheduled", 0)
    counts = [status.get(ready) or 0, status.get(updated) or 0]
    stale = status.get("observedGeneration", 0) < item["metadata"].get("generation", 0)
    return number, 0 if stale else min(counts)


def _not_ready(site: Site, system: System, what: str, item: Json, pods: list[Json]) -> Finding:
    selector: dict[str, str] = item["spec"]["selector"]["matchLabels"]
    own = [pod for pod in pods if selector.items() <= labels(pod).items()]
    namespace = item["metadata"]["namespace"]
    reasons = [(pod, reason) for pod in own if (reason := _reason(pod))]
    text = f"{what} in {namespace}: {len(own) - len(reasons)} of {len(own)} pods are ready"
    if not reasons:
        return error(f"{text}, and not all of them run the newest revision", _runbook(system))
    pod, reason = reasons[0]
    runbook = _runbook(system)
    if "Crash" in reason or "exit code" in reason:
        said = site.logs(namespace, name(pod), True) or site.logs(namespace, name(pod), False)
        for pattern, cause, page in _CAUSES:
            lines = [line for line in said.splitlines() if re.search(pattern, line)]
            if lines:
                reason = f"{cause}: {_short(lines[-1])}"
                runbook = page or runbook
                break
        else:
            if last := said.strip().splitlines()[-1:]:
                reason = f"{reason}: {_short(last[0])}"
    return error(f"{text}; {name(pod)}: {reason}", runbook)


def _short(line: str) -> str:
    return line if len(line) <= 300 else f"{line[:300]}..."


def _runbook(system: System) -> str:
    return _RUNBOOKS.get(system.name, "docs/troubleshooting.md")


def _reason(pod: Json) -> str:
    """Return why a pod is not ready; empty if it is."""
    status: dict[str, Any] = pod.get("status") or {}
    conditions: dict[str, Any] = {each["type"]: each for each in status.get("conditions") or ()}
    if conditions.get("Ready", {}).get("status") == "True":
        return ""
    every: list[Json] = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    for container in every:
        state: dict[str, dict[str, Any]] = container.get("state") or {}
        ended: dict[str, Any] = (
            dig(container, "lastState", "terminated") or state.get("terminated") or {}
        )
        if waiting := state.get("waiting"):
            if waiting.get("reason") in ("PodInitializing", "ContainerCreating"):
                continue
            why = f"{ended.get('reason')}, exit code {ended.get('exitCode')}"
            said = why if ended else waiting.get("message") or ""
            return f"{waiting.get('reason')} {said}".strip()
        if ended and not container.get("ready"):
            return f"{ended.get('reason')}, exit code {ended.get('exitCode')}"
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"not scheduled: {scheduled.get('message', '')}"
    return f"{status.get('phase', 'Unknown')}, not ready"


def alloy_configuration(site: Site) -> Iterator[Finding]:
    """Have each pod of Alloy load the configuration that it was given, and run all of it.

    Alloy answers a reload with 200 even if a component fails as it starts afterwards. A reload of
    the same configuration makes a failed receiver of OTLP healthy, although it doesn't listen
    (measured with 1.18.1), so the components are read before it too.
    """
    namespace = ALLOY.namespace_name(site.settings)
    loaded: dict[str, str] = {}
    broken: dict[str, list[str]] = {}
    bad = 0
    for pod in map(name, site.pods_of(ALLOY)):
        try:
            url = site.forward(namespace, f"pod/{pod}", ALLOY_HTTP_PORT)
        except DeliveryError:
            # The check of workloads names a pod that doesn't run.
            continue
        broken[pod] = list(_broken(f"{url}/api/v0/web"))
        answer = ask(f"{url}/-/reload", body=b"")
        if answer.status == http.HTTPStatus.OK:
            loaded[pod] = url
        elif answer.status:
            bad += 1
            yield error(
                f"{pod} can't load Alloy's configuration and keeps the previous one: "
                f"{_short(_first_error(answer.text))}",
                "docs/runbooks/alloy-config-not-loaded.md",
            )
    if loaded:
        time.sleep(PAUSE_SECONDS)
    for pod, url in loaded.items():
        if parts := broken[pod] or list(_broken(f"{url}/api/v0/web")):
            bad += 1
            more = f", and {len(parts) - 1} more" if len(parts) > 1 else ""
            yield error(
                f"{pod} runs without a part of Alloy's configuration: {_short(parts[0])}{more}",
                "docs/runbooks/alloy-config-not-loaded.md",
            )
    if not loaded and not bad:
        yield error("no pod of Alloy answers", "docs/runbooks/alloy-down.md")
    elif not bad:
        yield ok(f"{len(loaded)} pods run with the newest one")


def _broken(api: str, module: str = "") -> Iterator[str]:
    """Yield the components of a module that don't run, and of the modules in it, with the reason.

    A module is healthy while a component in it has exited.
    """
    path = f"/modules/{module}/components" if module else "/components"
    components: list[dict[str, Any]] = ask(f"{api}{path}").json() or []
    for component in components:
        if modules := component.get("createdModuleIDs"):
            for each in modules:
                yield from _broken(api, each)
        elif (health := component["health"])["state"] not in _NOT_BROKEN:
            where = f"{module}/" if module else ""
            yield f"{where}{component['localID']} is {health['state']}: {health['message']}"


def _first_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "rror" in line), (lines or ["no reason given"])[0])
