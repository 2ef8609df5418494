"""Whatever is in a file, a folder or an argument, a command ends with a message, not a traceback.

Commands run in process, so an error that they do not turn into a message fails the test.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from unittest import mock

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from bootstrap import cli as bootstrap_cli
from components.checks import SettingsError
from config import schema
from delivery import comment, drift_issue, preview, reach, release
from delivery.verify import __main__ as verify
from plan import __main__ as plan_main
from plan import adopt, cli
from plan.diff import __main__ as diff_main
from plan.stackfile import read
from tests.properties import examples
from tests.sweep import sweep

ROOT = Path(__file__).parents[2]
DEV = (ROOT / "Pulumi.dev.yaml").read_text()
#: The stack that takes least to plan.
LOCAL = (ROOT / "Pulumi.local.yaml").read_text()

#: Commands that read the file of a stack, with what stands in front of its name.
STACK_COMMANDS: dict[str, tuple[Callable[[], int], list[str]]] = {
    "plan": (plan_main.main, []),
    "plan.cli": (cli.main, ["preview"]),
    "plan.adopt": (adopt.main, []),
    "delivery.preview": (preview.main, []),
    "delivery.reach": (reach.main, []),
    "delivery.verify": (verify.main, []),
    "bootstrap.cli": (bootstrap_cli.main, ["up"]),
}
COMMANDS: dict[str, Callable[[], int]] = {
    **{name: main for name, (main, _) in STACK_COMMANDS.items()},
    "plan.diff": diff_main.main,
    "delivery.comment": comment.main,
    "delivery.drift_issue": drift_issue.main,
    "delivery.release": release.main,
    "config.schema": schema.main,
}


@contextlib.contextmanager
def project() -> Generator[Path]:
    """Go to a folder with the project files, without a CLI, kubectl, Git and GitHub's variables."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bootstrap").mkdir()
        shutil.copy(ROOT / "Pulumi.yaml", folder)
        shutil.copy(ROOT / "bootstrap" / "Pulumi.yaml", folder / "bootstrap")
        os.chdir(folder)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}
        try:
            with (
                mock.patch.dict(os.environ, {**clean, "PATH": ""}, clear=True),
                mock.patch("plan.cli.find", return_value=None),
                mock.patch("bootstrap.cli.find", return_value=None),
            ):
                yield folder
        finally:
            os.chdir(here)


def run(main: Callable[[], int], *arguments: str) -> tuple[int, str]:
    """Run a command; return its status and what it prints as an error."""
    errors = io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["command", *arguments]),
        contextlib.redirect_stderr(errors),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        try:
            status = main()
        except SystemExit as ended:
            # That is how argparse refuses an argument.
            status = ended.code if isinstance(ended.code, int) else 1
    return status, errors.getvalue()


def refused(main: Callable[[], int], *arguments: str) -> str:
    """Return the message of a command that fails."""
    status, message = run(main, *arguments)
    assert status != 0
    assert "error: " in message
    assert "Traceback" not in message
    return message


def directory(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def binary(path: Path) -> None:
    path.write_bytes(b"\x00\xff\xfe")


KINDS: dict[Callable[[Path], None], str] = {
    directory: "is a directory; it must be a file",
    pipe: "is not a regular file",
    dangling_link: "is a link to nowhere, which does not exist",
    loop: "is a link to Pulumi.qa.yaml, which does not exist",
    binary: "is not UTF-8 text",
}


@sweep("command", STACK_COMMANDS)
@sweep("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_no_stack_file_is_named(kind: Callable[[Path], None], command: str) -> None:
    main, first = STACK_COMMANDS[command]
    with project() as folder:
        kind(folder / "Pulumi.qa.yaml")
        message = refused(main, *first, "qa")
    assert KINDS[kind] in message
    assert "there is no such file" not in message


@sweep("command", STACK_COMMANDS)
@sweep("name", ["Pulumi.qa.yaml", "Pulumi.yaml"])
def test_a_file_that_may_not_be_read_is_named(command: str, name: str) -> None:
    def forbidden(path: Path, *_: object, **__: object) -> str:
        if path.name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, encoding="utf-8")

    real = Path.read_text
    main, first = STACK_COMMANDS[command]
    with project() as folder, mock.patch.object(Path, "read_text", forbidden):
        (folder / "Pulumi.qa.yaml").write_text(LOCAL)
        message = refused(main, *first, "qa")
    assert f"{name}\n    cannot be read: Permission denied" in message


@sweep("command", STACK_COMMANDS)
def test_without_the_project_file_the_folder_is_wrong(command: str) -> None:
    main, first = STACK_COMMANDS[command]
    with project() as folder:
        (folder / "Pulumi.yaml").unlink()
        (folder / "Pulumi.qa.yaml").write_text(LOCAL)
        message = refused(main, *first, "qa")
    assert "Pulumi.yaml\n    there is no such file: run this in the project's folder" in message


def test_without_the_project_file_there_is_no_schema() -> None:
    with project() as folder:
        (folder / "Pulumi.yaml").unlink()
        assert refused(schema.main) == "error: Pulumi.yaml: No such file or directory\n"


@pytest.mark.parametrize(
    "text", ["", "[]", "name: []", "name: x\nconfig: 3", "name: x\nconfig: {a: 1}"]
)
def test_a_broken_project_file_is_no_traceback(text: str) -> None:
    with project() as folder:
        (folder / "Pulumi.yaml").write_text(text)
        (folder / "Pulumi.qa.yaml").write_text(LOCAL)
        run(plan_main.main, "qa")


@sweep("command", STACK_COMMANDS)
@sweep("name", ["x" * 300, "../qa", "a/b/qa", "", "q a", "qa\n", "é"])
def test_what_is_no_stack_name_is_said(command: str, name: str) -> None:
    main, first = STACK_COMMANDS[command]
    with project() as folder:
        kept = folder / "build" / "qa.md"
        kept.parent.mkdir()
        kept.touch()
        message = refused(main, *first, name)
        assert kept.exists()
    assert "is not a stack name: use the part between `Pulumi.` and `.yaml`" in message
    assert len(message) < 500


@pytest.mark.parametrize("name", ["qa.yaml", "Pulumi.qa.yaml", "Pulumi.qa"])
def test_a_file_name_leads_to_the_stack_name(name: str) -> None:
    with project() as folder:
        (folder / "Pulumi.qa.yaml").write_text(LOCAL)
        assert "did you mean STACK=qa?" in refused(plan_main.main, name)


@pytest.mark.parametrize("blocked", ["build", "build/plan"])
def test_a_folder_that_cannot_be_written_is_named(blocked: str) -> None:
    with project() as folder:
        (folder / "Pulumi.qa.yaml").write_text(LOCAL)
        Path(blocked).parent.mkdir(exist_ok=True)
        Path(blocked).touch()
        message = refused(plan_main.main, "qa")
    assert message.startswith("error: build/plan: ")
    assert message.count("\n") == 1


ALIASES = "\n".join(
    ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))]
)

#: What a stack file holds, and what is said about it.
TEXTS = {
    "config:\n  ? [a, b]\n  : 1": "a key must be a string, not a list or a mapping",
    "config:\n  tracing:tempo:\n    ? {a: b}\n    : 1": "a key must be a string",
    "config:\n  tracing:tags: !!binary aGk=": "the tag !!binary cannot be used here",
    "config:\n  tracing:tags: !!set {a, b}": "the tag !!set cannot be used here",
    "config:\n  tracing:tags: !mine x": "the tag !mine cannot be used here",
    "config:\n  tracing:tags: !!int {}": "the tag !!int cannot be used here",
    "config:\n  tracing:tags: !!int x": "x is not an integer",
    "config:\n  tracing:tags: !!bool x": "x is not true or false",
    "config:\n  tracing:tags: !!float x": "x is not a number",
    "config:\n  tracing:tags: &a [*a]": "the value contains itself",
    'config:\n  tracing:tags: {a: "\\ud800"}': "half of a surrogate pair",
    f"config:\n  tracing:tags: {'[' * 60}{']' * 60}": "nested more than 50 levels deep",
    f"config:\n  tracing:tags: {'[' * 600}{']' * 600}": "nested more than 50 levels deep",
    f"config: {{{ALIASES.replace(chr(10), ', ')}}}": "aliases make more than 50,000 values",
    "config:\n  <<: [1]": "is not valid YAML",
    "config:\n  tracing:x: 1\n---\nconfig: {}": "is not valid YAML",
}


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_yaml_that_no_stack_file_holds_is_refused_by_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.qa.yaml").write_text(text)
    with pytest.raises(SettingsError) as error:
        read(tmp_path, "qa")
    assert TEXTS[text] in str(error.value)


def values(text: str) -> dict[str, str]:
    """Return the configuration of a stack file with a text."""
    with project() as folder:
        (folder / "Pulumi.qa.yaml").write_text(text)
        return read(folder, "qa").values


def test_merge_keys_are_read_as_the_cli_reads_them() -> None:
    found = values(
        "config:\n"
        "  tracing:beyla: &w\n    workload: &r {cpuLimitMillicores: 1, memoryLimitMib: 2}\n"
        "  tracing:alloy:\n    workload:\n      <<: *r\n      memoryLimitMib: 3\n"
        "  tracing:tempo:\n    <<: [*w, {size: m}]\n    mode: distributed\n"
        "  tracing:tags: {a: <<}\n"
    )
    assert json.loads(found["tracing:alloy"]) == {
        "workload": {"cpuLimitMillicores": 1, "memoryLimitMib": 3}
    }
    assert json.loads(found["tracing:tempo"]) == {
        "workload": {"cpuLimitMillicores": 1, "memoryLimitMib": 2},
        "size": "m",
        "mode": "distributed",
    }
    assert json.loads(found["tracing:tags"]) == {"a": "<<"}


def test_a_number_too_long_for_a_number_stays_a_string() -> None:
    number = "9" * 5000
    assert values(f"config:\n  tracing:x: {number}")["tracing:x"] == number


ESC = "environment:\n  - platform/qa\n"


def test_values_of_esc_that_are_not_read_are_a_warning() -> None:
    with project() as folder:
        (folder / "Pulumi.qa.yaml").write_text(f"{ESC}{LOCAL}")
        assert run(plan_main.main, "qa")[0] == 0
        plan = json.loads((folder / "build/plan/qa/plan.json").read_text())
    assert any("imports ESC environments" in warning for warning in plan["warnings"])


def test_a_file_that_lacks_what_esc_may_hold_says_so() -> None:
    with project() as folder:
        (folder / "Pulumi.qa.yaml").write_text(f"{ESC}config: {{}}\n")
        message = refused(plan_main.main, "qa")
    assert "tracing:cluster" in message
    assert "environment\n    Pulumi.qa.yaml imports ESC environments" in message


def test_a_failed_write_leaves_the_last_good_plan() -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device", "rules.yaml")

    with project() as folder:
        (folder / "Pulumi.qa.yaml").write_text(LOCAL)
        assert run(plan_main.main, "qa")[0] == 0
        files = sorted((folder / "build").rglob("*"))
        with mock.patch.object(Path, "write_text", full):
            message = refused(plan_main.main, "qa")
        assert message == "error: rules.yaml: No space left on device\n"
        assert sorted((folder / "build").rglob("*")) == files


def test_a_new_plan_leaves_nothing_of_the_old_one() -> None:
    with project() as folder:
        (folder / "Pulumi.qa.yaml").write_text(LOCAL)
        old = folder / "build" / "plan" / "qa" / "old.yaml"
        old.parent.mkdir(parents=True)
        old.touch()
        assert run(plan_main.main, "qa")[0] == 0
        assert not old.exists()
        assert os.listdir(folder / "build" / "plan") == ["qa"]


def test_a_reader_that_has_enough_is_no_error() -> None:
    script = "import sys, plan.__main__ as m; sys.argv = ['plan', 'qa']; sys.exit(m.main())"
    with project() as folder:
        (folder / "Pulumi.qa.yaml").write_text(LOCAL)
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(writer)
    assert "Error" not in done.stderr


ANYTHING = st.text(max_size=30)
SCALARS = st.one_of(
    ANYTHING,
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.dates(),
    st.binary(max_size=8),
    st.sampled_from(["*", "[secret]", "1e999", "${x}", "%s", "a\nb", "\x85", "x" * 3000]),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=8,
)
LINES = DEV.splitlines()
SNIPPETS = [
    *("? [a]", ": b", "<<: *x", "&x", "*x", "!!binary", "---", "...", "- a", "{", "}", "[", "]"),
    *("|", ">", "'", '"', "\t", "#", "secure: x", "environment: {}", "%YAML 1.1", "\ufeff"),
]


@st.composite
def edited(draw: st.DrawFn) -> str:
    """Return a stack file with some lines that are replaced, moved or broken."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        indent = " " * draw(st.integers(0, 6))
        new = draw(st.sampled_from(SNIPPETS) | ANYTHING | st.sampled_from(LINES))
        key = lines[place].partition(":")[0]
        ways = [f"{indent}{new}", f"{key}: {new}", f"{lines[place]} {new}"]
        lines[place] = draw(st.sampled_from(ways))
    return "\n".join(lines)


@st.composite
def changed(draw: st.DrawFn) -> str:
    """Return a stack file in which one value is anything that YAML can hold."""
    document = yaml.safe_load(DEV)
    group = document["config"]
    keys = [*group, "tracing:load", "aws:endpoints", "tracing:slos", "x", "tracing:", ":"]
    key = draw(st.sampled_from(keys))
    if isinstance(group.get(key), dict) and draw(st.booleans()):
        group = group[key]
        key = draw(st.sampled_from(list(group)) | ANYTHING)
    group[key] = draw(TREES)
    return yaml.safe_dump(document, allow_unicode=True)


@examples(30)
@given(text=ANYTHING | edited() | changed() | TREES.map(yaml.safe_dump))
@example(text="config:\n  tracing:tempo: {retentionHours: 0b_}")
def test_any_text_as_a_stack_file_is_planned_or_refused(text: str) -> None:
    with project() as folder:
        (folder / "Pulumi.qa.yaml").write_bytes(text.encode(errors="surrogatepass"))
        status, message = run(plan_main.main, "qa")
    assert status == 0 or message.startswith("error: ")


@examples(25)
@given(
    command=st.sampled_from(sorted(COMMANDS)),
    arguments=st.lists(
        st.sampled_from(["qa", "up", "preview", "--json", "--drift", "--", "-h", "--key"])
        | st.text(st.characters(blacklist_characters="\0"), max_size=20),
        max_size=3,
    ),
)
def test_any_arguments_are_taken_or_refused(command: str, arguments: list[str]) -> None:
    with project():
        status, message = run(COMMANDS[command], *arguments)
    assert status == 0 or "error: " in message
