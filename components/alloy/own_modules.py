"""Modules of the stack file: their places in the pipeline, and what they must look like.

A file has one module that receives, a `declare` block with an export `input`, as ours have. It is
in the path of each signal that it has an argument for.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..core.problem import Problem, problem
from .settings import AlloyModulesSettings
from .text import Block, parse

#: The modules of the stack.
MODULES = Path(__file__).parent / "modules"
#: No modules of the stack file.
NO_MODULES: Mapping[str, str] = MappingProxyType({})
SIGNALS = ("traces", "logs", "metrics")
#: Most bytes of a file; a ConfigMap holds 1 MiB.
MOST_BYTES = 100_000
#: Blocks of Alloy itself whose names a module can't have.
_RESERVED = (
    *("argument", "declare", "export", "foreach", "http"),
    *("livedebugging", "logging", "remotecfg", "tracing"),
)


@dataclass(frozen=True, kw_only=True)
class OwnModule:
    """A module of a stack file.

    Attributes:
        name: name of its `declare` block.
        signals: signals that pass it.
        text: content of its file.
    """

    name: str
    signals: tuple[str, ...]
    text: str


def paths(settings: AlloyModulesSettings) -> Iterator[tuple[str, str, str]]:
    """Yield key, place and path of each module, in the order in which data passes them."""
    for name, place in (
        ("after_receive", "afterReceive"),
        ("before_sampling", "beforeSampling"),
        ("before_export", "beforeExport"),
    ):
        for number, path in enumerate(getattr(settings, name)):
            yield f"alloy.modules.{place}[{number}]", place, path


def problems(settings: AlloyModulesSettings, texts: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with the modules.

    Args:
        settings: where the modules are.
        texts: content of the files, by the path in the settings.
    """
    taken = {file.stem: "the stack" for file in MODULES.glob("*.alloy")}
    for key, _, path in paths(settings):
        if path not in texts:
            yield problem(key, path, "has no text: pass its content in alloyModules")
            continue
        try:
            declares, _ = _read(texts[path])
        except ValueError as error:
            yield problem(key, path, str(error))
            continue
        for name in declares:
            if name in taken:
                yield problem(
                    key,
                    path,
                    f"declares {name}, which {taken[name]} declares too: choose another "
                    f"name, for example my_{name}",
                )
            taken.setdefault(name, path)


def modules(settings: AlloyModulesSettings, texts: Mapping[str, str]) -> dict[str, list[OwnModule]]:
    """Return the modules by place; those without a text, which `problems` names, are left out."""
    found: dict[str, list[OwnModule]] = {}
    for _, place, path in paths(settings):
        if path in texts:
            _, module = _read(texts[path])
            found.setdefault(place, []).append(module)
    return found


def _read(text: str) -> tuple[list[str], OwnModule]:
    """Return the names that a file declares, and its module.

    Raises:
        ValueError: it is not such a file; with the reason and what is allowed.
    """
    text = text.replace("\r\n", "\n").strip() + "\n"
    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES // 1000} kB: split it")
    # YAML, in which the chart puts it, breaks lines at some of these.
    if wrong := next((c for c in text if not c.isprintable() and c not in "\n\t"), None):
        raise ValueError(f"has the character {wrong!r}: remove it")
    try:
        whole = parse(text)
    except ValueError as error:
        raise ValueError(f"is not valid Alloy: {error}. Check it with `alloy fmt`") from None
    if whole.attributes or any(block.name != "declare" for block in whole.blocks):
        raise ValueError("must consist of declare blocks: put everything else into one")
    names = [block.label or "" for block in whole.blocks]
    for name in names:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name in _RESERVED:
            raise ValueError(
                f'declares "{name}": a name has letters, digits and underscores, and is no block '
                "of Alloy, for example drop_debug"
            )
        if names.count(name) > 1:
            raise ValueError(f"declares {name} twice: rename one")
    receiving = [b for b in whole.blocks if any(e.label == "input" for e in b.named("export"))]
    if len(receiving) != 1:
        raise ValueError(
            f'must have one declare block with an export "input", and has {len(receiving)}'
        )
    return names, _module(receiving[0], text)


def _module(block: Block, text: str) -> OwnModule:
    arguments = {argument.label or "": argument for argument in block.named("argument")}
    signals = tuple(signal for signal in SIGNALS if signal in arguments)
    if not signals:
        raise ValueError(
            f"declares {block.label} without an argument traces, logs or metrics, which say where "
            "the data goes"
        )
    for name, argument in arguments.items():
        if name not in SIGNALS and argument.attributes.get("optional") != "true":
            raise ValueError(f"has the argument {name}, which needs optional = true and a default")
    return OwnModule(name=block.label or "", signals=signals, text=text)
