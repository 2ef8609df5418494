"""Writes what follows from settings and presets: schema, reference, sizes, Pulumi.yaml's block.

Run as ``python -m config.schema``; a test fails where a file is behind the settings.
"""

import json
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.checks import SECRETS
from components.checks.messages import entry_model, inner_model, keys_of, kind_of, on_changes
from components.checks.presets import PRESETS
from components.core.on_change import Direction, OnChange
from components.core.settings import ChartSettings, WorkloadSettings
from components.core.tier import TIERS, Tier
from components.settings import TracingSettings
from config.loader import PROJECT
from config.sizing import sizing

SCHEMA = Path("schema/stack.schema.json")
REFERENCE = Path("docs/config.md")
SIZING = Path("docs/sizing.md")
PROJECT_FILE = Path("Pulumi.yaml")
CHANGES = Path("docs/changes.md")
#: Lines around the table in CHANGES that is generated from the settings.
_TABLE = ("<!-- Written by `make docs` from the settings. -->", "<!-- End -->")
#: Mappings that stand under several keys: the reference lists what they hold once.
_SHARED: dict[type[BaseModel], str] = {WorkloadSettings: "One workload", ChartSettings: "One chart"}
_ENCRYPTED = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a stack file."""
    settings = TracingSettings.model_json_schema(by_alias=True)
    groups = {f"{PROJECT}:{key}": value for key, value in settings["properties"].items()}
    secrets = {f"{PROJECT}:{key}": _ENCRYPTED for key in SECRETS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of the tracing stack",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": {**groups, **secrets},
                "patternProperties": {"^(aws|pulumi):": {}},
                "required": [f"{PROJECT}:{key}" for key in settings["required"]],
                "additionalProperties": False,
            },
            "encryptedkey": {"type": "string"},
            "encryptionsalt": {"type": "string"},
            "environment": {},
            "secretsprovider": {"type": "string"},
        },
        "required": ["config"],
        "additionalProperties": False,
        "$defs": settings["$defs"],
    }


def pulumi_block() -> dict[str, Any]:
    """Return the `config:` block of Pulumi.yaml.

    Each group has an empty default: the models own the defaults, because Pulumi replaces a
    group's default as a whole. Encrypted keys can't be declared: they would be required.
    """
    return {
        name: {
            # Pulumi asks for the kind of a list's entries.
            **({"type": "array", "items": {"type": "object"}} if a_list else {"type": "object"}),
            "description": _text(field),
            "default": [] if a_list else {},
        }
        for name, field in zip(
            keys_of(TracingSettings), TracingSettings.model_fields.values(), strict=True
        )
        for a_list in [entry_model(field) is not None]
    }


def reference() -> str:
    """Return docs/config.md."""
    lines = [
        "# Settings",
        "",
        "<!-- Written by `make docs` from the settings themselves: change those. -->",
        "",
        f"Everything that a stack file can hold. A group is one key, `{PROJECT}:<group>`; "
        "a dot leads into a mapping. Edit the file, or set one value with "
        f"`pulumi config set --path {PROJECT}:tempo.retentionHours 168`. A key that is not listed "
        "is refused. Editors complete and check the keys with `schema/stack.schema.json`, which "
        "the first line of each stack file names.",
        "",
        *_tiers(),
        "",
        *_secrets(),
    ]
    for name, field in TracingSettings.model_fields.items():
        lines += ["", f"## `{PROJECT}:{field.alias or name}`", "", _text(field)]
        model = inner_model(field) or entry_model(field)
        if entry_model(field):
            lines += ["", "A list; each entry is a mapping of these keys."]
        if model:
            lines += ["", *_HEAD, *_rows(model)]
        else:
            lines += ["", f"Takes {kind_of(field)}; default `{{}}`."]
    for model, title in _SHARED.items():
        lines += ["", f"## {title}", "", *_HEAD, *_rows(model)]
    return "\n".join(lines) + "\n"


_HEAD = ("| key | takes | default | |", "|---|---|---|---|")


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = inner_model(field)
        if inner:
            none = "not set" if field.default is None else ""
            title = _SHARED.get(inner)
            kind = (
                f"[{title.lower()}](#{title.lower().replace(' ', '-')})" if title else "a mapping"
            )
            yield f"| `{key}` | {kind} | {none} | {_text(field)} |"
            if not title:
                yield from _rows(inner, f"{key}.")
        else:
            yield f"| `{key}` | {kind_of(field)} | {_default(field)} | {_text(field)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default is None:
        return "not set"
    value = field.default.value if isinstance(field.default, Enum) else field.default
    return f"`{value if value and isinstance(value, str) else json.dumps(value)}`"


def _tiers() -> Iterator[str]:
    names = {tier: [n for n, t in TIERS.items() if t is tier] for tier in Tier}
    yield from (
        "## Tiers",
        "",
        "`environment.tier` sets these defaults; a value in the stack file wins.",
        "",
        "| tier | names that mean it | defaults that differ from the tables below |",
        "|---|---|---|",
    )
    for tier, groups in PRESETS.items():
        values = [
            f"`{group}.{key}: {json.dumps(value)}`"
            for group, preset in groups.items()
            for key, value in preset.items()
        ]
        known = ", ".join(f"`{n}`" for n in names[tier]) or "every other name"
        yield f"| `{tier}` | {known} | {', '.join(values) or 'none'} |"


def _secrets() -> Iterator[str]:
    yield from (
        "## Encrypted keys",
        "",
        "Passwords are keys of their own, set with `pulumi config set --secret`. An encrypted "
        "value inside a group is refused: Pulumi would hand it out in plain text.",
        "",
        "| key | belongs to |",
        "|---|---|",
    )
    for key, backend in SECRETS.items():
        yield f"| `{PROJECT}:{key}` | `backends.{backend}.username` |"


def _text(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def on_change_table() -> str:
    """Return the settings whose change loses something or needs an order, as a table."""
    settings: dict[OnChange, list[str]] = {}
    for key, found in on_changes():
        settings.setdefault(found, []).append(f"`{key}`")
    lines = ["| setting | what happens | what to do |", "|---|---|---|"]
    for found, keys in settings.items():
        name = ", ".join(keys) + _DIRECTIONS[found.direction]
        link = "" if found.section == RISKY else f" [Steps]({found.section})"
        lines.append(f"| {name} | {found.happens} | {found.do}{link} |")
    return "\n".join(lines) + "\n"


#: Section of a setting without steps: the table itself.
RISKY = "changes.md#risky-changes"
_DIRECTIONS = {
    Direction.ANY: "",
    Direction.LESS: ", lowered or turned off",
    Direction.MORE: ", raised or turned on",
}


def with_section(text: str, begin: str, end: str, section: str) -> str:
    """Return a document with another text between the lines that mark a generated section."""
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{section.strip()}\n\n{end}{rest.partition(end)[2]}"


def changes_file(text: str) -> str:
    """Return docs/changes.md with the table as it should be."""
    return with_section(text, *_TABLE, on_change_table())


def project_file(text: str) -> str:
    """Return Pulumi.yaml with the block as it should be; the block is the file's last part."""
    head = text.partition("\nconfig:\n")[0].rstrip("\n")
    block = yaml.safe_dump({"config": pulumi_block()}, sort_keys=False, width=96)
    return f"{head}\n{block}"


def written(root: Path) -> dict[Path, str]:
    """Return what each file should hold, by its path under the project's folder."""
    project = (root / PROJECT_FILE).read_text(encoding="utf-8")
    return {
        SCHEMA: json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
        REFERENCE: reference(),
        SIZING: sizing(),
        CHANGES: changes_file((root / CHANGES).read_text(encoding="utf-8")),
        PROJECT_FILE: project_file(project),
    }


def main() -> int:
    """Write the files; return the exit status."""
    try:
        for path, content in written(Path()).items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
            print(f"wrote {path}")
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
