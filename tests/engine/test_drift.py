"""Drift detection after changes by hand, with the real engine and cluster."""

import subprocess
import sys

import pytest

from components.core.helm import ALLOY
from tests.engine import lab as engine
from tests.engine.lab import ROOT, Lab

REASON = engine.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")


def drift(lab: Lab) -> tuple[int, str]:
    """Run `make drift` in the lab's project; return its status and its report."""
    done = subprocess.run(
        [sys.executable, "-m", "delivery.preview", "dev", "--drift"],
        cwd=lab.project,
        env={**lab.env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    report = lab.project / "build" / "drift" / "dev.md"
    assert report.exists(), done.stdout + done.stderr
    return done.returncode, report.read_text()


def test_drift_detection_finds_changes_by_hand(lab: Lab) -> None:
    lab.adopt("dev")
    lab.pulumi("up", "--yes", "--skip-preview", "--stack", "dev")
    assert drift(lab) == (0, "No changes.\n")

    # What the document says is not seen: objects within a release, and what was added.
    engine.kubectl("scale", "-n", "tracing", "deployment/alloy", "--replicas=0")
    engine.kubectl("label", "namespace", "tracing", "made-by=hand")
    assert drift(lab) == (0, "No changes.\n")

    engine.kubectl("delete", "-n", "tracing", "networkpolicy", "default-deny")
    engine.kubectl(
        *("patch", "-n", "monitoring", "configmap", "tracing-datasource-tempo", "--type=merge"),
        *("--patch", '{"data": {"tracing-datasource-tempo.yaml": "by hand"}}'),
    )
    subprocess.run(
        [
            *("helm", "upgrade", "alloy", "alloy", "--namespace", "tracing"),
            *("--repo", lab.charts, "--version", ALLOY.version),
            *("--reuse-values", "--set", "controller.replicas=7"),
        ],
        check=True,
        capture_output=True,
    )
    status, report = drift(lab)
    assert status == 1
    rows = [row.split(" | ") for row in report.splitlines() if row.count("`") >= 4]
    assert {(name, operation.strip("| ")) for operation, name, *_ in rows} == {
        ("`tracing-default-deny`", "create"),
        ("`tracing-datasources-tempo`", "update"),
        ("`tracing-alloy-release`", "update"),
    }
    assert "by hand" not in report

    lab.pulumi("up", "--yes", "--skip-preview", "--refresh", "--stack", "dev")
    assert drift(lab) == (0, "No changes.\n")
