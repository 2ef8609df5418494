"""The stack under test: brought up by the real CLI, or one that is there."""

import contextlib
import json
import os
import time
import urllib.request
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import yaml

from components.settings import TracingSettings
from delivery.reach import kubectl
from plan.run import Plan, run
from plan.write import write
from tests.e2e.cluster import kit, place
from tests.e2e.cluster.cluster import Cluster, Json
from tests.engine import lab as engine
from tests.engine.lab import Lab

#: Stack file that the suite starts from, and its context in the kubeconfig.
BASE = "local"
CONTEXT = os.environ.get("TRACING_E2E_CONTEXT", "kind-tracing")
#: What the suite adds to it: backends that answer, all that is scraped, rules that are evaluated.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "tempo": {"size": "s", "retentionHours": 24},
    "alloy": {"size": "s"},
    "beyla": {"enabled": False},
    "storage": {"endpoint": kit.GATE_URL},
    "backends": {
        "metrics": {
            "url": kit.PROMETHEUS_URL,
            "remoteWriteUrl": f"{kit.PROMETHEUS_URL}/api/v1/write",
        },
        "logs": {"otlpUrl": f"{kit.SINK_URL}/otlp"},
    },
    "alerts": {"delivery": "configMap"},
    "load": {"spansPerSecond": 500},
}


@dataclass
class Stack:
    """A deployed stack.

    Attributes:
        name: name of the stack.
        project: folder with its stack file.
        cluster: its cluster.
        place: how programs run there.
        lab: the project that the suite brought up; None for a stack that was there.
    """

    name: str
    project: Path
    cluster: Cluster
    place: place.Place
    lab: Lab | None = None
    plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        self.replan()

    def replan(self) -> None:
        """Read the stack file again."""
        self.plan = run(self.name, self.project)

    @property
    def settings(self) -> TracingSettings:
        """The stack's settings."""
        return self.plan.settings

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs."""
        return self.plan.recording.outputs

    @property
    def namespace(self) -> str:
        """Namespace of Tempo and Alloy."""
        return self.settings.namespaces.tracing

    def rules(self, folder: Path) -> list[Json]:
        """Return the planned rule groups, after writing the plan to a folder."""
        write(self.plan, folder)
        files = (folder / "rules").glob("*.yaml")
        return [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]

    def monitors(self) -> list[Json]:
        """Return the stack's ServiceMonitors and PodMonitors."""
        if not self.settings.grafana.service_monitor.enabled:
            return []
        kinds = ["servicemonitors", *(["podmonitors"] if self.settings.canary.enabled else [])]
        return self.cluster.items(",".join(kinds), "-n", self.namespace)

    @contextlib.contextmanager
    def tempo(self) -> Generator["Api"]:
        """Forward a port to Tempo's query API."""
        with self.cluster.forwarded(self.outputs["tempoQueryUrl"]) as url:
            yield Api(url)

    @contextlib.contextmanager
    def prometheus(self) -> Generator["Api"]:
        """Forward a port to the suite's Prometheus."""
        with self.cluster.forwarded(kit.PROMETHEUS_URL) as url:
            yield Api(url)

    @contextlib.contextmanager
    def sink(self) -> Generator["Api"]:
        """Forward a port to the suite's log sink."""
        with self.cluster.forwarded(kit.SINK_URL) as url:
            yield Api(url)

    def tools(self, namespace: str, *command: str, pod: str = f"deployment/{kit.TOOLS}") -> Any:
        """Run a command of `programs/tools.py` in a pod; return what it prints."""
        return self.cluster.exec(namespace, pod, self.place.python, "/e2e/tools.py", *command)

    def change(self, group: str, **values: Any) -> None:
        """Change settings in the stack file of a stack that the suite brought up."""
        if self.lab is None:
            raise ValueError("the stack was there before the suite")
        document = self.lab.read(self.name)
        config: dict[str, Any] = document["config"].setdefault(f"tracing:{group}", {})
        config.update(values)
        self.lab.write(self.name, document)
        self.replan()

    def up(self, *, ok: bool = True) -> Any:
        """Run `pulumi up`; it waits until every pod is ready."""
        if self.lab is None:
            raise ValueError("the stack was there before the suite")
        return self.lab.pulumi("up", "--yes", "--skip-preview", "--stack", self.name, ok=ok)


@dataclass(frozen=True)
class Api:
    """An HTTP API that answers JSON."""

    url: str

    def get(self, path: str, **query: Any) -> Any:
        """Return an answer, None if there is none or it is not found."""
        url = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                body = answer.read()
                return json.loads(body) if body else {}
        except (OSError, ValueError):
            return None

    def query(self, expr: str) -> list[Json]:
        """Return the series of a PromQL query now."""
        answer = self.get("/api/v1/query", query=expr)
        return cast(list[Json], answer["data"]["result"]) if answer else []

    def search(self, query: str, **more: Any) -> list[Json]:
        """Return the traces that a TraceQL search finds."""
        answer: Json = self.get("/api/search", q=query, **more) or {}
        return cast(list[Json], answer.get("traces") or [])


@contextlib.contextmanager
def there(name: str, here: place.Place) -> Generator[Stack]:
    """Yield a stack of this project that is deployed."""
    with kubectl(name, run(name, place.ROOT).settings.cluster) as command:
        yield Stack(name=name, project=place.ROOT, cluster=Cluster(*command), place=here)


@contextlib.contextmanager
def brought_up(folder: Path, here: place.Place, **changes: Any) -> Generator[Stack]:
    """Bring a stack up beside the kit, and remove both afterwards.

    Args:
        folder: an empty folder for project and state.
        here: how programs run in the cluster.
        changes: further settings, by group.
    """
    with engine.alone(), engine.chart_repository() as charts:
        yield from _brought_up(folder, charts, here, changes)


def _brought_up(
    folder: Path, charts: str, here: place.Place, changes: Mapping[str, Any]
) -> Generator[Stack]:
    cluster = Cluster("kubectl", f"--kubeconfig={os.environ['KUBECONFIG']}", f"--context={CONTEXT}")
    settings = {**SETTINGS, **changes, **place.settings()}
    kit.install(cluster, here, kafka="kafka" in settings["tempo"])
    lab = Lab(folder, charts, CONTEXT, stand_in=here.emulated)
    if cluster.run("get", "crd", "servicemonitors.monitoring.coreos.com", "--ignore-not-found"):
        settings["grafana"] = {"serviceMonitor": {"enabled": True}, **settings.get("grafana", {})}
    lab.adopt(BASE, **settings)
    stack = Stack(name=BASE, project=lab.project, cluster=cluster, place=here, lab=lab)
    begun = time.monotonic()
    stack.up()
    print(f"up took {time.monotonic() - begun:.0f} s")
    observe(stack, folder)
    try:
        yield stack
    finally:
        if not os.environ.get(place.KEEP):
            down = ("destroy", "--yes", "--skip-preview", "--exclude-protected", "--stack", BASE)
            lab.pulumi(*down, ok=False)
            kit.remove(cluster)


def observe(stack: Stack, folder: Path) -> None:
    """Let the kit's Prometheus scrape the stack and evaluate its rules."""
    cluster = stack.cluster
    config = kit.scraping(stack.monitors())
    cluster.apply(kit.prometheus(config, stack.rules(folder / "plan")))
    cluster.rolled_out(kit.MONITORING, f"deployment/{kit.PROMETHEUS}")
