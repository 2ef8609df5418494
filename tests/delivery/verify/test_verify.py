"""Each planted fault of a deployed stack is named in one line, with its runbook."""

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from delivery.preflight.finding import Finding, Level
from delivery.verify import __main__ as command
from delivery.verify import site as limits
from plan.run import Plan
from tests import golden
from tests.delivery.preflight.api import Api as Kubernetes
from tests.delivery.preflight.api import made
from tests.delivery.verify.world import World, healthy, pod, served, workload

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAIT_SECONDS", "METRICS_SECONDS"):
        monkeypatch.setattr(limits, name, 0.3)
    monkeypatch.setattr(limits, "PAUSE_SECONDS", 0.05)


def quiet(name: str, finding: Finding) -> None:
    """Report nothing."""


def _dev(stack: str, root: Path) -> Plan:
    return golden.plan(stack)


def found(world: World, *, grafana: bool = False) -> list[tuple[str, Finding]]:
    """Return what verify finds."""
    with served(world):
        return command.verify(world.site(grafana=grafana), quiet)


def wrong(results: list[tuple[str, Finding]]) -> list[str]:
    """Return each error and warning as a line."""
    levels = (Level.ERROR, Level.WARNING)
    return [f"{name}: {f.text}: {f.fix}" for name, f in results if f.level in levels]


def test_a_working_stack_passes_every_check() -> None:
    world = healthy(golden.plan("dev"))
    results = found(world, grafana=False)
    assert wrong(results) == []
    skipped = [name for name, f in results if f.level is Level.NOT_CHECKED]
    # Without a token, Grafana isn't asked; the backends are, in the cluster.
    assert skipped == ["datasources"]
    assert len(results) == len(command.CHECKS)


def test_with_a_token_grafana_is_asked() -> None:
    world = healthy(golden.plan("dev"))
    assert wrong(found(world, grafana=True)) == []
    assert "/api/datasources/proxy/uid/prometheus/api/v1/query" in world.asked


def _config(*, hours: int) -> str:
    return f"---\ncompactor: {{compaction: {{block_retention: {hours}h0m0s}}}}"


def no_delivery(world: World) -> None:
    """Plant a network policy that keeps Alloy from Tempo."""
    world.delivers = False
    world.kubernetes.objects.append(made("NetworkPolicy", "deny-all", "tracing"))
    world.texts["alloy-0"] = (
        'level=error msg="Exporting failed. Rejecting data." error="rpc error: code = '
        'DeadlineExceeded desc = context deadline exceeded"'
    )


def too_many(world: World) -> None:
    """Let Tempo discard spans over its rate limit, for other reasons than before the trace."""
    discarded = "tempo_discarded_spans_total"
    world.grow("tempo", **{f'{discarded}{{reason="trace_too_large"}}': 5})
    rate_limited = {f'{discarded}{{reason="rate_limited",tenant="{n}"}}': 2 for n in "ab"}
    world.take = lambda body: world.grow("tempo", **rate_limited)


def no_permission(world: World) -> None:
    """Take the permission to write from Tempo's role."""
    world.writes = False
    world.texts["tempo-0"] = (
        'level=error msg="error performing op in flushQueue" op=1 '
        'err="error copying block from local to remote backend: Access Denied."'
    )


def no_remote_write(world: World) -> None:
    """Run a Prometheus without its receiver of remote writes."""
    world.writes_metrics = False
    world.grow("tempo", prometheus_remote_storage_samples_failed_total=9)
    world.texts["tempo-0"] = (
        'level=error remote_name=4a1 msg="non-recoverable error" count=9 '
        'err="server returned HTTP status 404 Not Found: remote write receiver needs to be enabled"'
        "\n"
        # A start of the write-ahead log, not a fault.
        'level=error remote_name=4a1 msg="error tailing WAL" err="failed to find segment for index"'
    )


def old_configuration(world: World) -> None:
    """Let Alloy refuse its newest configuration."""
    world.answers["/-/reload"] = (400, "error during the initial load: x.alloy:1:1: no\n\n1 | x")


def other_uid(world: World) -> None:
    """Give Grafana's Prometheus another uid."""
    world.uids["PBFA97CFB590B2093"] = {**world.uids.pop("prometheus"), "uid": "PBFA97CFB590B2093"}
    world.uids["tracing-tempo"]["jsonData"] = {"serviceMap": {"datasourceUid": "prometheus"}}


def no_image(world: World) -> None:
    """Let the only pod of a DaemonSet wait for its image; Helm reports success."""
    objects = world.kubernetes.objects
    objects[:] = [each for each in objects if each["metadata"].get("namespace") != "tracing-beyla"]
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image grafana/beyla:9"}
    objects += [
        workload("DaemonSet", "beyla", "beyla", "tracing-beyla", ready=0),
        pod(
            "beyla-x1",
            "beyla",
            "tracing-beyla",
            conditions=[{"type": "Ready", "status": "False"}],
            containerStatuses=[{"name": "beyla", "state": {"waiting": waiting}}],
        ),
    ]


def refused_at_start(world: World) -> None:
    """Let Tempo stop at its start, because it may not list the bucket."""
    objects = world.kubernetes.objects
    objects[:] = [each for each in objects if each["metadata"]["name"] not in ("tempo", "tempo-0")]
    ended = {"reason": "Error", "exitCode": 1}
    status = {
        "name": "tempo",
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
        "lastState": {"terminated": ended},
    }
    objects += [
        workload("StatefulSet", "tempo", "tempo", ready=0),
        pod(
            "tempo-0",
            "tempo",
            conditions=[{"type": "Ready", "status": "False"}],
            containerStatuses=[status],
        ),
    ]
    world.texts["tempo-0"] = (
        'level=error msg="error running Tempo" err="failed to init module services: error '
        "initialising module: store: failed to create store: unexpected error from ListObjects on "
        'traces: Access Denied."'
    )
    world.answers["/v1/traces"] = (200, {})
    world.delivers = False


@pytest.mark.parametrize(
    ("plant", "said", "runbook"),
    [
        (
            no_delivery,
            "trace by id: Alloy can't deliver to Tempo; rpc error: code = DeadlineExceeded desc = "
            "context deadline exceeded; network policies in tracing that the stack didn't create: "
            "deny-all",
            "tracing-ingestion-stopped.md",
        ),
        (
            too_many,
            "trace by id: Tempo discards spans: rate_limited",
            "tempo-discards-spans.md",
        ),
        (
            no_permission,
            "bucket: S3 denies Tempo PUT with status 403 in bucket "
            "traces-dev-111111111111-eu-west-1: error copying block from local to remote backend: "
            "Access Denied.",
            "tempo-storage-access-denied.md",
        ),
        (
            no_remote_write,
            "span metrics: the metrics backend refuses Tempo's remote write: server returned HTTP "
            "status 404 Not Found: remote write receiver needs to be enabled",
            "tempo-metrics-not-written.md",
        ),
        (
            old_configuration,
            "Alloy's configuration: alloy-0 can't load Alloy's configuration and keeps the "
            "previous one: error during the initial load: x.alloy:1:1: no",
            "alloy-config-not-loaded.md",
        ),
        (
            no_image,
            "workloads: DaemonSet beyla in tracing-beyla: 0 of 1 pods are ready; beyla-x1: "
            "ImagePullBackOff Back-off pulling image grafana/beyla:9",
            "beyla-missing-on-nodes.md",
        ),
    ],
)
def test_a_fault_is_one_line(plant: Callable[[World], None], said: str, runbook: str) -> None:
    world = healthy(golden.plan("dev"))
    plant(world)
    assert wrong(found(world)) == [f"{said}: docs/runbooks/{runbook}"]
    assert (ROOT / "docs" / "runbooks" / runbook).is_file()


def test_a_wrong_uid_of_a_datasource_is_named() -> None:
    world = healthy(golden.plan("dev"))
    other_uid(world)
    world.answers["/proxy/uid/prometheus"] = (404, {"message": "data source not found"})
    assert wrong(found(world, grafana=True)) == [
        "datasources: Grafana has no datasource with uid prometheus (backends.metrics.uid), only "
        "tracing-tempo (x), loki (x), PBFA97CFB590B2093 (x): "
        "docs/grafana.md#link-existing-datasources"
    ]


def test_a_link_to_a_datasource_that_is_gone_is_named() -> None:
    world = healthy(golden.plan("dev"))
    world.uids["tracing-tempo"]["jsonData"] = {"tracesToMetrics": {"datasourceUid": "old"}}
    [line] = wrong(found(world, grafana=True))
    assert "tracing-tempo leads to uid old (tracesToMetrics.datasourceUid)" in line


def test_a_pod_that_stops_at_its_start_is_named_with_the_cause() -> None:
    world = healthy(golden.plan("dev"))
    refused_at_start(world)
    lines = wrong(found(world))
    assert "StatefulSet tempo in tracing: 0 of 1 pods are ready; tempo-0: S3 denies it" in lines[0]
    assert lines[0].endswith("docs/runbooks/tempo-storage-access-denied.md")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"cluster_name": "platform-prod"},
            "trace by id: another stack received the trace, or Alloy has old settings: "
            "k8s.cluster.name is platform-prod, not platform-dev",
        ),
        (
            {"answers": {"/v1/traces": (503, "queue is full")}},
            "trace accepted: Alloy refuses the trace: 503 queue is full",
        ),
        ({"answers": {"/v1/logs": (404, "")}}, "log: Alloy refuses the log: 404"),
        (
            {"answers": {"/api/search": (500, "ring is empty")}},
            "search: a search doesn't find the trace: 500 ring is empty",
        ),
        (
            {"answers": {"/status/config": (200, _config(hours=24))}},
            "retention: Tempo runs with a retention of 24 hours, not 72",
        ),
        (
            {
                "blocks": 0,
                "metrics": {
                    "alloy": {},
                    "tempo": {
                        "process_start_time_seconds": time.time() - 8 * 3600,
                        "tempo_distributor_spans_received_total": 1e6,
                    },
                },
            },
            "newest block: Tempo received 1000003 spans in 8 hours, but has no block of the last "
            "90 minutes (none that is older than 15 minutes)",
        ),
        (
            {"kubernetes": Kubernetes(objects=[])},
            "workloads: Tempo is not deployed: no workload in tracing",
        ),
    ],
)
def test_what_else_is_wrong_is_named(changed: dict[str, Any], said: str) -> None:
    world = dataclasses.replace(healthy(golden.plan("dev")), **changed)
    assert wrong(found(world))[0].startswith(said)


@pytest.mark.parametrize(
    ("samples", "level", "said"),
    [
        ({"blocks_flushed": 3, "failed_flushes": 1}, Level.OK, "wrote 3 blocks since its start, 1"),
        ({}, Level.NOT_CHECKED, "written no block yet; one is due 5 minutes after it"),
        ({"failed_flushes": 2}, Level.ERROR, "Tempo can't write to bucket traces-dev-"),
    ],
)
def test_tempo_3_is_not_asked_for_a_block(
    samples: dict[str, float], level: Level, said: str
) -> None:
    plan = golden.plan("dev")
    tempo = plan.settings.tempo.model_copy(update={"version": 3})
    three = plan.settings.model_copy(update={"tempo": tempo})
    world = healthy(dataclasses.replace(plan, settings=three))
    names = {f"tempo_live_store_local_{name}_total": n for name, n in samples.items()}
    world.grow("tempo", tempo_live_store_live_traces=1, **names)
    [finding] = [its for name, its in found(world) if name == "bucket"]
    assert finding.level is level
    assert said in finding.text
    assert not [path for path in world.asked if path.endswith("/flush")]


def test_a_check_after_a_failed_one_is_not_made() -> None:
    world = healthy(golden.plan("dev"))
    no_delivery(world)
    skipped = {name: f.text for name, f in found(world) if f.level is Level.NOT_CHECKED}
    assert skipped["span metrics"] == "after trace by id"
    assert skipped["service graph"] == "after span metrics"


@pytest.mark.parametrize("faulty", [False, True])
def test_the_command_prints_a_checklist(
    faulty: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = healthy(golden.plan("dev"))
    if faulty:
        no_permission(world)

    @contextlib.contextmanager
    def reached(plan: Plan) -> Generator[object]:
        with served(world):
            yield world.site()

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(command, "reached", reached)
    monkeypatch.setattr(command, "planned", _dev)
    monkeypatch.setattr(sys, "argv", ["delivery.verify", "dev"])
    assert command.main() == int(faulty)
    said = capsys.readouterr().out
    assert "ok           trace by id" in said
    assert ("1 error" in said) == faulty

    monkeypatch.setattr(sys, "argv", ["delivery.verify", "dev", "--json"])
    assert command.main() == int(faulty)
    output = capsys.readouterr()
    document = json.loads(output.out)
    assert (document["stack"], document["errors"]) == ("dev", int(faulty))
    assert {each["check"] for each in document["checks"]} == {c.name for c in command.CHECKS}
    # Progress goes elsewhere.
    assert "trace by id" in output.err
