"""What the stack knows of each system that it installs; `registry` lists the systems."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..settings import TracingSettings
from .flows import Flows
from .helm import Chart, Rollout
from .overrides import Check
from .settings import NamespaceKey, PlacementSettings
from .workload import Workload


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What goes with a resource that is deleted or replaced.

    Attributes:
        deleted: consequence of deleting it for good, one or two sentences.
        replaced: consequence of replacing it by a new one.
        data: whether data or access is lost, so that each such resource is named in a report.
        section: page and heading under docs/ with the steps; empty for none.
    """

    deleted: str
    replaced: str
    data: bool = False
    section: str = ""


@dataclass(frozen=True, kw_only=True)
class System:
    """One system: a Helm release with its namespace and workloads.

    Attributes:
        name: name for people.
        charts: pinned charts, one for each way to install the system.
        namespace: key of its namespace in `namespaces`.
        loss: what goes with its release.
        placement: its own placement, without that of the stack.
        workloads: its workloads by their names for people; none where it does not run.
        flows: name and spec of the network policies that admit its traffic.
        checks: what a stack file sets by the keys of the chart or program.
        summary: setting and value for the summary of the plan.
    """

    name: str
    release: str
    charts: tuple[Chart, ...]
    namespace: NamespaceKey
    pod_security: str = "restricted"
    loss: Loss
    placement: Callable[[TracingSettings], PlacementSettings]
    workloads: Callable[[TracingSettings], Mapping[str, Workload]]
    rollouts: Callable[[TracingSettings], Iterable[Rollout]]
    flows: Callable[[TracingSettings], Flows]
    checks: Callable[[TracingSettings], Iterable[Check]]
    summary: Callable[[TracingSettings], Iterator[tuple[str, str]]]

    def namespace_name(self, settings: TracingSettings) -> str:
        """Return the name of its namespace in the cluster."""
        return getattr(settings.namespaces, self.namespace)

    def creates_namespace(self, settings: TracingSettings) -> bool:
        """Return whether the stack creates its namespace, and deletes it."""
        return self.namespace not in settings.namespaces.existing

    def runs(self, settings: TracingSettings) -> bool:
        """Return whether the stack installs it."""
        return bool(self.workloads(settings))
