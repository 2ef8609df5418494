"""A rehearsal with a real Alloy, and a recording that one writes."""

import contextlib
import shutil
from pathlib import Path

import pytest
import yaml

from plan.rehearse import collectors, command, otlp
from plan.rehearse.collectors import Destinations, Tier, tiers
from plan.rehearse.compare import How
from plan.rehearse.programs import ProgramError, wait_for
from plan.rehearse.replay import Replay
from plan.rehearse.run import rehearse
from plan.rehearse.shop import PROBES, Shop
from plan.rehearse.sinks import TraceSink, http_sink, trace_sink
from plan.run import Plan, run
from plan.write import masked
from policy.rules.reading import RELEASE
from tests.alloy.gateway import needs_alloy
from tests.examples.features import FEATURES, plan

ROOT = Path(__file__).parents[3]
_CALLS = "traces_spanmetrics_calls_total"

pytestmark = [needs_alloy, pytest.mark.xdist_group("rehearsal")]


def tiers_of(planned: Plan) -> list[Tier]:
    return tiers(masked(release.inputs) for release in planned.recording.of_type(RELEASE))


def test_the_rendered_gateway_drops_probes_and_keeps_the_rest() -> None:
    traffic = command.shop({}, 1500, large=False)
    spans = [span for trace in traffic.traces for _, span in trace.spans]
    probes = sum(span.name in PROBES for span in spans)

    result = rehearse(tiers_of(run("dev", ROOT)), traffic, "no Tempo")

    assert result.sent.accepted == len(spans)
    assert result.compared.spans.kept == len(spans) - probes > 0
    assert result.compared.traces_in_part == 0
    assert result.rules == {"drop_noise": probes}
    assert (How.ADDED, "resource", "deployment.environment.name") in result.compared.changes
    assert result.failed == {}
    [usage] = result.usage
    assert usage.cpu_seconds > 0
    assert 50 < usage.peak_mib < (usage.limit_mib or 0)
    assert result.not_run == ["no Tempo"]


def test_two_samplers_keep_whole_traces_by_their_rules() -> None:
    traffic = command.shop({}, 1500, large=False)
    failed = {
        trace.spans[0][1].trace_id
        for trace in traffic.traces
        if any(span.status.code == 2 for _, span in trace.spans)
    }

    result = rehearse(tiers_of(plan("sampling")), traffic, "no Tempo")

    kept, its = result.policies[""], result.compared
    assert its.traces_in_part == its.rootless == 0
    assert its.traces_whole == kept.kept < its.traces_sent / 2
    assert result.policies["errors"].kept == len(failed) > 0
    assert [usage.name for usage in result.usage] == [
        "alloy-0",
        "alloy-sampler-0",
        "alloy-sampler-1",
    ]
    # Metrics are of all spans but probes.
    calls = sum(value for labels, value in result.samples.items() if ("__name__", _CALLS) in labels)
    assert calls == its.spans.sent - result.rules["drop_noise"]


def test_a_policy_with_an_error_is_named_in_one_line(tmp_path: Path) -> None:
    document = yaml.safe_load(FEATURES["sampling"].read_text())
    [policy] = document["config"]["tracing:alloy"]["sampling"]["policies"]
    policy["ottl"]["span"] = ["span.attributes[ > 3"]
    (tmp_path / "Pulumi.broken.yaml").write_text(yaml.safe_dump(document))
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)

    with pytest.raises(ProgramError) as error:
        rehearse(tiers_of(run("broken", tmp_path)), command.shop({}, 100, large=False), "no Tempo")

    [line] = str(error.value).splitlines()
    assert "decide.default does not start" in line
    assert 'failed to create policy evaluator for "many-retries"' in line


def test_recorded_traffic_can_be_replayed(tmp_path: Path) -> None:
    folder = FEATURES["record-traffic"].parent
    objects = list(yaml.safe_load_all((folder / "recorder.yaml").read_text()))
    [written] = [o["data"]["config.alloy"] for o in objects if o["kind"] == "ConfigMap"]
    file = tmp_path / "traces.json"
    recorder = Tier(
        name="recorder",
        config=written.replace("/recording/traces.json", str(file)),
        stability="public-preview",
    )
    traces = list(Shop({}).traces(1000, large=False))
    expected = {s.span_id for trace in traces for _, s in trace.spans if s.name not in PROBES}

    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(trace_sink(TraceSink()))
        http = stack.enter_context(http_sink())
        to = Destinations(otlp=sink.endpoint, other="127.0.0.1:9", http=http.url)
        first = collectors.collector(recorder, 0, to, tmp_path, {})
        recording = stack.enter_context(first)
        recording.ready()
        to = Destinations(otlp=sink.endpoint, other=recording.otlp_grpc, http=http.url)
        started = stack.enter_context(
            collectors.running(tiers_of(plan("record-traffic")), to, tmp_path)
        )
        Replay(started["alloy"][0].otlp_grpc).run(traces, per_second=5000)

        def recorded() -> set[bytes] | None:
            if not file.exists() or not file.stat().st_size:
                return None
            found = {s.span_id for t in otlp.read(file, 10_000).traces for _, s in t.spans}
            return found if len(found) >= len(expected) else None

        def stored() -> set[bytes] | None:
            found = {span.span_id for _, span in otlp.arrived(sink.requests)}
            return found if len(found) >= len(expected) else None

        assert wait_for("recording", recorded) == expected
        # Spans reach Tempo besides.
        assert wait_for("spans in Tempo", stored) == expected
