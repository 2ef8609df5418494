"""The commands of the Makefile say the truth about a deployed stack."""

import json
import os
import subprocess
import sys

from tests.e2e.cluster.place import ROOT
from tests.e2e.cluster.stack import Stack


def command(stack: Stack, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the project's commands in the stack's folder."""
    env = {**os.environ, **(stack.lab.env if stack.lab else {}), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", module, stack.name, *arguments],
        cwd=stack.project,
        env=env,
        capture_output=True,
        text=True,
    )


def test_verify_finds_a_sound_stack_sound(shop: Stack) -> None:
    done = command(shop, "delivery.verify", "--json")
    found = json.loads(done.stdout)
    wrong = [one for one in found["checks"] if one["level"] == "error"]
    assert done.returncode == 0, done.stderr
    assert wrong == []


def test_verify_says_that_tempo_is_away(ours: Stack) -> None:
    cluster, namespace = ours.cluster, ours.namespace
    cluster.run("-n", namespace, "scale", "statefulset/tempo", "--replicas=0")
    try:
        done = command(ours, "delivery.verify")
        assert done.returncode != 0
        assert "tempo" in done.stdout.lower()
        assert "Traceback" not in done.stderr
    finally:
        cluster.run("-n", namespace, "scale", "statefulset/tempo", "--replicas=1")
        cluster.rolled_out(namespace, "statefulset/tempo")


def test_a_second_preview_is_clean(ours: Stack) -> None:
    assert ours.lab is not None
    assert ours.lab.changes(ours.name) == {}


def test_preflight_takes_what_is_there_for_the_stacks_own(ours: Stack) -> None:
    done = command(ours, "delivery.preflight", "--json")
    assert "Traceback" not in done.stderr, done.stderr
    found = json.loads(done.stdout)["findings"]
    names = [one for one in found if one["need"] == "names"]
    assert [one["level"] for one in names] == ["ok"], names
