"""A broken stack file ends in one message with every problem, status 1, and no traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plan.__main__ import main

ROOT = Path(__file__).parents[2]
CLUSTER = """
  tracing:cluster:
    name: test
    region: eu-west-1
    accountId: "123456789012"
    kubeContext: test
"""
GOOD = f"config:\n  tracing:environment:\n    name: dev\n{CLUSTER}"

#: What is wrong, the file, and what the message must say.
BROKEN = {
    "a misspelt key": (
        GOOD + "  tracing:tempo:\n    retentionHors: 48\n",
        ["tracing:tempo.retentionHors: 48", "did you mean tempo.retentionHours?"],
    ),
    "a misspelt project": (
        GOOD + "  tracign:storage:\n    bucket: x\n  Tracing:tempo:\n    size: s\n",
        [
            "tracign:storage",
            "did you mean tracing:storage?",
            "Tracing:tempo",
            "did you mean tracing:tempo?",
        ],
    ),
    "a misspelt group": (
        GOOD + "  tracing:tempoo:\n    size: s\n",
        ["tracing:tempoo", "did you mean tempo?"],
    ),
    "a key of another group": (
        GOOD + "  tracing:tempo:\n    forceDestroy: true\n",
        [
            "tracing:tempo.forceDestroy: true",
            "unknown key; the keys of tempo are mode, version",
        ],
    ),
    "a wrong type": (
        GOOD + "  tracing:tempo:\n    retentionHours: two weeks\n",
        ['tracing:tempo.retentionHours: "two weeks"', "an integer from 2 to 87600"],
    ),
    "an account id without quotes": (
        GOOD.replace('"123456789012"', "123456789012"),
        ["tracing:cluster.accountId: 123456789012", "in quotes"],
    ),
    "out of range": (
        GOOD
        + "  tracing:cluster:\n    nodes: 0\n".replace("tracing:cluster", "tracing:alloy").replace(
            "nodes: 0", "maxRequestMib: 0"
        ),
        ["tracing:alloy.maxRequestMib: 0", "from 1 to 64"],
    ),
    "not one of the choices": (
        GOOD + "  tracing:tempo:\n    size: huge\n",
        ['tracing:tempo.size: "huge"', "one of xs, s, m, l"],
    ),
    "contradictory": (
        GOOD + "  tracing:tempo:\n    mode: distributed\n    size: xs\n",
        ['tracing:tempo.size: "xs"', "mode distributed needs size s, m or l"],
    ),
    "several at once, in a row and across": (
        GOOD
        + "  tracing:tempo:\n    mode: distributed\n    imageTag: 3.0.3\n"
        + "  tracing:identity:\n    mode: irsa\n  tracing:beyla:\n    enabeld: true\n",
        [
            "4 problems",
            "tracing:beyla.enabeld: true",
            "tracing:identity.mode",
            "tracing:tempo.imageTag",
            "tracing:tempo.mode",
        ],
    ),
    "a required setting missing": (
        GOOD.replace("    region: eu-west-1\n", ""),
        ["tracing:cluster.region", "is missing"],
    ),
    "a required group missing": (
        "config:\n  tracing:environment:\n    name: dev\n",
        ["tracing:cluster", "is missing"],
    ),
    "an empty file": ("", ["is empty", "Pulumi.dev.yaml"]),
    "an empty configuration": ("config:\n", ["tracing:cluster", "tracing:environment"]),
    "not YAML": ("config: {a: [1,\n", ["is not valid YAML", "line 2"]),
    "a string instead of a mapping": ("hello\n", ["must be a mapping"]),
    "settings outside config": ("tracing:tempo: {}\n", ["settings go under config"]),
    "a key twice": (
        GOOD + "  tracing:tempo:\n    size: s\n  tracing:tempo:\n    size: m\n",
        ["the key tracing:tempo is there twice", "line 12"],
    ),
    "a non-ASCII name": (
        GOOD.replace("name: dev", "name: дев"),
        ['tracing:environment.name: "дев"'],
    ),
    "not UTF-8": (b"config:\n  tracing:environment: \xff\xfe\n", ["is not UTF-8"]),
    "a huge number": (
        GOOD + "  tracing:tempo:\n    retentionHours: 1" + "0" * 400 + "\n",
        ["tracing:tempo.retentionHours", "an integer from 2 to 87600"],
    ),
    "a huge float": (
        GOOD + "  tracing:tempo:\n    retentionHours: 1e999\n",
        ["tracing:tempo.retentionHours", "an integer from 2 to 87600"],
    ),
    "true for a number": (
        GOOD + "  tracing:tempo:\n    retentionHours: true\n",
        ["tracing:tempo.retentionHours: true", "an integer"],
    ),
    "a list for a mapping": (
        GOOD + "  tracing:tempo:\n    - size\n",
        ['tracing:tempo: ["size"]', "a mapping with the keys mode, version, size"],
    ),
    "a mapping for a list": (
        GOOD + "  tracing:beyla:\n    namespaces:\n      shop: true\n",
        ["tracing:beyla.namespaces", "must be a list, each entry a namespace"],
    ),
    "a secret inside a group": (
        GOOD + "  tracing:grafana:\n    url:\n      secure: AAABAhunter2\n",
        ["tracing:grafana", "plain text", "metricsPassword"],
    ),
    "a secret in plain text": (
        GOOD + "  tracing:metricsPassword: hunter2\n",
        ["tracing:metricsPassword", "must be encrypted", "--secret"],
    ),
    "a key with a path in it": (
        GOOD + "  tracing:tempo.size: m\n",
        ["tracing:tempo.size", "--path"],
    ),
    "a misspelt key of the AWS provider": (
        GOOD + "  aws:endpoint: []\n",
        ["aws:endpoint", "did you mean aws:endpoints?"],
    ),
    "a region given twice": (
        GOOD + "  aws:region: us-east-1\n",
        ["aws:region", "tracing:cluster.region"],
    ),
    "a key of the Kubernetes provider": (
        GOOD + "  kubernetes:context: other\n",
        ["kubernetes:context", "tracing:cluster"],
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, content: str | bytes) -> None:
    file = folder / "Pulumi.broken.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize("what", BROKEN)
def test_one_clear_message(
    what: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content, expected = BROKEN[what]
    write(folder, content)
    monkeypatch.setattr(sys, "argv", ["plan", "broken"])
    assert main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: Pulumi.broken.yaml: ")
    assert "hunter2" not in printed.err
    for part in expected:
        assert part in printed.err
    assert not (folder / "build").exists()


def test_a_missing_file_names_those_that_are_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Pulumi.dev.yaml").write_text(GOOD)
    monkeypatch.setattr(sys, "argv", ["plan", "prdo"])
    assert main() == 1
    assert "there is no such file; stacks here: dev" in capsys.readouterr().err


def test_as_a_process_it_ends_with_status_1_and_no_traceback(folder: Path) -> None:
    write(folder, GOOD + "  tracing:tempo:\n    sise: m\n")
    done = subprocess.run(
        [sys.executable, "-m", "plan", "broken"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "did you mean tempo.size?" in done.stderr
    assert "Traceback" not in done.stderr
