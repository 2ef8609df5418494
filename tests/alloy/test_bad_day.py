"""Alloy's queues: sizes that follow from the load, refused settings, and a real Alloy."""

import contextlib
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.alerting.rules import alert_groups
from components.alloy import sizes, system
from components.alloy.sampling import sizes as sampler_sizes
from components.alloy.sampling.pipeline import config as sampler_config
from components.alloy.settings import AlloySettings, QueuePlace
from components.alloy.sizes import queue_bytes, queue_minutes, workload
from components.alloy.values import rollouts, values
from components.checks.validate import parse_settings, validate
from components.checks.warnings import warnings
from components.core.units import MIB
from components.load import capacity
from components.load.settings import LoadSettings
from components.settings import TracingSettings
from components.telemetry.context import stack_context
from components.tempo import system as tempo_system
from components.tempo.component import values as tempo_values
from plan.needs import storage_classes
from plan.rehearse.programs import free_ports
from tests.alloy.cases import arguments
from tests.alloy.gateway import Gateway, gateway, needs_alloy, wait_for
from tests.alloy.sampler_cases import arguments as sampler_arguments
from tests.alloy.sampler_cases import sampling
from tests.alloy.sinks import trace_sink
from tests.alloy.test_alloy_binary import spans
from tests.checks.test_rules import stack_file
from tests.sweep import sweep

LOAD = {"spansPerSecond": 4000}


def stack(alloy: dict[str, Any], **groups: dict[str, Any]) -> TracingSettings:
    return parse_settings(stack_file(**{"alloy": alloy, "load": LOAD, **groups}))


@pytest.mark.parametrize("queue", QueuePlace)
@pytest.mark.parametrize("minutes", [5, 30, 200])
def test_the_queue_lasts_as_long_as_asked(queue: QueuePlace, minutes: int) -> None:
    settings = stack({"surviveMinutes": minutes, "queue": queue.value, "size": "m"})
    lasts = capacity.queue_minutes(settings)

    assert lasts == pytest.approx(minutes, rel=0.02)
    # A batch is retried as long as the queue lasts, and Tempo counts its spans.
    text = values(system.args(settings, has_credentials=False))["alloy"]["configMap"]["content"]
    assert f'retry       = "{max(10, minutes)}m"' in text
    tempo = tempo_values(tempo_system.args(settings, has_credentials=False))
    wal = tempo["tempo"]["storage"]["trace"]["wal"]
    assert wal["ingestion_time_range_slack"] == f"{max(11, minutes + 1)}m"


def test_memory_follows_from_the_queue() -> None:
    load = LoadSettings(spans_per_second=4000)
    plain, longer = AlloySettings(), AlloySettings(survive_minutes=10)

    assert workload(plain, load) == workload(plain)
    pod = workload(longer, load)
    # As a test of the presets asks: three times the size on the wire, and Alloy itself.
    assert 3 * queue_bytes(longer, load) / MIB + 100 <= pod.memory_limit_mib * 0.65
    assert pod.memory_request_mib == pod.memory_limit_mib // 2
    assert pod.volume_gib is None


@pytest.mark.parametrize(
    ("alloy", "seconds"),
    [({}, 120), ({"surviveMinutes": 10}, 347), ({"surviveMinutes": 10, "queue": "volume"}, 60)],
)
def test_a_stopping_pod_has_time_for_its_queue(alloy: dict[str, Any], seconds: int) -> None:
    args = system.args(stack(alloy), has_credentials=False)

    assert values(args)["controller"]["terminationGracePeriodSeconds"] == seconds
    # Helm waits for as long as that takes.
    assert [rollout.stop_seconds for rollout in rollouts(args)] == [seconds]


def test_samplers_hold_what_they_keep() -> None:
    load = LoadSettings(spans_per_second=1000, sent_spans_per_second=10_000)
    its = sampling()

    assert sampler_sizes.queue_mib(its, load) == sampler_sizes.QUEUE_MIB
    # 1000 spans per second, twice that in the busiest hour, of 500 bytes for 1800 seconds.
    assert sampler_sizes.queue_mib(its, load, 30) == pytest.approx(
        1000 * 2 * 500 * 1800 / its.replicas / MIB, abs=1
    )
    more = sampler_sizes.workload(its, load, 30).memory_limit_mib
    assert more > sampler_sizes.workload(its, load).memory_limit_mib
    text = sampler_config(sampler_arguments(load=load, survive_minutes=30))
    assert f"queue_bytes = {sampler_sizes.queue_mib(its, load, 30) * MIB}" in text
    assert 'retry       = "30m"' in text


def test_without_a_load_nothing_changes() -> None:
    settings = AlloySettings(survive_minutes=10)

    assert queue_bytes(settings) == queue_bytes(AlloySettings())
    assert queue_minutes(settings, LoadSettings()) is None


def test_a_queue_on_a_volume_makes_a_stateful_set_of_fixed_size() -> None:
    settings = stack(
        {
            "surviveMinutes": 30,
            "queue": "volume",
            "size": "m",
            "queueStorageClass": "gp3",
        },
        load={"spansPerSecond": 20_000},
    )
    args = system.args(settings, has_credentials=False)
    made, pod = values(args), workload(settings.alloy, settings.load)
    controller = made["controller"]
    [claim] = controller["volumeClaimTemplates"]

    assert controller["type"] == "statefulset"
    preset = sizes.PRESETS[settings.alloy.size].workload
    assert controller["replicas"] == pod.replicas > preset.replicas
    assert controller["autoscaling"]["horizontal"] == {"enabled": False}
    assert controller["updateStrategy"] == {"type": "RollingUpdate"}
    assert claim["spec"]["storageClassName"] == "gp3"
    gib = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi"))
    # The files of two queues, twice their size.
    assert gib * 1024 >= 4 * queue_bytes(settings.alloy, settings.load) / MIB
    assert gib == pod.volume_gib
    assert made["alloy"]["stabilityLevel"] == "public-preview"
    assert pod.memory_limit_mib == preset.memory_limit_mib
    [rollout] = rollouts(args)
    assert (rollout.pods, rollout.share) == (pod.replicas, 0)
    assert "public preview" in "\n".join(warnings(settings))


def test_alerts_follow_the_queue() -> None:
    """A queue on a volume isn't lost with its pod, and each tenant has one."""

    def alerts(**groups: Any) -> str:
        made = stack({"surviveMinutes": 30, **groups.pop("alloy", {})}, **groups)
        return "\n".join(map(str, alert_groups(stack_context(made))))

    assert "AlloyLosesQueue" in alerts()
    assert "has not answered for 30 minutes" in alerts()
    assert "AlloyLosesQueue" not in alerts(alloy={"queue": "volume"})
    expression = re.search(r'component_path=~\\?"(/send_to_tempo[^"\\]+)', alerts())
    assert expression
    assert re.fullmatch(expression[1], "/send_to_tempo.tenant_2")
    assert re.fullmatch(expression[1], "/send_to_tempo.default")


def test_preflight_checks_the_class_of_the_volumes() -> None:
    own = {"queue": "volume", "queueStorageClass": "gp3"}

    assert storage_classes(stack(own)) == {
        "tempo.storageClass": None,
        "alloy.queueStorageClass": "gp3",
    }
    assert storage_classes(stack({})) == {"tempo.storageClass": None}


def test_a_queue_in_memory_needs_no_preview() -> None:
    made = values(arguments())

    assert made["alloy"]["stabilityLevel"] == "generally-available"
    assert made["controller"]["type"] == "deployment"


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("alloy.surviveMinutes", {"surviveMinutes": 5}, {"load": {}}),
    ("alloy.queueBatches", {"surviveMinutes": 5, "queueBatches": 50}, {}),
    (
        "alloy.workload.memoryLimitMib",
        {"surviveMinutes": 10, "workload": {"memoryLimitMib": 512}},
        {},
    ),
    ("alloy.queueFsync", {"queueFsync": False}, {}),
    ("alloy.queueStorageClass", {"queueStorageClass": "gp3"}, {}),
    ("alloy.queue", {"queue": "volume", "sampling": {"mode": "on"}}, {}),
    ("alloy.workload.maxReplicas", {"queue": "volume", "workload": {"maxReplicas": 9}}, {}),
]


@sweep(("key", "alloy", "groups"), REFUSED)
def test_contradictions_are_refused(
    key: str, alloy: dict[str, Any], groups: dict[str, Any]
) -> None:
    backends = {"metrics": {"url": "http://m.m.svc", "remoteWriteUrl": "http://m.m.svc"}}
    _, found = validate(
        stack_file(**{"alloy": alloy, "load": LOAD, "backends": backends, **groups})
    )

    assert [problem.key for problem in found] == [key]


REQUESTS, EACH = 40, 50


def fill(alloy: Gateway) -> set[str]:
    """Send spans that the gateway accepts; return their names."""
    names = [f"span {number}" for number in range(REQUESTS * EACH)]
    for first in range(0, len(names), EACH):
        named = {name: {"padding": "x" * 300} for name in names[first : first + EACH]}
        assert alloy.send("traces", spans({"service.name": "shop"}, named)) == 200
    return set(names)


def end(alloy: Gateway, how: signal.Signals) -> None:
    assert alloy.process
    alloy.process.send_signal(how)
    alloy.process.wait(timeout=60)


@needs_alloy
def test_a_stopping_pod_sends_what_it_holds(tmp_path: Path) -> None:
    with trace_sink(delay=2) as sink:
        with gateway(arguments(tempo_endpoint=sink.endpoint), tmp_path) as alloy:
            names = fill(alloy)
            end(alloy, signal.SIGTERM)
        assert {span.name for span in sink.spans} == names


@needs_alloy
def test_a_volume_keeps_what_a_stopping_pod_did_not_send(tmp_path: Path) -> None:
    settings = AlloySettings(queue=QueuePlace.VOLUME)
    with trace_sink(delay=2) as sink:
        args = arguments(settings=settings, tempo_endpoint=sink.endpoint)
        with gateway(args, tmp_path) as alloy:
            names = fill(alloy)
            end(alloy, signal.SIGTERM)
        with gateway(args, tmp_path):
            wait_for(lambda: names <= {span.name for span in sink.spans})


@needs_alloy
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("queue", ["memory", "volume", "volume without fsync"])
def test_spans_of_an_outage_after_a_restart(
    queue: str, how: signal.Signals, tmp_path: Path
) -> None:
    """Tempo is away while Alloy restarts: only a volume keeps the queue."""
    [port] = free_ports(1)
    settings = AlloySettings(
        queue=QueuePlace.MEMORY if queue == "memory" else QueuePlace.VOLUME,
        queue_fsync="without" not in queue,
    )
    args = arguments(settings=settings, tempo_endpoint=f"127.0.0.1:{port}")
    with gateway(args, tmp_path) as alloy:
        names = fill(alloy)
        end(alloy, how)
    with trace_sink(port) as sink:
        with gateway(args, tmp_path) as alloy:
            assert alloy.send("traces", spans({"service.name": "last"}, {"last": {}})) == 200
            kept = {"last"} if queue == "memory" else {"last", *names}
            wait_for(lambda: len(sink.spans) >= len(kept))
        # Each once.
        assert sorted(span.name for span in sink.spans) == sorted(kept)


@needs_alloy
def test_a_pod_that_stops_just_after_an_outage_loses_batches_that_wait(tmp_path: Path) -> None:
    """Alloy ends without their next try."""
    [port] = free_ports(1)
    with gateway(arguments(tempo_endpoint=f"127.0.0.1:{port}"), tmp_path) as alloy:
        names = fill(alloy)
        # Some tries have failed, so that the next one comes seconds later.
        time.sleep(8)
        with trace_sink(port) as sink:
            end(alloy, signal.SIGTERM)
    assert len(sink.spans) < len(names)


def cut_off(content: bytes) -> bytes:
    return content[:16384]


def overwritten(content: bytes) -> bytes:
    return b"\xff" * 16384 + content[16384:]


@needs_alloy
@pytest.mark.parametrize("damage", [cut_off, overwritten])
def test_a_damaged_queue_file_stops_alloy_or_the_exporter(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """The documented way out is a new volume."""
    settings = AlloySettings(queue=QueuePlace.VOLUME)
    args = arguments(settings=settings, tempo_endpoint=f"127.0.0.1:{free_ports(1)[0]}")
    with gateway(args, tmp_path) as alloy:
        fill(alloy)
        end(alloy, signal.SIGKILL)
    files = [file for file in (tmp_path / "queue").rglob("*") if file.is_file()]
    file = max(files, key=lambda file: file.stat().st_size)
    file.write_bytes(damage(file.read_bytes()))

    def unusable(alloy: Gateway) -> bool:
        try:
            return alloy.send("traces", spans({"service.name": "shop"}, {"next": {}})) == 503
        except OSError:
            return True

    ended = True
    # The harness finds that Alloy has ended where it does so at once.
    with contextlib.suppress(AssertionError), gateway(args, tmp_path) as alloy:
        ended = False
        wait_for(lambda: unusable(alloy))
        ended = True
    assert ended


@needs_alloy
def test_a_full_queue_refuses_senders(tmp_path: Path) -> None:
    settings = AlloySettings(queue_batches=20)
    args = arguments(settings=settings, tempo_endpoint=f"127.0.0.1:{free_ports(1)[0]}")
    body = spans({"service.name": "shop"}, {"large": {"padding": "x" * 3_000_000}})
    with gateway(args, tmp_path) as alloy:
        statuses = [alloy.send("traces", body) for _ in range(60)]
    # 503 is an error after which senders try again.
    assert statuses[0] == 200
    assert statuses[-1] == 503
