"""The shop's traffic, sent to a receiver of this process."""

from collections import Counter

from plan.rehearse import otlp
from plan.rehearse.replay import Replay
from plan.rehearse.shop import MARKER, NAMESPACES, Shop
from plan.rehearse.sinks import TraceSink, trace_sink


def test_every_span_arrives_once_and_its_trace_ends_now() -> None:
    traces = list(Shop({"k8s.cluster.name": "c"}).traces(3000, large=False))
    sent = {span.span_id: span for trace in traces for _, span in trace.spans}

    with trace_sink(TraceSink()) as sink:
        result = Replay(sink.endpoint).run(traces, per_second=20_000)

    found = [span for _, span in otlp.arrived(sink.requests)]
    assert Counter(span.span_id for span in found) == Counter(sent.keys())
    assert (result.spans, result.accepted, result.lost) == (len(sent), len(sent), 0)
    for span in found:
        before = sent[span.span_id]
        duration = span.end_time_unix_nano - span.start_time_unix_nano
        assert duration == before.end_time_unix_nano - before.start_time_unix_nano
        assert span.attributes == before.attributes
    ends = {span.trace_id: 0 for span in found}
    for span in found:
        ends[span.trace_id] = max(ends[span.trace_id], span.end_time_unix_nano)
    # All were sent within seconds.
    assert max(ends.values()) - min(ends.values()) < 10e9


def test_senders_drop_what_nobody_accepts() -> None:
    traces = list(Shop({}).traces(20, large=False))

    result = Replay("127.0.0.1:9", patience=0.3).run(traces, per_second=1000)

    assert result.accepted == 0
    assert result.lost == sum(len(trace.spans) for trace in traces)
    assert result.retries > 0
    assert [reason.split(":")[0] for reason in result.reasons] == ["UNAVAILABLE"]


def test_the_shop_has_what_a_pipeline_treats_differently() -> None:
    shop = Shop({})
    traces = list(shop.traces(5000, large=False))
    spans = [span for trace in traces for _, span in trace.spans]

    def share(count: int) -> float:
        return count / len(traces)

    failed = sum(any(span.status.code == 2 for _, span in trace.spans) for trace in traces)
    slow = sum(trace.end - trace.start > 500_000_000 for trace in traces)
    services = [{s.resource.attributes[0].value.string_value for s, _ in t.spans} for t in traces]
    assert 0.01 < share(failed) < 0.1
    assert 0.01 < share(slow) < 0.2
    assert set[str]().union(*services) == set(NAMESPACES)
    assert share(sum(len(names) >= 3 for names in services)) > 0.1
    assert any(MARKER in str(span.attributes) for span in spans)


def test_the_same_seed_makes_the_same_requests() -> None:
    one, other = (
        [span.SerializeToString() for trace in Shop({}).traces(500) for _, span in trace.spans]
        for _ in range(2)
    )

    assert one == other


def test_the_large_trace_is_one_trace() -> None:
    trace = Shop({}).export_all()

    assert len({span.trace_id for _, span in trace.spans}) == 1
    assert len(trace.spans) == 50_000
