"""For each alert the series that make it fire, as long as they are sick, and keep it quiet."""

from collections.abc import Mapping
from typing import Any

from components.alloy.sampling.settings import SamplingMode
from components.telemetry.context import StackContext
from components.telemetry.metrics import (
    RATE_LIMITED,
    AlloyMetric,
    BeylaMetric,
    CanaryMetric,
    ClusterMetric,
    RemoteWriteMetric,
    TempoKafkaMetric,
    TempoMetric,
)
from components.tempo.settings import TempoMode, TempoSettings
from components.tempo.sizes import limits
from tests.alerting.timeline import Case, Metric

#: Minutes within which loss must page.
LOSS = 2
MONOLITHIC, DISTRIBUTED = TempoMode.MONOLITHIC, TempoMode.DISTRIBUTED


def context(mode: TempoMode, **changed: Any) -> StackContext:
    """Return a stack with everything in it."""
    plain: dict[str, Any] = {
        "cluster": "dev-1",
        "environment": "dev",
        "namespace": "tracing",
        "beyla_namespace": "tracing-beyla",
        "mode": mode,
        "limits": limits(TempoSettings()),
        "generator": True,
        "org_id": 1,
        "tempo_uid": "tempo",
        "metrics_uid": "metrics",
        "logs_uid": "logs",
        "profiles_uid": None,
        "scraped": True,
        "slos": True,
        # One mode has samplers, so that alerts are tested with and without them.
        "sampling": SamplingMode.ON if mode is DISTRIBUTED else SamplingMode.OFF,
        "samplers": 1,
        "sampled_traces": 50_000,
        "canary_seconds": 60,
    }
    return StackContext(**{**plain, **changed})


def _counter(
    name: str,
    well: float | None,
    sick: float | None,
    of: Mapping[str, str],
    /,
    **labels: str,
) -> Metric:
    return Metric(name, {**of, **labels}, well, sick)


def _gauge(
    name: str,
    well: float | None,
    sick: float | None,
    of: Mapping[str, str],
    /,
    **labels: str,
) -> Metric:
    return Metric(name, {**of, **labels}, well, sick, gauge=True)


def _samplers(part: Mapping[str, str]) -> dict[str, Case]:
    sampler = {"namespace": "tracing", "job": "alloy-sampler"}
    up = _gauge(ClusterMetric.UP, 1, 1, sampler)
    kept = {"sampled": "true", "decision": "sampled"}
    return {
        # In place of that of a gateway that sends to Tempo.
        "TracingIngestionStopped": Case(
            [
                _counter(AlloyMetric.TRACES_DECIDED, 50, 50, sampler, **kept),
                _counter(TempoMetric.SPANS_RECEIVED, 1000, 0, part),
            ],
            minutes=9,
            spared=3,
        ),
        "SamplerDown": Case([_gauge(ClusterMetric.UP, 1, 0, sampler)], minutes=8, spared=3),
        "SamplerDropsTraces": Case(
            [up, _counter(AlloyMetric.TRACES_TOO_EARLY, 0, 10, sampler)], minutes=LOSS, spared=0
        ),
        "SamplerDropsLargeTraces": Case(
            [up, _counter(AlloyMetric.TRACES_TOO_LARGE, None, 1, sampler)], minutes=3, spared=0
        ),
        "SamplerDecidesTooSoon": Case(
            [
                _counter(AlloyMetric.SPANS_LATE, 10, 200, sampler, sampled="false"),
                _counter(AlloyMetric.SPANS_ACCEPTED, 1000, 1000, sampler),
            ]
        ),
    }


def _remote_write(of: Mapping[str, str]) -> list[Metric]:
    """Return a write that stands still at 2,000 s while the newest sample is of 3,000 s."""
    url = {"url": "http://mimir/push", "remote_name": "a1"}
    return [
        _gauge(RemoteWriteMetric.HIGHEST, 3000, 3000, of, **url),
        _gauge(RemoteWriteMetric.HIGHEST_SENT, 2990, 2000, of, **url),
    ]


def _alloy() -> dict[str, Case]:
    alloy = {"namespace": "tracing", "job": "alloy"}
    to_tempo = {"component_path": "/send_to_tempo.default", "data_type": "traces"}
    to_loki = {"component_path": "/send_to_loki.default", "data_type": "logs"}
    up = _gauge(ClusterMetric.UP, 1, 1, alloy)
    killed = [
        _gauge(AlloyMetric.STARTED, 1000, 2000, alloy),
        _gauge(AlloyMetric.QUEUE_CAPACITY, 1000, 1000, alloy, **to_tempo),
    ]
    return {
        "AlloyQueueNearlyFull": Case(
            [
                _gauge(AlloyMetric.QUEUE_SIZE, 700, 900, alloy, **to_tempo),
                _gauge(AlloyMetric.QUEUE_CAPACITY, 1000, 1000, alloy, **to_tempo),
                _gauge(AlloyMetric.QUEUE_SIZE, 990, 990, alloy, **to_loki),
                _gauge(AlloyMetric.QUEUE_CAPACITY, 1000, 1000, alloy, **to_loki),
            ],
            minutes=LOSS,
            spared=0,
        ),
        # A rollout makes new pods, whose containers have not restarted.
        "AlloyRestarts": Case(killed, minutes=LOSS, spared=0),
        "AlloyLosesQueue": Case(
            [*killed, _gauge(AlloyMetric.QUEUE_SIZE, 500, 0, alloy, **to_tempo)],
            minutes=LOSS,
            spared=0,
        ),
        "AlloyDown": Case([_gauge(ClusterMetric.UP, 1, 0, alloy)], minutes=5, spared=2),
        "AlloyRefusesSpans": Case(
            [
                _counter(AlloyMetric.SPANS_ACCEPTED, 1000, 0, alloy, transport="grpc"),
                _counter(AlloyMetric.SPANS_REFUSED, 1, 1000, alloy, transport="grpc"),
            ],
            minutes=LOSS,
            spared=0,
        ),
        "AlloyQueueFilling": Case(
            [
                _gauge(AlloyMetric.QUEUE_SIZE, 10, 900, alloy, **to_tempo),
                _gauge(AlloyMetric.QUEUE_CAPACITY, 1000, 1000, alloy, **to_tempo),
                _gauge(AlloyMetric.QUEUE_SIZE, 10, 10, alloy, **to_loki),
                _gauge(AlloyMetric.QUEUE_CAPACITY, 1000, 1000, alloy, **to_loki),
            ],
            minutes=LOSS,
            spared=0,
        ),
        # The series of failures is not there before the first; with it alone there is no rate.
        "AlloyLosesSpans": Case(
            [_counter(AlloyMetric.SPANS_LOST, None, 60, alloy, error_type="Unavailable"), up],
            minutes=LOSS,
            # A rollout loses nothing: Alloy retries for longer than it takes.
            spared=0,
        ),
        "AlloyLosesLogs": Case(
            [_counter(AlloyMetric.LOGS_LOST, 0, 60, alloy), up], minutes=LOSS, spared=0
        ),
        "AlloyMetricsNotWritten": Case(_remote_write(alloy)),
        "AlloyConfigNotLoaded": Case(
            [
                _gauge(AlloyMetric.CONFIG_LOADED, 1, 0, alloy),
                _gauge(AlloyMetric.COMPONENTS, 9, 9, alloy, health_type="healthy"),
            ],
            minutes=10,
            spared=4,
        ),
    }


def _ingestion(part: Mapping[str, str]) -> dict[str, Case]:
    wanted = {
        "namespace": "tracing",
        "job": "alloy",
        "component_path": "/drop_noise.default",
        "otel_signal": "traces",
    }
    return {
        "TracingIngestionStopped": Case(
            [
                _counter(AlloyMetric.ITEMS_PROCESSED, 600, 600, wanted),
                _counter(TempoMetric.SPANS_RECEIVED, 600, 0, part, tenant="t"),
                # Health checks that the filter takes out are no spans for Tempo.
                _counter(AlloyMetric.SPANS_ACCEPTED, 900, 900, wanted),
            ],
            minutes=10,
            spared=3,
        ),
        "TracingNoSpansArriving": Case(
            [
                _counter(AlloyMetric.ITEMS_PROCESSED, 600, 0, wanted),
                _gauge(ClusterMetric.UP, 1, 1, {"namespace": "tracing", "job": "alloy"}),
            ],
            minutes=90,
            # Just over a day, so that there is a yesterday.
            history=25 * 60,
        ),
    }


def _tempo(part: Mapping[str, str], mode: TempoMode) -> dict[str, Case]:
    tenant, too_many = {"tenant": "single-tenant"}, "live_traces_exceeded"
    volume = {
        "namespace": "tracing",
        "job": "kubelet",
        "persistentvolumeclaim": "data-tempo-ingester-0",
    }
    down = [_gauge(ClusterMetric.UP, 1, 0, {"namespace": "tracing", "job": "tempo"})]
    if mode is DISTRIBUTED:
        # One part goes, the others stay.
        down = [
            _gauge(
                ClusterMetric.UP,
                1,
                0 if name == "ingester" else 1,
                {"namespace": "tracing", "job": f"tracing/{name}"},
            )
            for name in (
                *("distributor", "ingester", "querier", "query-frontend"),
                *("compactor", "metrics-generator"),
            )
        ]
    cases = {
        "TempoDown": Case(down, minutes=7, spared=4),
        "TempoDiscardsSpans": Case(
            [
                _counter(TempoMetric.SPANS_RECEIVED, 1000, 500, part, **tenant),
                _counter(TempoMetric.SPANS_DISCARDED, None, 500, part, reason=too_many),
                _counter(TempoMetric.SPANS_DISCARDED, 2, 2, part, reason="trace_too_large"),
                _counter(TempoMetric.SPANS_DISCARDED, None, 500, part, reason=RATE_LIMITED),
                _gauge(ClusterMetric.UP, 1, 1, part),
            ],
            minutes=LOSS,
            spared=0,
        ),
        "TempoRateLimitExceeded": Case(
            [
                _counter(TempoMetric.SPANS_DISCARDED, None, 500, part, reason=RATE_LIMITED),
                _counter(TempoMetric.SPANS_DISCARDED, 2, 500, part, reason=too_many),
            ]
        ),
        "TempoAttributesTruncated": Case(
            [
                _counter(TempoMetric.SPANS_RECEIVED, 1000, 1000, part, **tenant),
                _counter(TempoMetric.ATTRIBUTES_CUT, 2, 500, part, **tenant),
            ]
        ),
        "TempoQueriesFailing": Case(
            [
                _counter(TempoMetric.REQUESTS, 50, 10, part, route="api_search", status_code="200"),
                _counter(TempoMetric.REQUESTS, 1, 40, part, route="api_search", status_code="500"),
                # Probes before it is ready are no queries.
                _counter(TempoMetric.REQUESTS, 60, 60, part, route="ready", status_code="503"),
            ]
        ),
        "TempoConfigNotLoaded": Case(
            [_gauge(TempoMetric.CONFIG_LOADED, 1, 0, part, config="overrides")]
        ),
        "TempoVolumeFilling": Case(
            [
                Metric(ClusterMetric.VOLUME_AVAILABLE, volume, 80, 10, gauge=True, of_pod=False),
                Metric(ClusterMetric.VOLUME_CAPACITY, volume, 100, 100, gauge=True, of_pod=False),
            ],
            minutes=60,
        ),
    }
    if mode is DISTRIBUTED:
        ring = {"name": "ingester", "state": "Unhealthy"}
        active = {"name": "ingester", "state": "ACTIVE"}
        cases["TempoRingUnhealthy"] = Case(
            [
                _gauge(TempoMetric.RING_MEMBERS, 0, 1, part, **ring),
                _gauge(TempoMetric.RING_MEMBERS, 3, 2, part, **active),
            ]
        )
    return cases


def _storage(part: Mapping[str, str]) -> dict[str, Case]:
    requests = TempoMetric.STORAGE_REQUESTS
    ok = {"operation": "GET", "status_code": "206"}
    missing = _counter(requests, 50, 50, part, operation="GET", status_code="404")
    tenant = {"tenant": "single-tenant"}
    return {
        "TempoStorageErrors": Case(
            [
                _counter(requests, 500, 100, part, **ok),
                _counter(requests, 1, 100, part, operation="PUT", status_code="503"),
                missing,
            ]
        ),
        "TempoStorageAccessDenied": Case(
            [
                _counter(requests, 500, 100, part, **ok),
                _counter(requests, 0, 60, part, operation="PUT", status_code="403"),
                missing,
            ],
            minutes=8,
            spared=0,
        ),
        "TempoStorageUnreachable": Case(
            [
                _counter(requests, 500, 0, part, **ok),
                _counter(TempoMetric.POLL_ERRORS, None, 0.2, part, tenant=""),
            ],
            minutes=30,
        ),
        "TempoFlushFailing": Case(
            [_counter(TempoMetric.FAILED_FLUSHES, 0, 1, part)], minutes=15, spared=0
        ),
        "TempoNotFlushing": Case(
            [
                _counter(TempoMetric.BLOCKS_FLUSHED, 0.05, 0, part),
                _counter(TempoMetric.SPANS_RECEIVED, 600, 600, part, **tenant),
            ],
            minutes=150,
        ),
        "TempoBlocklistStale": Case(
            [_counter(TempoMetric.POLL_ERRORS, None, 1, part, tenant="")], minutes=60
        ),
        "TempoCompactionBehind": Case(
            [_gauge(TempoMetric.COMPACTION_OUTSTANDING, 20, 400, part, **tenant)],
            minutes=7 * 60,
            spared=120,
        ),
        "TempoCompactionFailing": Case(
            [_counter(TempoMetric.COMPACTION_ERRORS, 0, 1, part)], minutes=120, spared=3
        ),
        "TempoRetentionNotApplied": Case(
            [
                _counter(TempoMetric.RETENTION_RUNS, 0.2, 0, part),
                _counter(TempoMetric.RETENTION_ERRORS, 0, 0, part),
                _gauge(TempoMetric.BLOCKS, 20, 20, part, **tenant),
            ],
            minutes=150,
        ),
    }


def _generator(part: Mapping[str, str], generator: Mapping[str, str]) -> dict[str, Case]:
    tenant = {"tenant": "single-tenant"}
    return {
        "TempoGeneratorStopped": Case(
            [
                _counter(TempoMetric.SPANS_RECEIVED, 600, 600, part, **tenant),
                _counter(TempoMetric.GENERATOR_SPANS, 600, 0, generator, **tenant),
            ],
            minutes=20,
            spared=4,
        ),
        "TempoSeriesLimitNear": Case(
            [
                _gauge(TempoMetric.GENERATOR_SERIES, 5000, 9000, generator, **tenant),
                _gauge(TempoMetric.GENERATOR_MAX_SERIES, 10_000, 10_000, generator, **tenant),
            ]
        ),
        "TempoSeriesDropped": Case(
            [_counter(TempoMetric.GENERATOR_SERIES_LIMITED, 0, 60, generator, **tenant)],
            spared=5,
        ),
        "TempoSpanMetricsIncomplete": Case(
            [
                _counter(TempoMetric.GENERATOR_SPANS, 600, 600, generator, **tenant),
                _counter(
                    TempoMetric.GENERATOR_DISCARDED,
                    1,
                    60,
                    generator,
                    reason="outside_metrics_ingestion_slack",
                ),
            ],
            minutes=15,
            spared=0,
        ),
        "TempoMetricsNotWritten": Case(_remote_write({**generator, **tenant})),
    }


def _beyla() -> dict[str, Case]:
    beyla = {"namespace": "tracing-beyla", "job": "beyla"}
    # Kube-state-metrics speaks of a DaemonSet, not of pods of its own.
    daemonset = {"namespace": "tracing-beyla", "daemonset": "beyla", "job": "kube-state-metrics"}
    served = {"namespace": "tracing-beyla", "job": "shop/cart"}
    return {
        "BeylaDown": Case([_gauge(ClusterMetric.UP, 1, 0, beyla)]),
        "BeylaMissingOnNodes": Case(
            [
                Metric(ClusterMetric.DAEMONSET_DESIRED, daemonset, 3, 3, True, of_pod=False),
                Metric(ClusterMetric.DAEMONSET_READY, daemonset, 3, 2, True, of_pod=False),
            ]
        ),
        "BeylaExportsNothing": Case(
            [
                _counter(BeylaMetric.HTTP_REQUESTS, 60, 60, served),
                _counter(BeylaMetric.TRACES_EXPORTED, 60, 0, beyla),
            ]
        ),
        "BeylaExportErrors": Case(
            [_counter(BeylaMetric.EXPORT_ERRORS, None, 6, beyla, error="Unavailable")]
        ),
        "BeylaInstrumentsNothing": Case(
            [
                _gauge(ClusterMetric.UP, 1, 1, beyla),
                _gauge(BeylaMetric.PROCESSES, 4, None, beyla, process_name="java"),
            ],
            minutes=75,
            history=25 * 60,
        ),
    }


def canary_series(
    kind: str, errors: tuple[float, float], checked: tuple[float, float]
) -> list[Metric]:
    """Return errors of a kind and look-ups of the canary, each in good order and in trouble."""
    of = {"namespace": "tracing", "job": "tracing/tempo-vulture"}
    return [
        _counter(CanaryMetric.ERRORS, *errors, of, error=kind),
        # Alloy adds attributes, so that each trace differs.
        _counter(CanaryMetric.ERRORS, 1, 1, of, error="incorrectresult"),
        _counter(CanaryMetric.CHECKED, *checked, of),
    ]


def _canary() -> dict[str, Case]:
    return {
        "CanaryTracesMissing": Case(
            canary_series("notfound_byid", (0, 1), (2, 2)), minutes=15, spared=2
        ),
        "CanaryStopped": Case(canary_series("notfound_byid", (0, 0), (2, 0)), minutes=40),
    }


def cases(mode: TempoMode) -> dict[str, Case]:
    """Return the case of every alert, by its name."""
    whole = mode is MONOLITHIC
    part = {"namespace": "tracing", "job": "tempo" if whole else "tracing/distributor"}
    generator = {"namespace": "tracing", "job": "tempo" if whole else "tracing/metrics-generator"}
    return {
        **_ingestion(part),
        **(_samplers(part) if not whole else {}),
        **_alloy(),
        **_tempo(part, mode),
        **_storage(part),
        **_generator(part, generator),
        **_beyla(),
        **_canary(),
    }


def kafka_cases() -> dict[str, Case]:
    """Return the case of every alert that Tempo 3 with Kafka has in addition, by its name."""
    sender = {"namespace": "tracing", "job": "tracing/distributor"}
    reader = {"namespace": "tracing", "job": "tracing/block-builder", "partition": "0"}
    return {
        # At 600 records a minute, the lag is five minutes, and twenty in trouble.
        "TempoKafkaLag": Case(
            [
                _gauge(TempoKafkaMetric.LAG, 3000, 12_000, reader, group="block-builder"),
                _gauge(TempoKafkaMetric.LAG, 5, 5, reader, group="live-store"),
                _counter(TempoKafkaMetric.RECORDS_PRODUCED, 600, 600, sender),
            ]
        ),
        "TempoKafkaRefusesSpans": Case(
            [
                _counter(TempoKafkaMetric.PRODUCE_FAILURES, None, 60, sender, reason="timeout"),
                _gauge(ClusterMetric.UP, 1, 1, sender),
            ],
            minutes=10,
            spared=0,
        ),
    }
