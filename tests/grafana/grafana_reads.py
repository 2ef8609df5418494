"""How Grafana reads a provisioning file: YAML, then environment variables in every value."""

import re
from typing import Any, cast

import yaml

#: Go's os.ExpandEnv: a name in braces, a name, or one of the shell's special characters.
_VARIABLE = re.compile(r"\$(\{[^}]*\}|[A-Za-z_][A-Za-z0-9_]*|[*#$@!?\-0-9])")


def expanded(text: str) -> str:
    """Return a value as Grafana takes it, in an environment without variables."""
    return "$".join(_VARIABLE.sub("", part) for part in text.split("$$"))


def read(file: str) -> dict[str, Any]:
    """Return a provisioning file as Grafana takes it."""
    return _read(yaml.safe_load(file))


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return expanded(value)
    if isinstance(value, dict):
        return {key: _read(below) for key, below in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_read(item) for item in cast("list[Any]", value)]
    return value
