"""Alloy and Beyla: do they take spans, and do they get rid of them."""

from ...alerting.context import AlertContext
from ...core.names import BEYLA_RELEASE
from ...telemetry.context import DashboardContext
from ...telemetry.metrics import AlloyMetric, BeylaMetric, ClusterMetric, RemoteWriteMetric
from ...telemetry.promql import GRAPH, ONCE, ratio
from .. import units
from ..layout import Dashboard, Line, Section, dashboard, line, section
from ..links import Link, dashboard_url
from ..panels import GOOD, Steps
from ..tables import Column, Order, table_panel
from ..uids import Uid
from .red import stat
from .scraped import FULL_STEPS, LOSS_STEPS, added, graph, once, per_hour, programs

#: Share of pods that answer: all must.
ALL_STEPS: Steps = {None: "red", 1: GOOD}
#: Things that should not be at all.
ANY_STEPS: Steps = {None: GOOD, 1: "red"}


def build(context: DashboardContext) -> Dashboard:
    """Return the dashboard; without Beyla it is about Alloy alone."""
    ours = programs(context)
    links = [Link(title="Tempo", url=dashboard_url(Uid.TEMPO, keep=[]))]
    sections = [
        section("How Alloy is", _state(context, ours)),
        section("Spans through Alloy", _spans(context, ours)),
        section("Backends and pods of Alloy", _backends(context, ours)),
    ]
    if context.beyla_namespace:
        sections.append(_beyla(context, ours))
        links.append(Link(title="Requests that Beyla sees", url=dashboard_url(Uid.BEYLA, keep=[])))
    return dashboard(
        Uid.COLLECTORS,
        "Alloy and Beyla" if context.beyla_namespace else "Alloy",
        "How what collects spans is: what it receives, refuses, sends and loses.",
        *sections,
        links=links,
    )


def _state(context: DashboardContext, ours: AlertContext) -> Line:
    up = ours.alloy(ClusterMetric.UP)
    accepted = added(ours.alloy(AlloyMetric.SPANS_ACCEPTED), window=ONCE)
    refused = added(ours.alloy(AlloyMetric.SPANS_REFUSED), window=ONCE)
    lost = added(ours.alloy(AlloyMetric.SPANS_LOST), window=ONCE, or_none=True)
    loaded = ours.alloy(AlloyMetric.CONFIG_LOADED)
    broken = ours.alloy(AlloyMetric.COMPONENTS, health_type='!="healthy"')
    return line(
        stat(
            context,
            "Pods that answer",
            "Share of Alloy's pods that answer the scrape.",
            f"sum({up}) / count({up})",
            units.USED,
            ALL_STEPS,
        ),
        stat(context, "Accepted", "Spans per second that Alloy takes in.", accepted, units.SPANS),
        stat(
            context,
            "Refused",
            "For each span that it takes in, how many Alloy sends back for want of memory or room "
            "in its queue; senders try again for a while.",
            ratio(refused, accepted),
            units.FAILED,
            LOSS_STEPS,
        ),
        stat(
            context,
            "Lost",
            "Spans per second that Alloy gave up: Tempo refuses them or has been away too long.",
            lost,
            units.SPANS,
            {None: GOOD, 0.0001: "red"},
        ),
        stat(
            context,
            "Old configuration",
            "Pods that could not load the configuration and run on with the one before.",
            f"count({once(loaded)} == 0) or vector(0)",
            units.COUNT,
            ANY_STEPS,
        ),
        stat(
            context,
            "Unhealthy components",
            "Parts of Alloy's pipeline, over all pods, that say that they do not work.",
            f"sum({once(broken)}) or vector(0)",
            units.COUNT,
            ANY_STEPS,
        ),
        height=4,
    )


def _spans(context: DashboardContext, ours: AlertContext) -> Line:
    size = ours.alloy(AlloyMetric.QUEUE_SIZE)
    capacity = ours.alloy(AlloyMetric.QUEUE_CAPACITY)
    return line(
        graph(
            context,
            "In",
            "Spans per second that services send: what Alloy takes, and what it sends back.",
            {
                "accepted": added(ours.alloy(AlloyMetric.SPANS_ACCEPTED)),
                "refused": added(ours.alloy(AlloyMetric.SPANS_REFUSED)),
            },
            units.SPANS,
        ),
        graph(
            context,
            "Out",
            "Spans per second that reach Tempo, that Alloy gives up, and that it drops on purpose: "
            "health checks, and the stack's own traffic.",
            {
                "sent": added(ours.alloy(AlloyMetric.SPANS_SENT)),
                "lost": added(ours.alloy(AlloyMetric.SPANS_LOST), or_none=True),
                "dropped on purpose": added(ours.alloy(AlloyMetric.SPANS_FILTERED), or_none=True),
            },
            units.SPANS,
        ),
        graph(
            context,
            "Queues",
            "How full the queue towards each backend is. A full one refuses data; one that grows "
            "means that the backend is slow or away.",
            {
                "{{pod}} {{component_path}} {{data_type}}": "max by (pod, component_path, "
                f"data_type) ({size} / {capacity})"
            },
            units.USED,
            steps=FULL_STEPS,
        ),
    )


def _backends(context: DashboardContext, ours: AlertContext) -> Line:
    newest = f"max by (pod) ({ours.alloy(RemoteWriteMetric.HIGHEST)})"
    sent = f"max by (pod) ({ours.alloy(RemoteWriteMetric.HIGHEST_SENT)})"
    return line(
        graph(
            context,
            "Lag of metrics",
            "How far the metrics backend is behind with what services send as OTLP metrics.",
            {"{{pod}}": f"clamp_min({newest} - {sent}, 0)"},
            units.SECONDS,
        ),
        graph(
            context,
            "Memory",
            "Resident memory by pod. Near its limit, Alloy refuses spans rather than die.",
            {"{{pod}}": f"max by (pod) ({ours.alloy(AlloyMetric.MEMORY)})"},
            units.BYTES,
        ),
        graph(
            context,
            "CPU",
            "CPU cores in use by pod.",
            {"{{pod}}": f"max by (pod) (rate({ours.alloy(AlloyMetric.CPU)}[{GRAPH}]))"},
            units.CORES,
        ),
        table_panel(
            context,
            "Versions of Alloy",
            "Pods by version. Two versions for more than the time of a rollout: it is stuck.",
            {"version": "Version"},
            [
                Column(
                    title="Pods",
                    expr=f"count by (version) ({once(ours.alloy(AlloyMetric.BUILD))})",
                    unit=units.COUNT,
                )
            ],
            order=[Order(title="Pods", rising=True)],
        ),
        shares=(6, 6, 6, 6),
    )


def _beyla(context: DashboardContext, ours: AlertContext) -> Section:
    its_own = {"daemonset": f'="{BEYLA_RELEASE}"'}
    desired = ours.beyla(ClusterMetric.DAEMONSET_DESIRED, **its_own)
    ready = ours.beyla(ClusterMetric.DAEMONSET_READY, **its_own)
    container = {"container": f'="{BEYLA_RELEASE}"'}
    memory = ours.beyla(ClusterMetric.CONTAINER_MEMORY, **container)
    cpu = ours.beyla(ClusterMetric.CONTAINER_CPU, **container)
    processes = ours.beyla(BeylaMetric.PROCESSES)
    return section(
        "Beyla",
        line(
            graph(
                context,
                "Nodes with Beyla",
                "Nodes that should have Beyla and those where it is ready (from "
                "kube-state-metrics). A node without it sends no spans of services without SDK.",
                {"should": f"max({desired})", "ready": f"max({ready})"},
                units.COUNT,
            ),
            graph(
                context,
                "Spans sent by Beyla",
                "Spans per second that Beyla sends to Alloy.",
                {"sent": added(ours.beyla(BeylaMetric.TRACES_EXPORTED))},
                units.SPANS,
            ),
            graph(
                context,
                "Processes",
                "Processes that Beyla instruments, by program. A service that is missing here has "
                "an SDK, is excluded, or failed.",
                {"{{process_name}}": f"sum by (process_name) ({once(processes)})"},
                units.COUNT,
            ),
            graph(
                context,
                "Errors of Beyla",
                "Errors in the last hour: spans that could not be sent to Alloy, and processes "
                "that could not be instrumented.",
                {
                    "not sent": per_hour(ours.beyla(BeylaMetric.EXPORT_ERRORS)),
                    "not instrumented": per_hour(ours.beyla(BeylaMetric.INSTRUMENTATION_ERRORS)),
                },
                units.ERRORS_PER_HOUR,
                colour="red",
            ),
        ),
        line(
            graph(
                context,
                "Memory of Beyla",
                "Working set by pod (from the kubelets). It grows with the processes on the node.",
                {"{{pod}}": f"sum by (pod) ({once(memory)})"},
                units.BYTES,
            ),
            graph(
                context,
                "CPU of Beyla",
                "CPU cores in use by pod (from the kubelets). It grows with the requests.",
                {"{{pod}}": added(cpu, by=["pod"])},
                units.CORES,
            ),
            table_panel(
                context,
                "Versions of Beyla",
                "Pods by version. Two versions for more than the time of a rollout: it is stuck.",
                {"version": "Version"},
                [
                    Column(
                        title="Pods",
                        expr=f"count by (version) ({once(ours.beyla(BeylaMetric.BUILD))})",
                        unit=units.COUNT,
                    )
                ],
                order=[Order(title="Pods", rising=True)],
            ),
            shares=(9, 9, 6),
        ),
    )
