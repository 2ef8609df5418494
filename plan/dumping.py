"""YAML as the plan writes it: keys sorted, strings of several lines as blocks."""

from typing import Any, cast

import yaml

#: Stands for an encrypted value: the plan has no key to decrypt it.
MASK = "[secret]"
#: Stands in the plan's files for a value that is known only after `pulumi up`.
UNKNOWN_SHOWN = "[unknown until up]"
# The C loader is ten times faster; PyYAML is sometimes built without it.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(yaml.SafeDumper):
    """Writes strings of several lines as blocks, so that a diff shows lines."""

    def analyze_scalar(self, scalar: str) -> Any:  # noqa: ANN401
        """Let a string with tabs be a block; PyYAML itself would quote it."""
        analysis: Any = cast(Any, super()).analyze_scalar(scalar.replace("\t", " "))
        analysis.scalar = scalar
        return analysis


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return cast(Any, dumper).represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(value: object) -> str:
    """Return a value as YAML, keys sorted."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=100)


def load_yaml(text: str) -> Any:  # noqa: ANN401
    """Return what a YAML document holds."""
    return yaml.load(text, LOADER)  # noqa: S506 - a safe loader
