"""What a look finds after somebody changed things by hand, with the real engine and cluster."""

import subprocess
import sys

import pytest

from tests.engine import lab as engine
from tests.engine.lab import ROOT, Lab

REASON = engine.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")


def look(lab: Lab) -> tuple[int, str]:
    """Run `make drift` in the lab's project; return its status and its report."""
    done = subprocess.run(
        [sys.executable, "-m", "delivery.look", "dev", "--drift"],
        cwd=lab.project,
        env={**lab.env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    report = lab.project / "build" / "drift" / "dev.md"
    assert report.exists(), done.stdout + done.stderr
    return done.returncode, report.read_text()


def test_a_look_finds_what_was_changed_by_hand(lab: Lab) -> None:
    lab.adopt("dev")
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "dev")
    assert look(lab) == (0, "No changes.\n")

    # Within a release nobody looks: docs/operations.md, Repair.
    engine.kubectl("scale", "-n", "tracing", "deployment/alloy", "--replicas=0")
    assert look(lab) == (0, "No changes.\n")

    engine.kubectl("delete", "-n", "tracing", "networkpolicy", "--all")
    engine.kubectl(
        *("patch", "-n", "monitoring", "configmap", "tracing-datasource-tempo"),
        *("--type=merge", "--patch", '{"data": {"more.yaml": "x"}}'),
    )
    helm = ["helm", "upgrade", "alloy", "alloy", "--repo", lab.charts, "--namespace", "tracing"]
    by_hand = ["--reuse-values", "--set", "controller.replicas=2"]
    version = engine.kubectl(
        *("get", "deployment", "-n", "tracing", "alloy"),
        *("--output", r"jsonpath={.metadata.labels.helm\.sh/chart}"),
    ).removeprefix("alloy-")
    subprocess.run([*helm, "--version", version, *by_hand], check=True, capture_output=True)
    status, report = look(lab)
    assert status == 1
    found = {line.split("`")[1]: line.split("|")[1].strip() for line in table(report)}
    print(report)
    assert found["tracing-alloy-release"] == "update"


def table(report: str) -> list[str]:
    return [line for line in report.splitlines() if line.count("`") >= 4]
