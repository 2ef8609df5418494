"""YAML as the plan writes it: keys sorted, texts of several lines as blocks."""

from typing import Any, cast

import yaml

#: What an encrypted value is replaced by: the plan has no key to decrypt it.
MASK = "[secret]"
#: What stands in plan.json for a value that is known only after `pulumi up`.
UNKNOWN_SHOWN = "[unknown until up]"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that a diff shows lines."""

    def analyze_scalar(self, scalar: str) -> Any:  # noqa: ANN401
        """Let a text with tabs be a block; PyYAML itself would quote it."""
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
