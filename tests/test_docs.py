"""What the documents say is there: links, commands, files, settings, excerpts."""

import fnmatch
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.beyla.config import NEVER_INSTRUMENTED
from components.checks.messages import all_keys
from components.checks.validate import validate
from config.loader import PROJECT, SECRETS
from tests.alloy.cases import arguments
from tests.alloy.gateway import gateway, needs_alloy

ROOT = Path(__file__).parent.parent
README, OPERATIONS, REFERENCE = (
    ROOT / name for name in ("README.md", "docs/operations.md", "docs/config.md")
)
DOCUMENTS = [README, *sorted((ROOT / "docs").rglob("*.md"))]
KEYS = set(all_keys())
GROUPS = {key for key in KEYS if "." not in key}
SUFFIXES = (".alloy", ".json", ".md", ".py", ".toml", ".yaml")
#: Folders that a command makes, and files that are not this repository's own.
GENERATED = {"venv", "build"}
WRITTEN = {"cost.json", "index.yaml", "plan.json", "policy/venv"}

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT))
)


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
    return re.sub(r"#.*", "", "\n".join([*spans(document), *blocks(document, "sh")]))


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


@each_document
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


@each_document
def test_make_knows_the_commands(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    text = code(document)
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets
    for stack in re.findall(r"(?:\bSTACK=|--stack )(\w+)", text):
        assert (ROOT / f"Pulumi.{stack}.yaml").exists(), stack


@each_document
def test_files_are_there(document: Path) -> None:
    for name in spans(document):
        first, *below = name.split("/")
        here = bool(first and below) and (ROOT / first).is_dir()
        a_path = re.fullmatch(r"[\w.-][\w./-]+", name) and (here or name.endswith(SUFFIXES))
        if a_path and not GENERATED & {first, *below} and name not in WRITTEN:
            assert (ROOT / name).exists(), name


@each_document
def test_settings_are_settings(document: Path) -> None:
    for key in re.findall(rf"\b{PROJECT}:([\w.*]+)", code(document)):
        assert key in KEYS | SECRETS.keys(), key
    for text in spans(document):
        if re.fullmatch(r"\w+(\.[\w*]+)+(: \S+)?", text) and text.split(".")[0] in GROUPS:
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


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 180


def test_settings_of_the_readme_have_the_defaults_of_the_reference() -> None:
    reference = {
        f"{heading.split(':')[1].strip('`')}.{cells[0].strip('`')}": cells[2]
        for heading, cells in rows(REFERENCE)
        if f"`{PROJECT}:" in heading
    }
    named = {cells[0].split("`")[1]: cells[2] for h, cells in rows(README) if "Settings" in h}
    assert len(named) >= 10
    assert named == {key: reference[key] for key in named}


def test_the_excerpt_of_the_plan_is_one() -> None:
    plan = (ROOT / "tests/golden/dev/summary.md").read_text().splitlines()
    excerpt = [line for line in blocks(README, "text")[0].splitlines() if line != "..."]
    assert len(excerpt) > 5
    assert [line for line in excerpt if line not in plan] == []


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
    limits = OPERATIONS.read_text().partition("## Known limits")[2]
    [sentence] = re.findall(r"Beyla never instruments (.*?) even", limits, re.S)
    named = re.findall(r"`([^`]+)`", sentence)
    assert [n for n in NEVER_INSTRUMENTED if not any(fnmatch.fnmatch(n, p) for p in named)] == []


def example_span() -> str:
    [script] = [text for text in blocks(OPERATIONS, "sh") if "<<JSON" in text]
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
