"""Every component, argument and block of the modules against what Alloy 1.18.1 declares."""

from pathlib import Path
from typing import Any

import pytest

from components.alloy.component import AlloyArgs
from components.alloy.pipeline import MODULES, SHARED_MODULE, config
from components.alloy.text import Block, parse
from tests.alloy.cases import variants
from tests.contracts.check import contract
from tests.sweep import sweep

COMPONENTS: dict[str, Any] = contract("alloy-components-1.18.1")["components"]
#: Blocks of the language itself.
LANGUAGE: dict[str, Any] = {
    "argument": {"attributes": ["comment", "optional", "default"]},
    "export": {"attributes": ["value"], "required": ["value"]},
}
EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted([*MODULES.glob("*.alloy"), *EXAMPLES.rglob("*.alloy")])
VARIANTS = variants()


def faults(block: Block, known: dict[str, Any], where: str) -> list[str]:
    """Return what a block has and Alloy does not know, and what it lacks."""
    blocks: dict[str, Any] = known.get("blocks", {})
    has = {*block.attributes, *(inner.name for inner in block.blocks)}
    return [
        *(f"{where}: no argument {a}" for a in block.attributes if a not in known["attributes"]),
        *(f"{where}: lacks {r}" for r in known.get("required", []) if r not in has),
        *(f"{where}: no block {b.name}" for b in block.blocks if b.name not in blocks),
        *(
            fault
            for b in block.blocks
            if b.name in blocks
            for fault in faults(b, {"attributes": [], **blocks[b.name]}, f"{where}.{b.name}")
        ),
    ]


def module_faults(body: Block, around: frozenset[str] = frozenset()) -> list[str]:
    """Return the faults of the components inside of a file or a module."""
    custom = around | {d.label or "" for d in body.named("declare")}
    found: list[str] = []
    for block in body.blocks:
        if block.name == "declare":
            found += module_faults(block, custom)
        elif block.name in LANGUAGE:
            found += faults(block, LANGUAGE[block.name], block.name)
        elif block.name in COMPONENTS:
            declared: dict[str, Any] = {"attributes": [], **COMPONENTS[block.name]["arguments"]}
            found += faults(block, declared, block.name)
        elif block.name not in custom:
            found.append(f"no component {block.name}")
    return found


@sweep("file", FILES, ids=lambda file: file.stem)
def test_alloy_knows_everything_in_a_module(file: Path) -> None:
    assert module_faults(parse(file.read_text()), frozenset({SHARED_MODULE})) == []


@sweep("args", VARIANTS.values(), ids=VARIANTS)
def test_alloy_knows_everything_in_a_configuration(args: AlloyArgs) -> None:
    assert module_faults(parse(config(args))) == []


#: What a newer Alloy refuses, by component and block.
REFUSED_LATER = {"otelcol.processor.k8sattributes.extract": {"deployment_name_from_replicaset"}}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_module_writes_nothing_that_a_newer_alloy_refuses(file: Path) -> None:
    """Alloy 1.20 removes the argument: what it asked for is the default since 1.18."""
    written = {
        (f"{component.name}.{block.name}", name)
        for component in parse(file.read_text()).walk()
        for block in component.blocks
        for name in block.attributes
    }

    refused = {(where, name) for where, names in REFUSED_LATER.items() for name in names}
    assert not written & refused


def test_the_components_are_generally_available() -> None:
    used = {b.name for file in FILES for b in parse(file.read_text()).walk()} & set(COMPONENTS)

    assert len(used) > 8
    # Alloy runs at another stability level where `alloy.queue: volume` uses this one.
    assert "otelcol.storage.file" in used
    stable = {COMPONENTS[name]["stability"].strip('"') for name in used - {"otelcol.storage.file"}}
    assert stable == {"generally-available"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('otelcol.processor.nothing "a" { }', "no component otelcol.processor.nothing"),
        (
            'otelcol.processor.batch "a" {\n\ttimeut = "1s"\n\toutput { }\n}',
            "otelcol.processor.batch: no argument timeut",
        ),
        ('otelcol.processor.batch "a" { }', "otelcol.processor.batch: lacks output"),
        (
            'otelcol.processor.batch "a" {\n\toutput { }\n\textra { }\n}',
            "otelcol.processor.batch: no block extra",
        ),
        (
            'otelcol.exporter.otlp "a" {\n\tclient {\n\t\ttls { }\n\t}\n}',
            "otelcol.exporter.otlp.client: lacks endpoint",
        ),
        ('declare "m" {\n\targument "x" {\n\t\tdefaul = 1\n\t}\n}', "argument: no argument defaul"),
    ],
)
def test_the_check_finds_a_mistake(text: str, fault: str) -> None:
    assert module_faults(parse(text)) == [fault]


@pytest.mark.parametrize("text", ["a {", "a }", "= 1", 'a "b"\n', "a = 1\na = 2\n", "a 'b' { }"])
def test_what_is_not_alloy_is_refused(text: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        parse(text)
