"""The documents are true: links, commands, files, settings, excerpts."""

import fnmatch
import functools
import itertools
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from components.beyla.config import NEVER_INSTRUMENTED
from components.checks import SettingsError
from components.checks.messages import all_keys
from components.checks.validate import parse_settings, validate
from components.core.registry import CHARTS
from components.tempo.settings import TempoSettings
from config.loader import PROJECT, SECRETS
from tests.alloy.cases import arguments
from tests.alloy.gateway import gateway, needs_alloy
from tests.sweep import sweep

ROOT = Path(__file__).parent.parent
README, CONTRIBUTING, CHANGELOG = (
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
)
DOCS = ROOT / "docs"
BEYLA, INSTALL, REFERENCE = (DOCS / name for name in ("beyla.md", "install.md", "config.md"))
DOCUMENTS = [
    README,
    CONTRIBUTING,
    *sorted(DOCS.rglob("*.md")),
    ROOT / "examples/README.md",
    *sorted((ROOT / "examples").glob("*/README.md")),
    *sorted((ROOT / "examples/platforms").glob("*/README.md")),
    *sorted((ROOT / "tests/e2e").glob("*/README.md")),
]
KEYS = set(all_keys())
GROUPS = {key for key in KEYS if "." not in key}
SUFFIXES = (".alloy", ".json", ".md", ".py", ".toml", ".yaml")
#: Folders that a command makes, and files that are not this repository's own.
GENERATED = {"venv", "build"}
WRITTEN = {"cost.json", "index.yaml", "plan.json", "policy/venv"}

#: Commands of these programs that have commands of their own.
NESTED = {
    "helm": {"get", "registry"},
    "kubectl": {"config", "rollout"},
    "pulumi": {"config", "package", "state", "stack"},
    "telemetrygen": set[str](),
}

each_document = sweep("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))


def blocks(document: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", document.read_text(), re.M | re.S)
    return [re.sub(rf"^{indent}", "", text, flags=re.M) for indent, text in found]


def spans(document: Path) -> list[str]:
    """Return what stands in backticks, outside of fenced blocks."""
    prose = re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.M | re.S)
    return re.findall(r"`([^`\n]+)`", prose)


def code(document: Path) -> str:
    """Return commands, without their comments."""
    typed = re.findall(r"^\$ (.*)$", "\n".join(blocks(document, "console")), re.M)
    return re.sub(r"#.*", "", "\n".join([*spans(document), *blocks(document, "sh"), *typed]))


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings."""
    prose = re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.M | re.S)
    titles: list[str] = re.findall(r"^#+ (.+)$", prose, re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def rows(document: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the rows of tables that begin with a key in backticks, each with its heading."""
    heading = ""
    for line in document.read_text().splitlines():
        heading = line if line.startswith("#") else heading
        if line.startswith("| `"):
            yield heading, [cell.strip() for cell in line.strip("|").split(" | ")]


@sweep("document", [*DOCUMENTS, CHANGELOG], ids=lambda d: str(d.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name) if name else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target
    for label in re.findall(r"\]\[(\w+)\]", text):
        assert f"\n[{label}]: https://" in text


@pytest.mark.parametrize(
    "page", [p for p in sorted(DOCS.glob("*.md")) if p != REFERENCE], ids=lambda p: p.stem
)
def test_a_page_is_short(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= 250


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[^)#]+)", README.read_text()))
    pages = {str(page.relative_to(ROOT)) for page in DOCS.glob("*.md")}
    assert pages <= linked


@each_document
def test_make_knows_the_commands(document: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
    text = code(document)
    assert set(re.findall(r"\bmake ([a-z0-9-]+)", text)) <= targets
    variables = set(re.findall(r"\$+\(?(?:if \$\()?([A-Z]+)", (ROOT / "Makefile").read_text()))
    for command in re.findall(r"\bmake [a-z0-9-]+((?: [A-Z]+=\S+)*)", text):
        assert set(re.findall(r" ([A-Z]+)=", command)) <= variables, command
    for stack in re.findall(r"(?:\bSTACK=|--stack )(\w+)", text):
        assert (ROOT / f"Pulumi.{stack}.yaml").exists(), stack


@each_document
def test_python_modules_are_there(document: Path) -> None:
    for module in re.findall(r"\bpython -m ([\w.]+)", code(document)):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def commands(document: Path, program: str) -> Iterator[list[str]]:
    """Yield the words of each command of a program, without its name."""
    for line in code(document).replace("\\\n", " ").splitlines():
        if not re.search(rf"(^|[|;&(]) *{program} ", line):
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        for ends, words in itertools.groupby(lexer, lambda word: re.fullmatch(r"[|;&()]+", word)):
            name, *rest = words
            if not ends and name == program:
                yield rest


def test_the_documents_have_what_the_sweeps_read() -> None:
    """Otherwise, a pattern that matches nothing would let every document pass."""
    text = "\n".join(map(code, DOCUMENTS))
    for pattern in (r"\bmake [a-z0-9-]+ [A-Z]+=", r"\bpython -m [\w.]+", rf"\b{PROJECT}:\w+\."):
        assert re.search(pattern, text), pattern
    for program in ("aws", *NESTED):
        assert any(list(commands(document, program)) for document in DOCUMENTS), program
    examples = "\n".join(itertools.chain(*(blocks(document, "yaml") for document in DOCUMENTS)))
    assert f"{PROJECT}:" in examples


@functools.cache
def options(program: str, *command: str) -> str:
    """Return the help of a command."""
    done = subprocess.run([program, *command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, (program, command, done.stderr)
    if program != "kubectl":
        return done.stdout
    return done.stdout + subprocess.run([program, "options"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("program", NESTED)
def test_programs_have_the_commands_and_options(program: str) -> None:
    """What the help of the installed program lists; its values are not checked."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not on PATH")
    for words in (words for document in DOCUMENTS for words in commands(document, program)):
        # What comes before the command: `--namespace tracing`.
        while words and words[0].startswith("-"):
            del words[: 1 if "=" in words[0] else 2]
        if not words:
            continue
        length = 2 if words[0] in NESTED[program] and not words[1].startswith("-") else 1
        text = options(program, *words[:length])
        for word in words[length:]:
            if word == "--":
                break
            if re.match(r"--?[a-z]", word):
                option = word.partition("=")[0]
                assert re.search(rf"(^|[\s,]){option}\b", text, re.M), (words, option)


@each_document
def test_aws_has_the_commands_and_options(document: Path) -> None:
    for service, command, *words in commands(document, "aws"):
        if service == "s3":
            # Commands of the CLI itself.
            assert command == "sync"
            continue
        # The clients of botocore have no types.
        connect = cast(Any, boto3).client
        client = connect(service.removesuffix("api"), region_name="us-east-1")
        operation = client.meta.method_to_api_mapping[command.replace("-", "_")]
        members = client.meta.service_model.operation_model(operation).input_shape.members
        known = {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower() for name in members}
        given = {word.removeprefix("--") for word in words if word.startswith("--")}
        assert given <= known | {"output", "query"}


@each_document
def test_files_are_there(document: Path) -> None:
    for name in spans(document):
        first, *below = name.split("/")
        here = bool(first and below) and (ROOT / first).is_dir()
        a_path = re.fullmatch(r"[\w.-][\w./-]+", name) and (here or name.endswith(SUFFIXES))
        if a_path and not GENERATED & {first, *below} and name not in WRITTEN:
            places = (ROOT, document.parent, *(ROOT / "components").iterdir())
            assert any((place / name).exists() for place in places), name


def test_pages_that_settings_and_messages_name_are_there() -> None:
    rooms = ("bootstrap", "components", "config", "delivery", "plan", "policy/rules")
    files = [file for room in rooms for file in sorted((ROOT / room).rglob("*.py"))]
    named = {
        (page, str(file.relative_to(ROOT)))
        for file in files
        for page in re.findall(r"\bdocs/[\w/-]+\.md\b", file.read_text())
    }
    assert len(named) >= 10
    assert sorted(n for n in named if not (ROOT / n[0]).is_file()) == []


def test_contributing_lists_every_folder_of_code() -> None:
    listed = {name.rstrip("/") for name in spans(CONTRIBUTING) if name.endswith("/")}
    packages = [*ROOT.glob("*/__init__.py"), *ROOT.glob("components/*/__init__.py")]
    assert len(packages) > 20
    assert {str(file.parent.relative_to(ROOT)) for file in packages} - {"components"} <= listed


def test_pages_name_the_pinned_charts_and_tempo() -> None:
    pinned = {chart.name: chart.version for chart in CHARTS}
    pulled = [words for page in DOCUMENTS for words in commands(page, "helm") if "pull" in words]
    assert pulled
    for _, name, *words in pulled:
        assert words[words.index("--version") + 1] == pinned[name]
    text = (DOCS / "network.md").read_text()
    archives = re.findall(r"([a-z-]+)-([\d.]+)\.tgz", text)
    assert archives
    assert set(archives) <= pinned.items()
    images = re.findall(r"/grafana/tempo:([\d.]+)`", text)
    assert images == [TempoSettings().image_tag]


@each_document
def test_settings_are_settings(document: Path) -> None:
    for key in re.findall(rf"\b{PROJECT}:([\w.*]+)", code(document)):
        assert key in KEYS | SECRETS.keys(), key
    for text in spans(document):
        if re.fullmatch(r"\w+(\.[\w*]+)+(: \S+)?", text) and text.split(".")[0] in GROUPS:
            # A value of the chart, not of the stack.
            if text.endswith(SUFFIXES) or text.startswith("tempo.structuredConfig."):
                continue
            assert fnmatch.filter(KEYS, text.split(":")[0]), text


@each_document
def test_examples_of_stack_files_are_valid(document: Path) -> None:
    cluster = {
        "name": "example",
        "region": "eu-west-1",
        "accountId": "123456789012",
        "kubeContext": "example",
    }
    backends = {"metrics": {"url": "http://metrics", "remoteWriteUrl": "http://metrics/write"}}
    for text in blocks(document, "yaml"):
        example = yaml.safe_load(text)
        given = {
            key.removeprefix(f"{PROJECT}:"): value
            for key, value in example.get("config", example).items()
            if key.startswith(f"{PROJECT}:")
        }
        if given:
            groups = {"environment": {"name": "dev"}, "cluster": cluster, "backends": backends}
            assert validate({**groups, **given})[1] == []


def test_the_index_of_examples_has_each_of_them() -> None:
    # Not deeper: somebody may have installed an example's dependencies.
    files = [f for depth in ("*", "*/*") for f in (ROOT / "examples").glob(f"{depth}/Pulumi.*yaml")]
    text = (ROOT / "examples/README.md").read_text()
    folders = {str(file.parent.relative_to(ROOT / "examples")) for file in files}
    assert len(folders) > 10
    assert [folder for folder in folders if f"[{folder}]({folder}/" not in text] == []


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 180


def test_settings_of_the_readme_have_the_defaults_of_the_reference() -> None:
    reference = {
        f"{heading.split(':')[1].strip('`')}.{cells[0].strip('`')}": cells[2]
        for heading, cells in rows(REFERENCE)
        if f"`{PROJECT}:" in heading
    }
    named = {cells[0].split("`")[1]: cells[2] for h, cells in rows(README) if "Configure" in h}
    assert len(named) >= 10
    assert named == {key: reference[key] for key in named}


def test_the_error_message_is_the_one_that_a_stack_file_gets() -> None:
    document = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]
    groups = {key.removeprefix(f"{PROJECT}:"): value for key, value in document.items()}
    groups["environment"]["name"] = "qa"
    tempo = groups["tempo"]
    tempo["retentionHors"] = 48
    tempo["size"] = "xs"
    del tempo["retentionHours"]
    found = validate(groups)[1]
    lines = [
        f"  {PROJECT}:{one.key}: {one.value}\n    {one.message}"
        for one in sorted(found, key=lambda one: one.key)
    ]
    [shown] = [text for text in blocks(INSTALL, "text") if text.startswith("error:")]
    assert shown.strip().split("\n\n")[1:] == lines


def test_the_error_message_is_the_one_that_a_program_in_another_language_gets() -> None:
    [shown] = [text for text in blocks(DOCS / "reuse.md", "text") if text.startswith("error:")]
    groups = {
        "environment": {"name": "dev"},
        "cluster": {"name": "apps-dev", "region": "eu-west-1", "accountId": "123456789012"},
        "tempo": {"sise": "m"},
    }
    with pytest.raises(SettingsError) as refused:
        parse_settings(groups, "tracing")
    assert shown.strip().partition(" has a problem: ")[2] == str(refused.value)


def test_the_excerpt_of_the_plan_is_one() -> None:
    plan = (ROOT / "tests/golden/dev/summary.md").read_text().splitlines()
    excerpt = [line for line in blocks(README, "text")[0].splitlines() if line != "..."]
    assert len(excerpt) > 5
    assert [line for line in excerpt if line not in plan] == []


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("install.md", "on destroy"),
        ("cost.md", "Cost and capacity"),
        ("cost.md", "load that Tempo's size is meant for"),
        ("policies.md", "Policy"),
    ],
)
def test_the_plan_has_the_section_or_row_that_a_page_quotes(page: str, title: str) -> None:
    assert f'"{title}"' in " ".join((DOCS / page).read_text().split())
    pattern = re.escape(title).replace("size\\ is", r"size \w+ is")
    plan = (ROOT / "tests/golden/prod/summary.md").read_text()
    assert re.search(rf"^(## |\| ){pattern}\b", plan, re.M)


def test_the_report_has_the_parts_that_the_page_explains() -> None:
    text = (DOCS / "reviewing.md").read_text().partition("## Parts of the report")[2]
    source = "\n".join(f.read_text() for f in (ROOT / "plan/diff").glob("*.py")).lower()
    titles = [
        *("What it asks of the cluster", "What it costs", "Needs an order, or a step by hand"),
        *("no longer protected", "Exports", "Helm values", "Alloy's configuration"),
    ]
    for title in titles:
        assert title.lower() in text.lower()
        assert title.lower() in source, title


def test_dashboards_have_the_names_that_the_documents_use() -> None:
    digests = [path.read_text() for path in (ROOT / "tests/golden/prod/grafana").glob("*.txt")]
    titles = {text.partition(" (")[0] for text in digests}
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"\bdashboards?\s+\*\*([^*]+)\*\*", document.read_text())
    }
    table = (DOCS / "using-traces.md").read_text().partition("\n## Dashboards")[2]
    listed = re.findall(r"^\| ([A-Z][^|]+) \|", table, re.M)[1:]
    assert len(named) > 5
    assert named <= titles
    assert {name for cell in listed for name in cell.split("; ")} == titles


@pytest.mark.parametrize(
    ("page", "panel"),
    [
        ("using-traces.md", "Who calls whom"),
        ("using-traces.md", "From senders to the bucket"),
        ("runbooks/slo-budget-burns-fast.md", "Burn rate over time"),
        ("runbooks/slo-budget-burns-fast.md", "Events"),
        ("runbooks/slo-budget-burns-slowly.md", "Good events over time"),
    ],
)
def test_dashboards_have_the_panels_that_the_documents_name(page: str, panel: str) -> None:
    digests = [path.read_text() for path in (ROOT / "tests/golden/prod/grafana").glob("*.txt")]
    assert re.search(rf"[*\"]{panel}[*\"]", (DOCS / page).read_text())
    assert any(re.search(rf"^(= )?{panel}( \||$)", text, re.M) for text in digests)


def test_the_costs_of_the_readme_are_those_of_the_plan() -> None:
    text = README.read_text().partition("\n## Costs")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| (dev|prod) \| (.*) \|$", text, re.M)
    assert len(lines) == 2
    for stack, cells in lines:
        plan = (ROOT / f"tests/golden/{stack}/summary.md").read_text()
        found: list[list[str]] = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in plan.splitlines()
            if line.startswith(("| Tempo ", "| sum "))
        ]
        [_, tempo], [_, pods, cpu, _, memory, _, volumes], [*_, cost] = found
        load = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
        spans_per_second = str(load["tracing:load"]["spansPerSecond"])
        expected = [spans_per_second, tempo.partition(", ")[2], pods, cpu, memory, volumes, cost]
        assert cells.split(" | ") == expected


def test_the_readme_creates_what_the_plan_counts() -> None:
    [counted] = re.findall(r": (\d+) resources", (ROOT / "tests/golden/dev/summary.md").read_text())
    [session] = blocks(README, "console")
    assert re.findall(r"\+ (\d+) ", session) == [counted, counted]


def test_the_picture_shows_the_flow_of_data() -> None:
    [picture] = blocks(README, "mermaid")
    assert picture.startswith("flowchart LR\n")
    edges = set(re.findall(r"^ *(\w+).*?(?:-->|\.->) (\w+)", picture, re.M))
    shown = {f"{source}>{target}" for source, target in edges}
    assert {
        *("sdk>alloy", "plain>beyla", "beyla>alloy", "alloy>tempo", "tempo>s3"),
        *("alloy>loki", "alloy>metrics", "tempo>metrics"),
        *("grafana>tempo", "grafana>loki", "grafana>metrics"),
    } == shown
    for left, right in ("[]", "()"):
        assert picture.count(left) == picture.count(right)
    assert picture.count('"') % 2 == 0


def test_namespaces_that_beyla_leaves_alone_are_named() -> None:
    [sentence] = re.findall(r"Beyla never instruments (.*?) even", BEYLA.read_text(), re.S)
    named = re.findall(r"`([^`]+)`", sentence)
    assert [n for n in NEVER_INSTRUMENTED if not any(fnmatch.fnmatch(n, p) for p in named)] == []


def example_span() -> str:
    [script] = [text for text in blocks(INSTALL, "sh") if "<<JSON" in text]
    span = script.partition("<<JSON\n")[2].partition("JSON\n")[0]
    trace = "0af7651916cd43dd8448eb211c80319c"
    span = span.replace("$trace", trace).replace("${trace:0:16}", trace[:16])
    return span.replace("${now}", "1700000000")


def test_the_example_span_is_json() -> None:
    [resource] = json.loads(example_span())["resourceSpans"]
    [span] = resource["scopeSpans"][0]["spans"]
    assert span["traceId"].startswith(span["spanId"])
    assert "$" not in example_span()


@needs_alloy
def test_alloy_takes_the_example_span(tmp_path: Path) -> None:
    with gateway(arguments(), tmp_path) as alloy:
        assert alloy.send("traces", json.loads(example_span())) == 200
