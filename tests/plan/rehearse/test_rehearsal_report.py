"""A rehearsal's report counts what was sent against what arrived."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plan.command import CommandError
from plan.rehearse import command, metrics, otlp, report, run
from plan.rehearse.compare import Comparison, Count, How, compare
from plan.rehearse.replay import Sent
from plan.rehearse.run import Decisions, Rehearsal, Traffic, Usage
from plan.rehearse.shop import MARKER, Shop
from plan.rehearse.storing import Stored
from tests.cost.stacks import load, settings

TRACES = list(Shop({}).traces(400, large=False))


def arriving(change: Callable[[Any, Any], bool]) -> Comparison:
    """Compare the shop's traffic with what is left of it.

    Args:
        change: changes resource and span; tells whether the span arrives.
    """
    requests = [r for w in otlp.windows(TRACES, 1000) for r in otlp.Shift().requests(w, 10**18)]
    arrived = otlp.arrived(requests)
    return compare(TRACES, ((s, x) for s, x in arrived if change(s.resource, x)), MARKER)


def test_everything_arrives() -> None:
    found = arriving(lambda resource, span: True)

    spans = sum(len(trace.spans) for trace in TRACES)
    assert found.spans == Count(spans, spans)
    assert (found.traces_sent, found.traces_whole) == (len(TRACES), len(TRACES))
    assert (found.traces_in_part, found.rootless, found.foreign) == (0, 0, 0)
    assert found.changes == {}
    assert found.markers["http.request.header.cookie"] > 0
    assert found.share == 1


def test_missing_spans_are_counted_by_service_route_and_trace() -> None:
    found = arriving(lambda resource, span: span.name != "check card")

    payments = found.routes["payment", "check card"]
    assert payments.sent > 0
    assert payments.kept == 0
    assert found.traces_in_part == payments.sent
    assert found.rootless == 0
    missing = found.services["payment"].sent - found.services["payment"].kept
    assert missing == found.spans.sent - found.spans.kept == payments.sent


def test_ids_in_paths_make_no_routes() -> None:
    names = {
        route
        for service, route in arriving(lambda resource, span: True).routes
        if service == "search"
    }

    assert "GET /items/*" in names
    assert not any("/items/" in name and name != "GET /items/*" for name in names)


def test_a_trace_without_its_root_is_counted() -> None:
    found = arriving(lambda resource, span: bool(span.parent_span_id))

    assert found.rootless == found.traces_in_part > 0


def test_changes_of_attributes_are_counted_by_what_happened() -> None:
    def change(resource: Any, span: Any) -> bool:
        for pair in [*span.attributes]:
            if pair.key == "http.request.header.authorization":
                pair.value.string_value = "***"
            if pair.key == "http.request.header.cookie":
                span.attributes.remove(pair)
            if pair.key == "db.query.text":
                pair.value.string_value = pair.value.string_value[:6]
        otlp.add_attributes(resource.attributes, {"k8s.cluster.name": "c"})
        return True

    changes = arriving(change).changes

    by_name = {name: (how, where) for how, where, name in changes}
    assert by_name == {
        "http.request.header.authorization": (How.REPLACED, "span"),
        "http.request.header.cookie": (How.REMOVED, "span"),
        "db.query.text": (How.SHORTENED, "span"),
        "k8s.cluster.name": (How.ADDED, "resource"),
    }
    [masked] = [c for (_, _, name), c in changes.items() if name.endswith("authorization")]
    assert masked.values == {"***"}
    assert masked.spans > 3


def test_a_single_large_trace_does_not_decide_the_cost() -> None:
    found = Comparison(spans=Count(100, 60), largest=Count(50, 50))

    assert found.share == 10 / 50


EXPOSED = """
otelcol_processor_incoming_items_total{component_id="otelcol.processor.filter.default",\
component_path="/drop_noise.default",otel_signal="traces"} 10
otelcol_processor_outgoing_items_total{component_id="otelcol.processor.filter.default",\
component_path="/drop_noise.default",otel_signal="traces"} 7
otelcol_processor_incoming_items_total{component_id="otelcol.processor.filter.default",\
component_path="/drop_noise.default",otel_signal="logs"} 5
otelcol_processor_tail_sampling_count_traces_sampled_total{\
policy="decide.default/otelcol.processor.tail_sampling.default.errors",sampled="true"} 4
otelcol_processor_tail_sampling_count_traces_sampled_total{\
policy="decide.default/otelcol.processor.tail_sampling.default.errors",sampled="false"} 6
otelcol_processor_tail_sampling_global_count_traces_sampled_total{sampled="true"} 5
otelcol_exporter_send_failed_spans_total{component_path="/send_to_tempo.default"} 3
"""


def test_rules_policies_and_failures_are_read_from_metrics() -> None:
    reading = run._dropped, run._policies, run._failed  # pyright: ignore[reportPrivateUsage]
    rules, policies, failed = (dict(read([EXPOSED])) for read in reading)

    assert rules == {"drop_noise": 3}
    assert policies == {
        "errors": Decisions(kept=4, not_kept=6),
        "": Decisions(kept=5, not_kept=0),
    }
    assert failed == {"send_to_tempo": 3}
    assert metrics.total(EXPOSED, "otelcol_processor_outgoing_items_total") == 7


def test_a_metric_is_the_sum_of_its_series() -> None:
    exposed = '# TYPE x counter\nx{a="1"} 2\nx{a="2"} 3.5e+01\nx_other 9\n'
    assert metrics.total(exposed, "x") == 37


TRAFFIC = Traffic(name="Traffic", traces=[], per_second=100, recorded_per_second=1000)


def rehearsal(kept: int, stored: Stored | None = None) -> Rehearsal:
    compared = Comparison(
        spans=Count(100, kept),
        traces_sent=10,
        wire_bytes=kept * 400,
        services={"a": Count(100, kept)},
    )
    return Rehearsal(
        sent=Sent(spans=100, accepted=100),
        compared=compared,
        rules={"drop_noise": 100 - kept},
        policies={},
        too_early=0,
        failed={},
        series={"calls": 7},
        usage=[Usage(name="alloy-0", cpu_seconds=0.002, peak_mib=150, limit_mib=512)],
        stored=stored,
    )


def sides(*results: Rehearsal) -> list[report.Side]:
    its = command.settings_of(settings(load()).model_dump(mode="json", by_alias=True))
    names = ["main", "working tree"][-len(results) :]
    return [
        report.Side(name=n, result=r, month=report.month(its, r, TRAFFIC))
        for n, r in zip(names, results, strict=True)
    ]


def test_both_sides_are_side_by_side() -> None:
    text = report.markdown("dev", TRAFFIC, sides(rehearsal(100), rehearsal(40)))

    assert "| spans kept | 100 (100.0 %) → 40 (40.0 %) |" in text
    assert "| spans sent | 100 |" in text
    assert "| a | 100 | 100 → 40 | 0 → 60 | 100.0 % → 40.0 % |" in text
    assert "| spans/s that are stored | 1,000 → 400 |" in text


def test_the_cost_follows_from_what_is_kept_and_its_size() -> None:
    small = Stored(spans=50, discarded={}, block_bytes=50 * 100)
    large = Stored(spans=50, discarded={}, block_bytes=50 * 200)
    once, twice, half = (
        each.month.storage if each.month else 0
        for each in (
            *sides(rehearsal(50, small), rehearsal(50, large)),
            *sides(rehearsal(25, large)),
        )
    )

    assert twice > 1.5 * once
    assert half < twice
    assert half == pytest.approx(once, rel=0.2)  # pyright: ignore[reportUnknownMemberType]


def test_settings_of_another_version_have_no_cost() -> None:
    another = command.settings_of({"cluster": {"unheard": 1}})
    assert report.month(another, rehearsal(50), TRAFFIC) is None


def test_json_has_the_same_for_programs() -> None:
    found = json.loads(report.as_json("dev", TRAFFIC, sides(rehearsal(100), rehearsal(40))))

    assert found["base"]["spans"] == {"sent": 100, "kept": 100}
    assert found["result"]["spans"] == {"sent": 100, "kept": 40}
    assert found["result"]["rules"] == {"drop_noise": 60}
    assert found["result"]["collectors"] == [
        {"name": "alloy-0", "cpuSeconds": 0.002, "peakMib": 150, "limitMib": 512}
    ]
    assert found["result"]["month"]["storedPerSecond"] == 400


def test_a_recording_has_its_own_rate(tmp_path: Path) -> None:
    traces = list(Shop({}).traces(2000, large=False))
    requests = [
        request
        for window in otlp.windows(traces, 500)
        for each in window
        for request in otlp.Shift().requests([each], each[2])
    ]
    file = tmp_path / "hour"
    file.write_bytes(b"".join(len(r).to_bytes(4, "big") + r for r in requests))

    found = command.recorded(file)

    seconds = (max(t.start for t in traces) - min(t.start for t in traces)) / 1e9
    assert found.recorded_per_second
    assert found.recorded_per_second * seconds == pytest.approx(  # pyright: ignore
        sum(len(t.spans) for t in traces)
    )
    assert found.marker == ""


def test_a_stack_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"Pulumi\.unheard\.yaml"):
        command.plans(tmp_path, "unheard", None)


def test_what_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    said = command.missing()

    assert "grafana/alloy:v1.18.1" in said
    assert "\n" not in said
