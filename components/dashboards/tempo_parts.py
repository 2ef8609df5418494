"""What Tempo does with spans once it has them: stores them, finds them, makes metrics of them."""

from ..alerts.context import AlertContext
from ..signals import RemoteWriteMetric, TempoMetric
from .context import DashboardContext
from .layout import Line, Section, line, section
from .scraped import FULL_STEPS, added, graph, quantile_of

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
                "reqps",
            ),
            graph(
                context,
                "Duration of requests to S3",
                "99 of 100 requests are faster, by operation.",
                {"{{operation}}": quantile_of(0.99, durations, by=["operation"])},
                "s",
            ),
            graph(
                context,
                "Flushed blocks",
                "Blocks that ingesters bring to the bucket, and flushes that failed, in an hour. A "
                "failed one is tried again; its spans stay on the ingester's volume.",
                {
                    "flushed": f"3600 * {added(ours.tempo(TempoMetric.BLOCKS_FLUSHED))}",
                    "failed": f"3600 * {added(ours.tempo(TempoMetric.FAILED_FLUSHES))}",
                },
                "none",
            ),
            graph(
                context,
                "Flush queue",
                "Blocks that wait to be flushed, by pod. It should go back to 0 again and again.",
                {"{{pod}}": f"sum by (pod) ({waiting})"},
                "none",
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
                f"({ours.tempo(TempoMetric.COMPACTION_OUTSTANDING)})",
            },
            "none",
        ),
        graph(
            context,
            "Compaction and retention",
            "Blocks in an hour that are joined into larger ones, and that are deleted since "
            "they are old.",
            {
                "compacted": "3600 * "
                + added(ours.tempo(TempoMetric.BLOCKS_COMPACTED), or_none=True),
                "deleted": f"3600 * {added(ours.tempo(TempoMetric.BLOCKS_DELETED))}",
            },
            "none",
        ),
        graph(
            context,
            "Errors of upkeep",
            "Errors in an hour while the block list is read, blocks are joined and old ones "
            "deleted.",
            {
                "block list": "3600 * " + added(ours.tempo(TempoMetric.POLL_ERRORS), or_none=True),
                "compaction": f"3600 * {added(ours.tempo(TempoMetric.COMPACTION_ERRORS))}",
                "retention": f"3600 * {added(ours.tempo(TempoMetric.RETENTION_ERRORS))}",
            },
            "none",
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
                "reqps",
            ),
            graph(
                context,
                "Duration of queries",
                "95 of 100 queries are faster, by kind.",
                {"{{route}}": quantile_of(0.95, durations, by=["route"])},
                "s",
            ),
            graph(
                context,
                "Query queue",
                "Parts of queries that wait for a querier. Where it stays above 0, more queriers "
                "help.",
                {"waiting": f"sum({ours.tempo(TempoMetric.QUERY_QUEUE)})"},
                "none",
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
                "percentunit",
                steps=FULL_STEPS,
            ),
            graph(
                context,
                "Spans for metrics",
                "Spans per second that reach the metrics-generator, and those it leaves out, by "
                "reason. outside_metrics_ingestion_slack: they came too late.",
                {
                    "received": added(ours.tempo(TempoMetric.GENERATOR_SPANS)),
                    "{{reason}}": added(discarded, by=["reason"]),
                },
                "cps",
            ),
            graph(
                context,
                "Lag of remote write",
                "How far the metrics backend is behind, by pod. Above two minutes the graphs of "
                "services are old.",
                {"{{pod}}": f"clamp_min({lag} - {sent}, 0)"},
                "s",
            ),
            graph(
                context,
                "Samples written",
                "Samples per second that the metrics backend takes, and that it refuses.",
                {
                    "sent": added(ours.tempo(RemoteWriteMetric.SENT)),
                    "failed": added(ours.tempo(RemoteWriteMetric.FAILED)),
                },
                "cps",
            ),
        ),
    )
