"""Alloy and Beyla: the spans that they receive, refuse, send and lose."""

from ...core.names import BEYLA_RELEASE
from ...telemetry.metrics import TO_TEMPO, AlloyMetric, BeylaMetric, ClusterMetric
from ...telemetry.promql import GRAPH, ONCE, added, once, per_hour, ratio, write_lag
from .. import units
from ..layout import Dashboard, Line, PanelBuilder, Section, dashboard
from ..links import ALLOY_ALONE, Link, Uid, dashboard_url
from ..panels import ALL_STEPS, ANY_STEPS, FULL_STEPS, GOOD, LOSS_STEPS, Column, Legend, Panels


def build(show: Panels) -> Dashboard:
    """Return the dashboard; without Beyla it is about Alloy alone."""
    links = [Link("Tempo", dashboard_url(Uid.TEMPO, keep=[]))]
    sections = [
        Section("State of Alloy", _state(show)),
        Section("Spans through Alloy", _spans(show)),
        Section("Backends and pods of Alloy", _backends(show)),
    ]
    if show.stack.beyla_namespace:
        sections.append(Section("Beyla", *_beyla(show)))
        links.append(Link("Requests measured by Beyla", dashboard_url(Uid.BEYLA, keep=[])))
    return dashboard(
        Uid.COLLECTORS,
        "The collectors of spans: what they receive, refuse, send and lose.",
        *sections,
        links=links,
        title="" if show.stack.beyla_namespace else ALLOY_ALONE,
    )


def _state(show: Panels) -> Line:
    alloy = show.stack.collectors
    up, loaded = alloy(ClusterMetric.UP), alloy(AlloyMetric.CONFIG_LOADED)
    # Samplers accept each span again.
    accepted = added(show.stack.alloy(AlloyMetric.SPANS_ACCEPTED), window=ONCE)
    refused = added(alloy(AlloyMetric.SPANS_REFUSED), window=ONCE)
    broken = alloy(AlloyMetric.COMPONENTS, health_type='!="healthy"')
    return Line(
        show.stat(
            "Pods that answer",
            "Share of Alloy's pods that answer the scrape.",
            f"sum({up}) / count({up})",
            units.USED,
            ALL_STEPS,
        ),
        show.stat("Accepted", "Spans per second that Alloy accepts.", accepted, units.SPANS),
        show.stat(
            "Refused",
            "Spans that Alloy refuses because its memory or queue is full, for each span that it "
            "accepts. Senders retry for a while.",
            ratio(refused, accepted),
            units.FAILED,
            LOSS_STEPS,
        ),
        show.stat(
            "Lost",
            "Spans per second that Alloy drops: Tempo rejects them or has been away too long.",
            added(alloy(AlloyMetric.SPANS_LOST), window=ONCE, or_none=True),
            units.SPANS,
            {None: GOOD, 0.0001: "red"},
        ),
        show.stat(
            "Old configuration",
            "Pods that can't parse the configuration and keep the previous one.",
            f"count({once(loaded)} == 0) or vector(0)",
            units.COUNT,
            ANY_STEPS,
        ),
        show.stat(
            "Unhealthy components",
            "Components of Alloy's pipeline that refuse their part of the configuration, or don't "
            "run, over all pods.",
            f"sum({once(broken)}) or vector(0)",
            units.COUNT,
            ANY_STEPS,
        ),
        height=4,
    )


def _spans(show: Panels) -> Line:
    stack, alloy = show.stack, show.stack.collectors
    used = f"{alloy(AlloyMetric.QUEUE_SIZE)} / {alloy(AlloyMetric.QUEUE_CAPACITY)}"
    return Line(
        show.graph(
            "Spans in",
            "Spans per second that services send: those that Alloy accepts, and those that it "
            "refuses.",
            {
                "accepted": added(stack.alloy(AlloyMetric.SPANS_ACCEPTED)),
                "refused": added(alloy(AlloyMetric.SPANS_REFUSED)),
            },
            units.SPANS,
        ),
        show.graph(
            "Spans out",
            "Spans per second that reach Tempo, that Alloy loses, and that it drops on purpose: "
            "health checks, and the stack's own traffic.",
            {
                "sent": added(alloy(AlloyMetric.SPANS_SENT, component_path=TO_TEMPO)),
                "lost": added(alloy(AlloyMetric.SPANS_LOST), or_none=True),
                "dropped on purpose": added(stack.alloy(AlloyMetric.SPANS_FILTERED), or_none=True),
            },
            units.SPANS,
        ),
        show.graph(
            "Queues",
            "How full the ten fullest queues to a backend are. A full queue refuses data. "
            "A growing one means that the backend is slow or away.",
            {
                "{{pod}} {{component_path}} {{data_type}}": "topk(10, max by (pod, "
                f"component_path, data_type) ({used}))"
            },
            units.USED,
            FULL_STEPS,
            legend=Legend.TABLE,
        ),
    )


def _backends(show: Panels) -> Line:
    alloy = show.stack.collectors
    return Line(
        show.graph(
            "Lag of metrics",
            "How far the metrics backend lags behind the OTLP metrics that services send.",
            {"{{pod}}": write_lag(alloy)},
            units.SECONDS,
        ),
        show.graph(
            "Memory",
            "Resident memory by pod. Near its limit, Alloy refuses spans.",
            {"{{pod}}": f"max by (pod) ({alloy(AlloyMetric.MEMORY)})"},
            units.BYTES,
        ),
        show.graph(
            "CPU",
            "CPU cores in use by pod.",
            {"{{pod}}": f"max by (pod) (rate({alloy(AlloyMetric.CPU)}[{GRAPH}]))"},
            units.CORES,
        ),
        _versions(show, "Versions of Alloy", alloy(AlloyMetric.BUILD)),
    )


def _beyla(show: Panels) -> list[Line]:
    beyla = show.stack.beyla
    its_own = {"daemonset": f'="{BEYLA_RELEASE}"'}
    container = {"container": f'="{BEYLA_RELEASE}"'}
    memory = beyla(ClusterMetric.CONTAINER_MEMORY, **container)
    processes = once(beyla(BeylaMetric.PROCESSES))
    # Functions that a library may lack: some with each Go and Python program that has spans.
    failed = {"error_type": '!~"symbol_not_found|attaching_uprobe"'}
    return [
        Line(
            show.graph(
                "Nodes with Beyla",
                "Nodes that should run Beyla and those on which it is ready (from "
                "kube-state-metrics). Services without an SDK on other nodes send no spans.",
                {
                    "should": f"max({beyla(ClusterMetric.DAEMONSET_DESIRED, **its_own)})",
                    "ready": f"max({beyla(ClusterMetric.DAEMONSET_READY, **its_own)})",
                },
                units.COUNT,
            ),
            show.graph(
                "Spans sent by Beyla",
                "Spans per second that Beyla sends to Alloy.",
                {"sent": added(beyla(BeylaMetric.TRACES_EXPORTED))},
                units.SPANS,
            ),
            show.graph(
                "Processes",
                "Processes that Beyla instruments, by program. A service missing here is excluded, "
                "has an agent of the operator, or failed.",
                {"{{process_name}}": f"sum by (process_name) ({processes})"},
                units.COUNT,
            ),
            show.graph(
                "Errors of Beyla",
                "Errors in the last hour: spans that could not be sent to Alloy, and processes "
                "that could not be instrumented.",
                {
                    "not sent": per_hour(beyla(BeylaMetric.EXPORT_ERRORS)),
                    "not instrumented": per_hour(
                        beyla(BeylaMetric.INSTRUMENTATION_ERRORS, **failed)
                    ),
                },
                units.ERRORS_PER_HOUR,
                colour="red",
            ),
        ),
        Line(
            show.graph(
                "Memory of Beyla",
                "Working set by pod (from the kubelets). Grows with the processes on the node.",
                {"{{pod}}": f"sum by (pod) ({once(memory)})"},
                units.BYTES,
            ),
            show.graph(
                "CPU of Beyla",
                "CPU cores in use by pod (from the kubelets). Grows with the requests.",
                {"{{pod}}": added(beyla(ClusterMetric.CONTAINER_CPU, **container), by=["pod"])},
                units.CORES,
            ),
            _versions(show, "Versions of Beyla", beyla(BeylaMetric.BUILD)),
            shares=(9, 9, 6),
        ),
    ]


def _versions(show: Panels, title: str, build: str) -> PanelBuilder:
    return show.table(
        title,
        "Pods by version. Two versions for longer than a rollout takes: it is stuck.",
        {"version": "Version"},
        [Column("Pods", f"count by (version) ({once(build)})", units.COUNT)],
        order=("Pods",),
        rising=True,
    )
