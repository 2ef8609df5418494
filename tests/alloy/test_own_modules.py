"""Modules of the stack file: read, checked, and put into the pipeline."""

import os
from pathlib import Path
from typing import Any

import pytest

from components.alloy import own_modules
from components.alloy.component import AlloyArgs
from components.alloy.own_modules import MOST_BYTES, problems
from components.alloy.pipeline import config
from components.alloy.settings import (
    AlloyModulesSettings,
    AlloySettings,
    IngressAuth,
    IngressSettings,
)
from components.alloy.text import parse
from components.checks import SettingsError
from plan.run import Plan
from plan.write import files
from tests.alloy.cases import LOGS, METRICS, arguments
from tests.stack import each_setting
from tests.sweep import sweep

EXAMPLES = each_setting.ROOT / "examples" / "alloy-modules"
TEXTS = {file.name: file.read_text() for file in EXAMPLES.glob("*.alloy")}
SIGNALS = {"metrics": METRICS, "logs": LOGS}


def module(name: str, *signals: str, body: str = "") -> str:
    taken = "".join(f'argument "{signal}" {{ }}\n' for signal in signals)
    return f'declare "{name}" {{\n{taken}export "input" {{\nvalue = x\n}}\n{body}}}\n'


def gateway(texts: dict[str, str], *, places: dict[str, list[str]], **changed: Any) -> AlloyArgs:
    settings = AlloySettings(modules=AlloyModulesSettings.model_validate(places))
    return arguments(settings=settings, modules=texts, **changed)


def paths(args: AlloyArgs) -> dict[str, list[str]]:
    """Return the modules that each signal passes, in order."""
    used = {b.name: b.attributes for b in parse(config(args)).blocks if b.name != "declare"}
    found: dict[str, list[str]] = {}
    for signal in own_modules.SIGNALS:
        name, found[signal] = "receive", []
        while name in used and used[name].get(signal, "[ ]") != "[ ]":
            name = used[name][signal].strip("[ ]").partition(".")[0]
            found[signal].append(name)
    return found


def test_data_passes_the_modules_at_their_places() -> None:
    texts = {
        "a.alloy": module("a", "traces", "logs", "metrics"),
        "b.alloy": module("b", "logs"),
        "c.alloy": module("c", "traces", "metrics"),
        "d.alloy": module("d", "traces"),
        "e.alloy": module("e", "logs", "traces"),
    }
    places = {
        "after_receive": ["a.alloy", "b.alloy"],
        "before_sampling": ["c.alloy"],
        "before_export": ["d.alloy", "e.alloy"],
    }
    first = ["limit_memory", "a"]

    assert paths(gateway(texts, places=places, **SIGNALS)) == {
        "traces": [*first, "add_kubernetes", "drop_noise", "clean", "c", "d", "e", "send_to_tempo"],
        "logs": [*first, "b", "add_kubernetes", "clean", "e", "send_to_loki"],
        "metrics": [*first, "add_kubernetes", "clean", "c", "convert_metrics"],
    }


def test_data_from_outside_passes_the_first_modules_only() -> None:
    texts = {"a.alloy": module("a", "traces", "logs"), "b.alloy": module("b", "traces")}
    ingress = IngressSettings(auth=IngressAuth.MTLS, secret="senders", tls_secret="otlp-tls")
    places = {"after_receive": ["a.alloy"], "before_export": ["b.alloy"]}
    settings = AlloySettings(modules=AlloyModulesSettings.model_validate(places), ingress=ingress)
    text = config(arguments(settings=settings, modules=texts, logs=LOGS))
    used = {f"{b.name}.{b.label}": b.attributes for b in parse(text).blocks}

    assert used["ingress.default"]["traces"] == "[ a.ingress.input ]"
    assert used["ingress.default"]["logs"] == "[ a.ingress.input ]"
    # Behind the lookup of pods, both ways are one.
    for signal in ("traces", "logs"):
        assert used["a.ingress"][signal] == used["add_kubernetes.default"][signal]
    assert used["a.default"]["traces"] == "[ add_kubernetes.default.input ]"
    assert "b.ingress" not in used


def test_a_signal_without_a_backend_has_an_empty_list() -> None:
    args = gateway({"b.alloy": module("b", "logs")}, places={"before_export": ["b.alloy"]})
    [used] = [block for block in parse(config(args)).blocks if block.name == "b"]

    assert used.attributes == {"logs": "[ ]"}


def test_braces_in_a_module_are_no_template_of_the_chart() -> None:
    text = module("a", "traces", body="x = `{{ .Values }}`\n")
    written = config(gateway({"a.alloy": text}, places={"after_receive": ["a.alloy"]}))

    assert "{{`{{`}} .Values }}" in written
    assert written.count("{{") == 2


@sweep(
    ("text", "message"),
    [
        (module("enrich", "traces"), "declares enrich, which the stack declares too"),
        (module("a"), "without an argument traces, logs or metrics"),
        (module("1a", "traces"), "a name has letters, digits and underscores"),
        (module("logging", "traces"), "no block of Alloy"),
        (module("a", "traces", "size"), "has the argument size, which needs optional = true"),
        (module("a", "traces") * 2, "declares a twice"),
        (module("a", "traces") + module("b", "traces"), "and has 2"),
        ('declare "a" {\n}', "and has 0"),
        ("declare {\n}", 'declares ""'),
        ("x = 1", "must consist of declare blocks"),
        (f"logging {{ }}\n{module('a', 'traces')}", "must consist of declare blocks"),
        ("", "and has 0"),
        ('declare "a" {', "is not valid Alloy: declare does not end"),
        ("}", "is not valid Alloy: too many closing braces"),
        ("a", "is not valid Alloy: a without a body"),
        ("a {" * 20_000, "is not valid Alloy: blocks are nested too deep"),
        ('"', "is not valid Alloy"),
        (module("a", "traces", body="// \u2028\n"), "has the character"),
        (module("a", "traces", body="// \x00\n"), "has the character"),
        (module("a", "traces", body="//" + "x" * MOST_BYTES + "\n"), "is larger than 100 kB"),
    ],
    ids=lambda case: repr(case)[:60],
)
def test_what_is_no_module_is_refused(text: str, message: str) -> None:
    settings = AlloyModulesSettings(after_receive=["alloy/x.alloy"])
    [found] = problems(settings, {"alloy/x.alloy": text})

    assert found.key == "alloy.modules.afterReceive[0]"
    assert message in found.message


def test_windows_line_ends_are_read() -> None:
    text = module("a", "traces").replace("\n", "\r\n")
    settings = AlloyModulesSettings(after_receive=["x.alloy"])

    assert list(problems(settings, {"x.alloy": text})) == []


def test_two_files_cannot_declare_the_same_name() -> None:
    settings = AlloyModulesSettings(after_receive=["x.alloy"], before_export=["y.alloy", "x.alloy"])
    text = module("a", "traces")
    found = {p.key: p.message for p in problems(settings, {"x.alloy": text, "y.alloy": text})}

    assert "which x.alloy declares too" in found["alloy.modules.beforeExport[0]"]
    assert "which x.alloy declares too" in found["alloy.modules.beforeExport[1]"]
    assert len(found) == 2


def planned(folder: Path, monkeypatch: pytest.MonkeyPatch, modules: dict[str, Any]) -> Plan:
    """Plan the stack dev in a folder with these modules."""
    key: each_setting.Key = ("tracing:alloy",)
    each_setting.stack_file("dev")
    monkeypatch.chdir(folder)
    return each_setting.plan("dev", key, {"modules": modules})


def test_the_examples_are_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "alloy").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "alloy" / name).write_text(text)
    archive = "http://archive.tracing-archive.svc.cluster.local:4318"
    made = planned(
        tmp_path,
        monkeypatch,
        {
            "afterReceive": ["alloy/drop_debug.alloy"],
            "beforeSampling": ["alloy/redact_queries.alloy"],
            "beforeExport": ["alloy/copy_to_archive.alloy"],
            "destinations": [archive],
        },
    )
    written = files(made)["alloy/alloy.alloy"]
    [policy] = [
        r.inputs["spec"]
        for r in made.recording.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if r.name == "tracing-alloy"
    ]

    assert len(TEXTS) == 3
    for text in TEXTS.values():
        assert text in written
    assert "tracing-archive" in str(policy["egress"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file in the project's folder"),
        (Path.mkdir, "there is no such file"),
        (os.mkfifo, "there is no such file"),
        (b"\xff", "is not UTF-8 text"),
        (b"x = 1", "must consist of declare blocks"),
    ],
)
def test_a_file_that_is_none_is_named(
    content: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.alloy"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content:
        content(file)
    with pytest.raises(SettingsError) as refused:
        planned(tmp_path, monkeypatch, {"beforeExport": ["x.alloy"]})

    assert "tracing:alloy.modules.beforeExport[0]" in str(refused.value)
    assert message in str(refused.value)
    assert "1 problem" in str(refused.value)


@pytest.mark.parametrize(
    "path", ["/etc/x.alloy", "../x.alloy", "a/../../x.alloy", "x.txt", "~/x.alloy"]
)
def test_a_path_stays_in_the_project(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=r"alloy\.modules\.beforeExport\[0\]"):
        planned(tmp_path, monkeypatch, {"beforeExport": [path]})
