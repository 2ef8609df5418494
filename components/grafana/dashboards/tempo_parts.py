"""What Tempo does with spans once it has them: stores them, finds them, makes metrics of them."""

from ...alerting.context import AlertContext
from ...telemetry.context import DashboardContext
from ...telemetry.metrics import RemoteWriteMetric, TempoMetric
from .. import units
from ..layout import Line, Section, line, section
from .scraped import FULL_STEPS, added, graph, once, per_hour, quantile_of

#: The query-frontend's routes; others are the parts' among each other.
API = '=~"api_.+"'


def storing(context: DashboardContext, ours: AlertContext) -> Section:
    """Return panels on the bucket: requests, flushes, block list, upkeep."""
    requests = ours.tempo(TempoMetric.STORAGE_REQUESTS)
    durations = ours.tempo(TempoMetric.STORAGE_BUCKET)
    # Every part has the series of the queue, but only ingesters, which hold traces, fill it.
    waiting = (
        f"{ours.tempo(TempoMetric.FLUSH_QUEUE)} and on (pod) {ours.tempo(TempoMetric.LIVE_TRACES)}"
    )
    return section(
        "Storing",
        line(
            graph(
                context,
                "Requests to S3",
                "Requests per second by operation and status. 404 on a first look for an index is "
                "normal; 403 means the role, 503 means S3 asks to slow down.",
                {"{{operation}} {{status_code}}": added(requests, by=["operation", "status_code"])},
                units.REQUESTS,
            ),
            graph(
                context,
                "Duration of requests to S3",
                "99 of 100 requests are faster, by operation.",
                {"{{operation}}": quantile_of(0.99, durations, by=["operation"])},
                units.SECONDS,
            ),
            graph(
                context,
                "Flushed blocks",
                "Blocks that ingesters wrote to the bucket in the last hour, and writes that "
                "failed. A failed one is tried again; its spans stay on the ingester's volume.",
                {
                    "flushed": per_hour(ours.tempo(TempoMetric.BLOCKS_FLUSHED)),
                    "failed": per_hour(ours.tempo(TempoMetric.FAILED_FLUSHES)),
                },
                units.BLOCKS_PER_HOUR,
            ),
            graph(
                context,
                "Flush queue",
                "Blocks that wait to be flushed, by pod. It should go back to 0 again and again.",
                {"{{pod}}": f"sum by (pod) ({once(waiting)})"},
                units.COUNT,
            ),
        ),
        _upkeep(context, ours),
    )


def _upkeep(context: DashboardContext, ours: AlertContext) -> Line:
    # Each part that reads the bucket keeps a list of its own.
    kept = f"max by (tenant) ({ours.tempo(TempoMetric.BLOCKS)})"
    return line(
        graph(
            context,
            "Block list",
            "Blocks in the bucket by tenant, and how many compaction still has to join. Where "
            "both grow for hours, compaction falls behind and searches slow down.",
            {
                "blocks {{tenant}}": kept,
                "to compact {{tenant}}": "sum by (tenant) "
                f"({once(ours.tempo(TempoMetric.COMPACTION_OUTSTANDING))})",
            },
            units.COUNT,
        ),
        graph(
            context,
            "Compaction and retention",
            "Blocks that were joined into larger ones in the last hour, and blocks that were "
            "deleted because they are older than the retention.",
            {
                "compacted": per_hour(ours.tempo(TempoMetric.BLOCKS_COMPACTED)),
                "deleted": per_hour(ours.tempo(TempoMetric.BLOCKS_DELETED)),
            },
            units.BLOCKS_PER_HOUR,
        ),
        graph(
            context,
            "Errors of maintenance",
            "Errors in the last hour while reading the block list, joining blocks and deleting "
            "old ones.",
            {
                "block list": per_hour(ours.tempo(TempoMetric.POLL_ERRORS)),
                "compaction": per_hour(ours.tempo(TempoMetric.COMPACTION_ERRORS)),
                "retention": per_hour(ours.tempo(TempoMetric.RETENTION_ERRORS)),
            },
            units.ERRORS_PER_HOUR,
            colour="red",
        ),
    )


def answering(context: DashboardContext, ours: AlertContext) -> Section:
    """Return panels on queries: how many, how long, how they wait."""
    requests = ours.tempo(TempoMetric.REQUESTS, route=API)
    durations = ours.tempo(TempoMetric.REQUEST_BUCKET, route=API)
    return section(
        "Answering",
        line(
            graph(
                context,
                "Queries",
                "Queries per second by kind and status: api_search is a search, "
                "api_v2_traces_traceid one trace, api_metrics_query_range TraceQL metrics.",
                {"{{route}} {{status_code}}": added(requests, by=["route", "status_code"])},
                units.REQUESTS,
            ),
            graph(
                context,
                "Duration of queries",
                "95 of 100 queries are faster, by kind.",
                {"{{route}}": quantile_of(0.95, durations, by=["route"])},
                units.SECONDS,
            ),
            graph(
                context,
                "Query queue",
                "Parts of queries that wait for a querier. Where it stays above 0, more queriers "
                "help.",
                {"waiting": f"sum({once(ours.tempo(TempoMetric.QUERY_QUEUE))})"},
                units.COUNT,
            ),
        ),
    )


def making_metrics(context: DashboardContext, ours: AlertContext) -> Section:
    """Return panels on the metrics-generator and its remote write."""
    active = ours.tempo(TempoMetric.GENERATOR_SERIES)
    limit = ours.tempo(TempoMetric.GENERATOR_MAX_SERIES)
    lag = f"max by (pod) ({ours.tempo(RemoteWriteMetric.HIGHEST)})"
    sent = f"max by (pod) ({ours.tempo(RemoteWriteMetric.HIGHEST_SENT)})"
    discarded = ours.tempo(TempoMetric.GENERATOR_DISCARDED)
    return section(
        "Making metrics of spans",
        line(
            graph(
                context,
                "Series by limit",
                "How many of the allowed series each metrics-generator has. At 100 % new services "
                "and operations get no metrics.",
                {"{{pod}}": f"max by (pod) ({active} / {limit})"},
                units.USED,
                steps=FULL_STEPS,
            ),
            graph(
                context,
                "Spans for metrics",
                "Spans per second that reach the metrics-generator, and those that it leaves out. "
                "Almost always they came too late, beyond the ingestion slack.",
                {
                    "received": added(ours.tempo(TempoMetric.GENERATOR_SPANS)),
                    "discarded": added(discarded, or_none=True),
                },
                units.SPANS,
            ),
            graph(
                context,
                "Lag of remote write",
                "How far the metrics backend is behind, by pod. Above two minutes the graphs of "
                "services are old.",
                {"{{pod}}": f"clamp_min({lag} - {sent}, 0)"},
                units.SECONDS,
            ),
            graph(
                context,
                "Samples written",
                "Samples per second that the metrics backend takes, and that it refuses.",
                {
                    "sent": added(ours.tempo(RemoteWriteMetric.SENT)),
                    "failed": added(ours.tempo(RemoteWriteMetric.FAILED)),
                },
                units.SAMPLES,
            ),
        ),
    )
