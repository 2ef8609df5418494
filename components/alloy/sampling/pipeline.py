"""The samplers' configuration.

Spans pass receive and limit_memory. All of them are counted: name_spans, span_metrics,
service_graph, tempo_series, remote_write. And they pass mark_rules to decide; what is kept is
counted too (kept_metrics), and goes to Tempo unless this is a rehearsal.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from ...backends.settings import MetricsSettings
from ...core.helm import no_template
from ...core.names import OTLP_GRPC_PORT, OTLP_HTTP_PORT
from ...core.units import MIB
from ...telemetry.metrics import TEMPO_SOURCE, Label
from ...tempo.settings import SPAN_DIMENSIONS, Histograms
from ..own_modules import OwnModule, modules
from ..pipeline import SHARED_MODULE, declared, send_to_tempo
from ..settings import retry_minutes
from ..tenants import apart
from ..text import Expression
from ..writer import Body, Instance, Value, inputs, instance, replaced
from .policies import marks, policies
from .sizes import REMEMBERED_DROPPED, REMEMBERED_KEPT, num_traces, queue_mib

if TYPE_CHECKING:
    from .component import AlloySamplerArgs

#: Environment variable with the name of the pod.
POD_NAME = "POD_NAME"
#: Largest OTLP request of the gateway in MiB: batches of 3 MiB, and a span more.
_REQUEST_MIB = 16
#: Time after which a series without new spans ends. Tempo's 15 minutes would start a new series for
#: each call of a rare operation, and a rate sees no first sample: Tempo writes a zero before it.
_EXPIRE = "6h"
#: Series of an operation beside those of its latency's bounds: calls, sum, count and infinity.
_FURTHER_SERIES = 4
#: Buckets of a native histogram, at most (registry/native_histogram.go of Tempo 2.10).
_NATIVE_BUCKETS = 100


def config(args: "AlloySamplerArgs") -> str:
    """Return the configuration: the modules in use, then their instances."""
    own = modules(args.modules, args.module_texts)
    exits = [m for m in own.get("beforeExport", ()) if "traces" in m.signals and args.decides]
    instances = apart(_instances(args, exits), args.tenancy, least_queue_bytes=_REQUEST_MIB * MIB)
    names = dict.fromkeys(name for name, _, _ in instances)
    stock = [name for name in names if name not in {module.name for module in exits}]
    text = [_declared(name, args) for name in (SHARED_MODULE, *stock)]
    text += [no_template(module.text) for module in exits]
    return "\n".join([*text, *(instance(*each) for each in instances)])


def _instances(args: "AlloySamplerArgs", exits: Sequence[OwnModule]) -> list[Instance]:
    counted = args.metrics is not None
    everything = inputs("name_spans") if counted and args.decides else []
    marked = bool(args.settings.rules)
    found: list[Instance] = [
        (
            "receive",
            "default",
            {
                "grpc_endpoint": f"{args.ip_family.any_address}:{OTLP_GRPC_PORT}",
                # The gateway sends by gRPC only, and no policy or Service lets others in.
                "http_endpoint": f"{args.ip_family.any_address}:{OTLP_HTTP_PORT}",
                "max_grpc_request": f"{_REQUEST_MIB}MiB",
                "max_http_request": f"{_REQUEST_MIB}MiB",
                "traces": inputs("limit_memory"),
            },
        ),
        (
            "limit_memory",
            "default",
            {"traces": [*everything, *inputs("mark_rules" if marked else "decide")]},
        ),
    ]
    if marked:
        found.append(
            (
                "mark_rules",
                "default",
                {"statements": marks(args.settings), "traces": inputs("decide")},
            )
        )
    found.append(("decide", "default", _decide(args, exits)))
    if args.decides:
        found += _export(args, exits)
    if args.metrics:
        found += _metrics(args, args.metrics)
    return found


def _decide(args: "AlloySamplerArgs", exits: Sequence[OwnModule]) -> dict[str, Value]:
    traces = num_traces(args.settings, args.load)
    kept = inputs("name_spans", "kept") if args.metrics else []
    first = exits[0].name if exits else "send_to_tempo"
    return {
        "decision_wait": f"{args.settings.decision_wait_seconds}s",
        "num_traces": traces,
        "remembered_kept": traces * REMEMBERED_KEPT,
        "remembered_dropped": traces * REMEMBERED_DROPPED,
        "max_trace_bytes": args.max_trace_mib * MIB,
        "traces": [*kept, *(inputs(first) if args.decides else [])],
    }


def _export(args: "AlloySamplerArgs", exits: Sequence[OwnModule]) -> list[Instance]:
    """Return the way of kept traces to Tempo, through the stack file's modules."""
    found: list[Instance] = []
    following = [*(module.name for module in exits[1:]), "send_to_tempo"]
    for module, target in zip(exits, following, strict=False):
        arguments: dict[str, Value] = {signal: [] for signal in module.signals}
        found.append((module.name, "default", {**arguments, "traces": inputs(target)}))
    to_tempo = send_to_tempo(
        # The component has waited for the output, if it was one.
        cast(str, args.tempo_endpoint),
        balance=args.balance,
        tls=args.tls,
        tenant=args.tenant,
        queue_bytes=queue_mib(args.settings, args.load, args.survive_minutes) * MIB,
        retry_minutes=retry_minutes(args.survive_minutes),
    )
    return [*found, ("send_to_tempo", "default", to_tempo)]


def _metrics(args: "AlloySamplerArgs", metrics: MetricsSettings) -> list[Instance]:
    limits: dict[str, Value] = {"expire": _EXPIRE, "max_operations": _max_operations(args)}
    named: dict[str, Value] = {"statements": _unshadowed(args)}
    series = inputs("tempo_series")
    everything: list[Instance] = [
        (
            "name_spans",
            "default",
            {**named, "traces": [*inputs("span_metrics"), *inputs("service_graph")]},
        ),
        ("span_metrics", "default", {**limits, "metrics": series}),
        ("service_graph", "default", {"metrics": series}),
    ]
    return [
        *(everything if args.decides else []),
        ("name_spans", "kept", {**named, "traces": inputs("kept_metrics")}),
        (
            "kept_metrics",
            "default",
            # In a rehearsal, all traces are stored, and Tempo writes the exemplars.
            {**limits, "exemplars": args.decides, "metrics": series},
        ),
        ("tempo_series", "default", {"forward_to": [Expression("remote_write.default.receiver")]}),
        (
            "remote_write",
            "default",
            {
                "url": metrics.remote_write_url,
                "external_labels": {
                    str(Label.SOURCE): TEMPO_SOURCE,
                    str(Label.TEMPO_CLUSTER): args.cluster_name,
                    # As Tempo's metrics-generators tell each other apart.
                    str(Label.WRITER): Expression(f'sys.env("{POD_NAME}")'),
                },
            },
        ),
    ]


def _dimensions(args: "AlloySamplerArgs") -> list[str]:
    return [*SPAN_DIMENSIONS, *args.span_metrics.dimensions]


def _unshadowed(args: "AlloySamplerArgs") -> list[str | Expression]:
    """Return statements that remove attributes of spans which the resource has too."""
    names = map(json.dumps, _dimensions(args))
    return [
        f"delete_key(span.attributes, {name}) where resource.attributes[{name}] != nil"
        for name in names
    ]


def _max_operations(args: "AlloySamplerArgs") -> int:
    """Return how many operations one service may have within the limit of series."""
    native = args.span_metrics.histograms is Histograms.NATIVE
    each = 2 if native else len(args.span_metrics.buckets) + _FURTHER_SERIES
    return max(100, args.max_active_series // each)


def _declared(module: str, args: "AlloySamplerArgs") -> str:
    """Return the text of a module's file, with the blocks that follow from the settings."""
    text = declared(module, args.metrics, None)
    dimensions = [{"name": name} for name in _dimensions(args)]
    native = args.span_metrics.histograms is Histograms.NATIVE
    match module:
        case "decide":
            return replaced(text, "policy", policies(args.settings))
        case "span_metrics":
            text = replaced(text, "dimension", dimensions)
            kind: Body = (
                {"exponential": {"max_size": _NATIVE_BUCKETS}}
                if native
                else {"explicit": {"buckets": _durations(args.span_metrics.buckets)}}
            )
            return replaced(text, "histogram", [{"unit": "s", **kind}])
        case "kept_metrics":
            return replaced(text, "dimension", dimensions)
        case "service_graph" if native:
            buckets = next(line for line in text.splitlines(True) if "latency_histogram" in line)
            size = f"\t\texponential_histogram_max_size = {_NATIVE_BUCKETS}\n"
            return text.replace(buckets, size)
        case "remote_write" if native:
            sent = "\t\t\tsend_exemplars = true\n"
            return text.replace(sent, f"{sent}\t\t\tsend_native_histograms = true\n")
        case _:
            return text


def _durations(seconds: Sequence[float]) -> list[str]:
    """Return bounds as durations of Go; a bound has a millisecond at least, or a part of one."""
    return [f"{round(each * 1_000_000)}us" for each in seconds]
