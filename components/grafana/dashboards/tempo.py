"""Tempo: ingestion, storage, queries and metrics from spans.

The series are the same in both modes: the one process of a monolithic Tempo exposes all of them,
the parts of a distributed one each their own.
"""

from ...telemetry.metrics import (
    QUERY_ROUTES,
    ClusterMetric,
    ProcessMetric,
    RemoteWriteMetric,
    TempoKafkaMetric,
    TempoMetric,
)
from ...telemetry.promql import GRAPH, ONCE, added, once, per_hour, quantile_of, ratio, write_lag
from .. import units
from ..layout import Dashboard, Line, Section, dashboard
from ..links import Link, Uid, dashboard_url
from ..panels import ALL_STEPS, ANY_STEPS, ERROR_STEPS, FULL_STEPS, LOSS_STEPS, Panels

_QUERIES = f'=~"{QUERY_ROUTES}"'


def build(show: Panels) -> Dashboard:
    """Return the dashboard."""
    return dashboard(
        Uid.TEMPO,
        f"Tempo, deployed as {show.stack.mode}: what it ingests, loses, stores and answers.",
        Section("State", _state(show)),
        Section("Ingestion", *_ingest(show)),
        *([Section("Kafka", _kafka(show))] if show.stack.kafka else []),
        Section("Storage", *_storage(show)),
        Section("Queries", _queries(show)),
        Section("Metrics from spans", _generator(show)),
        Section("Pods", _pods(show)),
        links=[
            Link("Alloy and Beyla", dashboard_url(Uid.COLLECTORS, keep=[])),
            Link("Capacity", dashboard_url(Uid.CAPACITY, keep=[])),
        ],
    )


def _state(show: Panels) -> Line:
    tempo = show.stack.tempo
    up, loaded = tempo(ClusterMetric.UP), tempo(TempoMetric.CONFIG_LOADED)
    received = added(tempo(TempoMetric.SPANS_RECEIVED), window=ONCE)
    discarded = added(show.stack.tempo_lost(), window=ONCE)
    asked = added(tempo(TempoMetric.REQUESTS, route=_QUERIES), window=ONCE)
    failed = added(tempo(TempoMetric.REQUESTS, route=_QUERIES, status_code='=~"5.."'), window=ONCE)
    return Line(
        show.stat(
            "Pods that answer",
            "Share of Tempo's pods that answer the scrape.",
            f"sum({up}) / count({up})",
            units.USED,
            ALL_STEPS,
        ),
        show.stat("Received", "Spans per second that Tempo ingests.", received, units.SPANS),
        show.stat(
            "Discarded",
            "Spans that Tempo discards over a limit, for each span that it keeps. They are lost. "
            "Those above the rate limit are not counted: Alloy sends them again.",
            ratio(discarded, received),
            units.FAILED,
            LOSS_STEPS,
        ),
        show.stat(
            "Failed queries",
            "Share of queries that Tempo could not answer. 5 % is red. No data: no queries.",
            ratio(failed, asked),
            units.FAILED,
            ERROR_STEPS,
        ),
        show.stat(
            "Old overrides",
            "Pods that could not load the overrides and keep the previous ones.",
            f"count({once(loaded)} == 0) or vector(0)",
            units.COUNT,
            ANY_STEPS,
        ),
        height=4,
    )


def _ingest(show: Panels) -> list[Line]:
    tempo = show.stack.tempo
    receiver = "Kafka" if show.stack.kafka else "the ingesters"
    push = tempo(TempoMetric.PUSH_BUCKET)
    return [
        Line(
            show.graph(
                "Spans received",
                "Spans per second that Tempo ingests, by tenant.",
                {"{{tenant}}": added(tempo(TempoMetric.SPANS_RECEIVED), by=["tenant"])},
                units.SPANS,
            ),
            show.graph(
                "Bytes received",
                "Bytes per second that Tempo ingests, by tenant.",
                {"{{tenant}}": added(tempo(TempoMetric.BYTES_RECEIVED), by=["tenant"])},
                units.BYTES_PER_SECOND,
            ),
            show.graph(
                "Spans discarded",
                "Spans per second that Tempo discards, by reason: live_traces_exceeded is the "
                "limit of traces, trace_too_large that of one trace. Alloy sends those with "
                "rate_limited again; the others are lost.",
                {"{{reason}}": added(tempo(TempoMetric.SPANS_DISCARDED), by=["reason"])},
                units.SPANS,
                colour="red",
            ),
        ),
        Line(
            show.graph(
                "Duration of a push",
                f"Time to pass a batch of spans to {receiver}. Above a second, Alloy's queue "
                "grows.",
                {f"p{v * 100:g}": quantile_of(v, push) for v in (0.5, 0.99)},
                units.SECONDS,
            ),
            show.graph(
                "Live traces",
                "Traces that are still open in each ingester's memory.",
                {"{{pod}}": f"sum by (pod) ({once(tempo(TempoMetric.LIVE_TRACES))})"},
                units.MANY,
            ),
            show.graph(
                "Members of the rings",
                "Instances of each ring by state. Any state but ACTIVE should pass within minutes.",
                {
                    "{{name}} {{state}}": "max by (name, state) "
                    f"({tempo(TempoMetric.RING_MEMBERS)}) > 0"
                },
                units.COUNT,
            ),
            show.graph(
                "Attributes truncated",
                "Attributes per second whose ends Tempo cuts off, by tenant: their keys or values "
                f"are longer than {show.stack.limits.max_attribute_bytes} bytes.",
                {"{{tenant}}": added(tempo(TempoMetric.ATTRIBUTES_CUT), by=["tenant"])},
                units.ATTRIBUTES,
                colour="red",
            ),
        ),
    ]


def _kafka(show: Panels) -> Line:
    tempo = show.stack.tempo
    return Line(
        show.graph(
            "Records not processed",
            "Records in Kafka that each group of consumers has not processed. The block builder's "
            "return to nearly 0 every five minutes.",
            {"{{group}}": f"sum by (group) ({once(tempo(TempoKafkaMetric.LAG))})"},
            units.COUNT,
        ),
        show.graph(
            "Records written",
            "Records per second that distributors write to Kafka, and that Kafka does not take.",
            {
                "written": added(tempo(TempoKafkaMetric.RECORDS_PRODUCED)),
                "failed": added(tempo(TempoKafkaMetric.PRODUCE_FAILURES), or_none=True),
            },
            units.REQUESTS,
        ),
        show.graph(
            "Duration of a write",
            "Time until Kafka has confirmed a batch of spans.",
            {
                f"p{v * 100:g}": quantile_of(v, tempo(TempoKafkaMetric.PRODUCE_SECONDS))
                for v in (0.5, 0.99)
            },
            units.SECONDS,
        ),
    )


def _storage(show: Panels) -> list[Line]:
    tempo = show.stack.tempo
    requests, durations = tempo(TempoMetric.STORAGE_REQUESTS), tempo(TempoMetric.STORAGE_BUCKET)
    # Every part has the series of the queue, but only ingesters, which hold traces, fill it.
    waiting = f"{tempo(TempoMetric.FLUSH_QUEUE)} and on (pod) {tempo(TempoMetric.LIVE_TRACES)}"
    return [
        Line(
            show.graph(
                "Requests to S3",
                "Requests per second by operation and status. 404 on the first lookup of an index "
                "is normal, 403 points to the role, and 503 is S3 throttling.",
                {"{{operation}} {{status_code}}": added(requests, by=["operation", "status_code"])},
                units.REQUESTS,
            ),
            show.graph(
                "Duration of requests to S3",
                "99 of 100 requests are faster, by operation.",
                {"{{operation}}": quantile_of(0.99, durations, by=["operation"])},
                units.SECONDS,
            ),
            show.graph(
                "Flushed blocks",
                "Blocks that were written to the bucket in the last hour, and failed writes. "
                "Tempo retries them; their spans stay where they are.",
                {
                    "flushed": per_hour(tempo(TempoMetric.BLOCKS_FLUSHED)),
                    # A block builder reads its spans from Kafka again, and counts no failure.
                    **(
                        {}
                        if show.stack.kafka
                        else {"failed": per_hour(tempo(TempoMetric.FAILED_FLUSHES))}
                    ),
                },
                units.BLOCKS_PER_HOUR,
            ),
            show.graph(
                "Flush queue",
                "Blocks that wait to be flushed, by pod. It should return to 0 regularly.",
                {"{{pod}}": f"sum by (pod) ({once(waiting)})"},
                units.COUNT,
            ),
        ),
        Line(
            show.graph(
                "Block list",
                "Blocks in the bucket by tenant, and blocks that compaction still has to merge. "
                "If both grow for hours, compaction falls behind and searches slow down.",
                {
                    # Each part that reads the bucket keeps its own list.
                    "blocks {{tenant}}": f"max by (tenant) ({tempo(TempoMetric.BLOCKS)})",
                    "to compact {{tenant}}": "sum by (tenant) "
                    f"({once(tempo(TempoMetric.COMPACTION_OUTSTANDING))})",
                },
                units.COUNT,
            ),
            show.graph(
                "Compaction and retention",
                "Blocks merged into larger ones in the last hour, and blocks deleted because they "
                "are older than the retention.",
                {
                    "compacted": per_hour(tempo(TempoMetric.BLOCKS_COMPACTED)),
                    "deleted": per_hour(tempo(TempoMetric.BLOCKS_DELETED)),
                },
                units.BLOCKS_PER_HOUR,
            ),
            show.graph(
                "Maintenance errors",
                "Errors in the last hour while reading the block list, merging blocks and deleting "
                "old ones.",
                {
                    "block list": per_hour(tempo(TempoMetric.POLL_ERRORS)),
                    "compaction": per_hour(tempo(TempoMetric.COMPACTION_ERRORS)),
                    "retention": per_hour(tempo(TempoMetric.RETENTION_ERRORS)),
                },
                units.ERRORS_PER_HOUR,
                colour="red",
            ),
        ),
    ]


def _queries(show: Panels) -> Line:
    tempo = show.stack.tempo
    requests = tempo(TempoMetric.REQUESTS, route=_QUERIES)
    durations = tempo(TempoMetric.REQUEST_BUCKET, route=_QUERIES)
    return Line(
        show.graph(
            "Queries by route",
            "Queries per second by route and status: api_search is a search, "
            "api_v2_traces_traceid one trace, api_metrics_query_range TraceQL metrics.",
            {"{{route}} {{status_code}}": added(requests, by=["route", "status_code"])},
            units.REQUESTS,
        ),
        show.graph(
            "Duration of queries",
            "95 of 100 queries are faster, by route.",
            {"{{route}}": quantile_of(0.95, durations, by=["route"])},
            units.SECONDS,
        ),
        show.graph(
            "Query queue",
            "Parts of queries that wait for a querier. If it stays above 0, add queriers.",
            {"waiting": f"sum({once(tempo(TempoMetric.QUERY_QUEUE))})"},
            units.COUNT,
        ),
    )


def _generator(show: Panels) -> Line:
    tempo = show.stack.tempo
    limit = tempo(TempoMetric.GENERATOR_MAX_SERIES)
    return Line(
        show.graph(
            "Share of the series limit",
            "Share of the allowed series that each metrics-generator holds. At 100 % new services "
            "and operations get no metrics.",
            {"{{pod}}": f"max by (pod) ({tempo(TempoMetric.GENERATOR_SERIES)} / {limit})"},
            units.USED,
            FULL_STEPS,
        ),
        show.graph(
            "Spans for metrics",
            "Spans per second that reach the metrics-generator, and those that it leaves out, "
            "almost always because they are older than the ingestion slack.",
            {
                "received": added(tempo(TempoMetric.GENERATOR_SPANS)),
                "discarded": added(tempo(TempoMetric.GENERATOR_DISCARDED), or_none=True),
            },
            units.SPANS,
        ),
        show.graph(
            "Lag of remote write",
            "How far the metrics backend lags behind, by pod. Above two minutes the graphs of "
            "services are out of date.",
            {"{{pod}}": write_lag(tempo)},
            units.SECONDS,
        ),
        show.graph(
            "Samples written",
            "Samples per second that the metrics backend accepts, and that it refuses.",
            {
                "sent": added(tempo(RemoteWriteMetric.SENT)),
                "failed": added(tempo(RemoteWriteMetric.FAILED)),
            },
            units.SAMPLES,
        ),
    )


def _pods(show: Panels) -> Line:
    tempo = show.stack.tempo
    return Line(
        show.graph(
            "Memory",
            "Resident memory by pod.",
            {"{{pod}}": f"max by (pod) ({tempo(ProcessMetric.MEMORY)})"},
            units.BYTES,
        ),
        show.graph(
            "CPU",
            "CPU cores in use by pod.",
            {"{{pod}}": f"max by (pod) (rate({tempo(ProcessMetric.CPU)}[{GRAPH}]))"},
            units.CORES,
        ),
    )
