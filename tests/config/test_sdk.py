"""The parts of Pulumi's SDK that are not public are as `config.sdk` expects them."""

import ast
import inspect
import traceback
from pathlib import Path
from unittest import mock

import pulumi
import pytest
from pulumi.runtime import config, rpc, settings

from config import sdk
from plan.recorder import Secret, record

ROOT = Path(__file__).parents[2]
ROOMS = ("bootstrap", "components", "config", "delivery", "package", "plan")
#: Public parts of `pulumi.runtime`.
PUBLIC = {"register_stack_transformation", "run_in_stack"}


def test_only_one_module_uses_them() -> None:
    found = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pulumi.runtime"))
        or (
            isinstance(node, ast.Attribute)
            and ast.unparse(node).startswith("pulumi.runtime.")
            and node.attr not in PUBLIC
        )
    }
    assert found == {"config/sdk.py"}


def test_the_configuration_is_readable_as_a_whole() -> None:
    seen: list[tuple[dict[str, str], bool, bool]] = []

    def program() -> None:
        seen.append((sdk.configuration(), sdk.is_secret("a:x"), sdk.is_secret("a:y")))

    record(program, config={"a:x": "1", "a:y": "[2]"}, secret_keys=["a:x"])

    assert seen == [({"a:x": "1", "a:y": "[2]"}, True, False)]
    # Outside of the recording nothing is left of it.
    assert config.CONFIG.get() == {}


def test_secrets_and_unknown_values_have_the_forms_of_the_wire() -> None:
    assert sdk.is_secret_value(
        {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    )
    assert not sdk.is_secret_value({"4dabf18193072939515e22adb298388d": "other"})
    assert sdk.UNKNOWN == rpc.UNKNOWN == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert sdk.WARNING == 2


def test_the_classes_have_the_methods_that_the_recorder_replaces() -> None:
    methods = ("RegisterResource", "ReadResource", "RegisterResourceOutputs", "make_urn")
    assert all(hasattr(sdk.Monitor, name) for name in methods)
    assert hasattr(sdk.Engine, "Log")
    assert list(inspect.signature(settings.set_root_resource).parameters) == ["root"]


def test_a_recorded_program_reads_no_call_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traceback, "extract_stack", mock.Mock(side_effect=AssertionError))
    recording = record(lambda: pulumi.ComponentResource("a:b:C", "name"))
    assert [r.name for r in recording.resources][1:] == ["name"]


def test_a_program_is_recorded_with_secrets_and_warnings() -> None:
    def program() -> None:
        pulumi.log.warn("careful")
        pulumi.export("password", pulumi.Output.secret("hunter2"))

    recording = record(program)

    assert recording.warnings == ["careful"]
    assert recording.outputs == {"password": Secret("hunter2")}
