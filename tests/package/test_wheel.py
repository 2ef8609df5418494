"""The Python package: public names, contents, requirements, and no collision of names."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import components
from components import TracingStack, TracingStackArgs, parse_settings
from components.core.helm import ALLOY
from plan.recorder import record
from tests.package.wheel import ROOT, closure, required
from tests.sweep import sweep

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: What others may build on. A name that goes, or comes to mean something else, is a new major
#: version, and CHANGELOG.md says what to do.
PUBLIC = """
    AffinitySettings AlertSettings Alloy AlloyArgs AlloyPodLogs AlloyPodLogsArgs AlloySampler
    AlloySamplerArgs AlloySettings AttributeLimitSettings AvailabilitySettings BackendSettings
    Beyla BeylaArgs BeylaSettings Canary CanaryArgs CanarySettings Chart ChartSettings
    ChartsSettings ClusterSettings ContextPropagation DropSettings Encryption
    EnvironmentSettings GrafanaDatasources GrafanaDatasourcesArgs GrafanaSettings IdentityMode
    IdentitySettings Language LatencySettings LoadSettings LogsSettings MetricsSettings
    MetricsType NamespaceSettings OpenTelemetryOperator OpenTelemetryOperatorArgs
    OperatorSettings OtlpEnv OtlpEnvArgs OtlpProtocol OtlpSettings PlacementSettings
    PodLogsSettings PodSettings ProfilesSettings Propagator RatioSettings RedactionSettings
    RouteSettings RuleDelivery RuleEvaluator SamplingMode SamplingPreset SamplingSettings
    ScalableWorkloadSettings ServiceMonitorSettings SettingsError Size SloDefaultsSettings
    SloRuleSettings SloSettings StatefulPodSettings StatefulWorkloadSettings StorageSettings
    TaintEffect Tempo TempoArgs TempoKafkaSettings TempoLimitSettings TempoMode TempoSettings
    TempoSpanMetricsSettings TempoWorkloadSettings Tier TolerationOperator TolerationSettings
    TopologySpread TraceStorage TraceStorageArgs TracingSettings TracingStack TracingStackArgs
    WorkloadIdentity WorkloadIdentityArgs WorkloadSettings injection_annotations otlp_env
    otlp_variables parse_settings with_injection with_otlp_env
"""

SETTINGS = {
    "environment": {"name": "dev"},
    "cluster": {"name": "apps", "region": "eu-west-1", "accountId": "123456789012"},
}
#: A stack of another team, with a package `components` of its own beside it.
CONSUMER = f"""
import asyncio, json
import pulumi
import components
from tracing_stack import TracingStack, TracingStackArgs, parse_settings

made = []

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        made.append(args.typ)
        return args.name, dict(args.inputs)

    def call(self, args):
        return {{}}

asyncio.set_event_loop(asyncio.new_event_loop())
pulumi.runtime.set_mocks(Mocks())

@pulumi.runtime.test
def build():
    settings = parse_settings({SETTINGS!r})
    TracingStack("tracing", TracingStackArgs(settings=settings))

build()
print(json.dumps([components.WHOSE, sorted(made)]))
"""
#: What a type checker is to find, and that it finds nothing else.
TYPED = """
import pulumi
from tracing_stack import TraceStorage, TraceStorageArgs

storage = TraceStorage(
    "traces",
    TraceStorageArgs(bucket="b", region="eu-west-1", account_id="1", retention_hours=72),
)
name: pulumi.Output[str] = storage.bucket_name
wrong: pulumi.Output[int] = storage.bucket_name
TraceStorageArgs(bucket="b", region="eu-west-1", account_id="1", retention_hours="72")
"""


def test_the_public_names_are_these() -> None:
    assert components.__all__ == sorted(PUBLIC.split())
    assert [n for n in components.__all__ if not hasattr(components, n)] == []


@sweep("name", components.__all__)
def test_public_names_are_documented(name: str) -> None:
    text = getattr(components, name).__doc__
    # A dataclass or an enum without a text of its own has one of Python's.
    assert text
    assert not text.startswith((f"{name}(", "An enumeration", "Enum where"))


def test_the_changelog_knows_the_version() -> None:
    headings = [
        line.split("]")[0].removeprefix("## [")
        for line in (ROOT / "CHANGELOG.md").read_text().splitlines()
        if line.startswith("## [")
    ]
    assert headings[0] == "Unreleased"
    assert headings[1] == components.__version__


def test_the_wheel_holds_the_components_and_nothing_else(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    mine = {
        f"tracing_stack/{file.relative_to(ROOT / 'components').as_posix()}"
        for file in (ROOT / "components").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {name for name in held if ".dist-info/" not in name} == mine
    assert {
        "tracing_stack/py.typed",
        f"tracing_stack/alloy/alloy-{ALLOY.version}.json",
        "tracing_stack/tempo/monolithic.gotmpl",
    } <= mine
    assert f"tracing_stack-{components.__version__}-py3-none-any.whl" == wheel.name


def test_what_it_asks_for_is_there_and_nothing_else(wheel: Path) -> None:
    direct = {Requirement(text).name for text in required(wheel)}
    assert direct == {Requirement(text).name for text in PROJECT["dependencies"]}
    # Its own dependencies bring nothing that the tests alone need; versions fit (see `closure`).
    assert direct < closure(required(wheel))
    assert not closure(required(wheel)) & {"pytest", "hypothesis", "moto", "boto3", "pulumi-policy"}


def test_a_stack_with_components_of_its_own_builds_the_whole(
    wheel_python: Path, tmp_path: Path
) -> None:
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "__init__.py").write_text("WHOSE = 'mine'\n")
    (tmp_path / "program.py").write_text(CONSUMER)

    done = subprocess.run(
        [wheel_python, tmp_path / "program.py"], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    whose, made = json.loads(done.stdout)
    args = TracingStackArgs(settings=parse_settings(SETTINGS))
    here = record(lambda: TracingStack("tracing", args)).resources
    assert whose == "mine"
    assert made == sorted(r.type for r in here if r.type != "pulumi:pulumi:Stack")


@pytest.mark.slow
def test_type_checkers_see_its_types(wheel_python: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(TYPED)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    pyright = [sys.executable, "-m", "pyright", "--pythonpath", wheel_python, "--outputjson"]
    done = subprocess.run([*pyright, "--project", tmp_path], capture_output=True, text=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["generalDiagnostics"]
    lines = TYPED.splitlines()
    at: list[int] = [f["range"]["start"]["line"] for f in found]
    assert [lines[number] for number in at] == TYPED.splitlines()[-2:], found
