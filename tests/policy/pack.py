"""The policy pack as a program, called over the protocol of Pulumi's engine."""

import contextlib
import json
import os
import subprocess
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policy.rules import RULES, Violation
from policy.rules.rule import Level
from tests.policy.cases import Documents

FOLDER = Path(__file__).parents[2] / "policy"
_LEVELS = {
    analyzer_pb2.MANDATORY: Level.MANDATORY,
    analyzer_pb2.ADVISORY: Level.ADVISORY,
    analyzer_pb2.DISABLED: Level.OFF,
}


def missing() -> str | None:
    """Return why the pack can't run on this machine, or None."""
    if not (FOLDER / "venv" / ".policy").exists():
        return "policy/venv is not installed (make policy/venv/.policy)"
    return None


#: Prints the levels for each `tracing:environment` on standard input, in one process of the pack.
_ASK_FOR_LEVELS = """
import json, runpy, sys
import pulumi, pulumi_policy
def show(_, policies):
    print(json.dumps({p.name: p.enforcement_level.value for p in policies}))
pulumi_policy.PolicyPack = show
for text in json.load(sys.stdin):
    pulumi.runtime.set_all_config({"tracing:environment": text})
    runpy.run_path("__main__.py")
"""


def levels(environments: list[str]) -> list[dict[str, Level]]:
    """Return the levels of the policies for each value of `tracing:environment`."""
    done = subprocess.run(
        [FOLDER / "venv" / "bin" / "python", "-c", _ASK_FOR_LEVELS],
        cwd=FOLDER,
        env={**os.environ, "PULUMI_PROJECT": "tracing", "PULUMI_STACK": "test"},
        input=json.dumps(environments),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [
        {name: Level.OFF if text == "disabled" else Level(text) for name, text in found.items()}
        for found in map(json.loads, done.stdout.splitlines())
    ]


@dataclass(frozen=True)
class Pack:
    """A running pack."""

    stub: Any

    def levels(self) -> dict[str, Level]:
        """Return the policies and their levels."""
        info = self.stub.GetAnalyzerInfo(analyzer_pb2.AnalyzeRequest())
        return {p.name: _LEVELS[p.enforcementLevel] for p in info.policies}

    def configure(self, config: Mapping[str, Mapping[str, Any]]) -> None:
        """Configure policies, as with the engine's `--policy-pack-config`.

        The engine gives each policy its level too.
        """
        given = {
            name: analyzer_pb2.PolicyConfig(
                enforcementLevel=next(n for n, level in _LEVELS.items() if level is found),
                properties=_struct(config.get(name, {})),
            )
            for name, found in self.levels().items()
        }
        self.stub.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=given))

    def ask(self, found: Documents, known: Documents | None = None) -> list[Violation]:
        """Return the violations in a stack, each resource first and then all together.

        A `known` stack violates nothing: the resources that it has too are not asked again.
        """
        violations: list[Violation] = []
        for r in [r for r in found if r not in (known or ())]:
            request = analyzer_pb2.AnalyzeRequest(
                type=r["type"],
                urn=r["urn"],
                name=r["name"],
                properties=_struct(r["inputs"]),
                options=_options(r),
            )
            answer = self.stub.Analyze(request)
            violations += [_violation(d, r["urn"]) for d in answer.diagnostics]
        resources = [
            analyzer_pb2.AnalyzerResource(
                type=r["type"],
                urn=r["urn"],
                name=r["name"],
                properties=_struct(r["inputs"]),
                options=_options(r),
                dependencies=r.get("dependencies", []),
            )
            for r in found
        ]
        answer = self.stub.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources))
        return violations + [_violation(d, d.urn) for d in answer.diagnostics]


@contextlib.contextmanager
def running(config: Mapping[str, Any]) -> Generator[Pack]:
    """Run the pack for a stack's configuration, as Pulumi's language host runs it."""
    env = {
        **os.environ,
        "PULUMI_PROJECT": "tracing",
        "PULUMI_STACK": "test",
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps(config),
    }
    python = FOLDER / "venv" / "bin" / "python"
    command = [str(python), "-u", "-m", "pulumi.policy", "127.0.0.1:0", "."]
    with subprocess.Popen(command, cwd=FOLDER, env=env, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        port = run.stdout.readline().strip()
        assert port.isdigit(), "the pack did not start"
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield Pack(analyzer_pb2_grpc.AnalyzerStub(channel))
        finally:
            run.kill()


def _struct(values: Mapping[str, Any]) -> Struct:
    found = Struct()
    found.update(dict(values))
    return found


def _options(resource: Mapping[str, Any]) -> Any:
    return analyzer_pb2.AnalyzerResourceOptions(protect=resource.get("protect", False))


def _violation(diagnostic: Any, urn: str) -> Violation:
    what = next(rule.what for rule in RULES if rule.name == diagnostic.policyName)
    return Violation(
        rule=diagnostic.policyName,
        level=_LEVELS[diagnostic.enforcementLevel],
        urn=urn,
        message=diagnostic.message.removeprefix(f"{what}\n"),
    )
