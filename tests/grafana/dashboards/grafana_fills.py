"""What Grafana fills into a dashboard's texts."""

import re
from collections.abc import Mapping
from urllib.parse import quote

#: Variables that Grafana knows by itself, with a value.
BUILT_IN = {
    "__rate_interval": "1m",
    "__range": "1h",
    "__interval": "30s",
    "__from": "1700000000000",
    "__to": "1700003600000",
    # The value of a filter that is set to all, in a dashboard and in its address.
    "__all": ".*",
}
#: What Grafana knows of the point or row that is clicked.
CLICKED = ("__data.", "__field.", "__value.", "__series.", "__url_time_range")
#: `$1` is a group of a regular expression, which Grafana leaves as it is.
_VARIABLE = re.compile(r"\$\{(?P<braced>[\w.]+)(?::(?P<form>\w+))?\}|\$(?P<plain>[A-Za-z_]\w*)")
#: What Grafana's format `regex` escapes.
_SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")

#: A filter set to one value, to several, and to all; names with all that a pattern trips over.
CHOSEN: dict[str, list[str] | str] = {
    "one": ["cart.v2"],
    "several": ["cart.v2", "front-end", "a+b (c)"],
    "all": ".*",
}
#: Values of variables that take one value, as it stands.
SINGLE = {"operation": 'POST /cart/{id}?a="b"&c', "slower": "500ms"}


def variables(text: str) -> set[str]:
    """Return the names of a dashboard's own variables in a text."""
    names = {m["braced"] or m["plain"] for m in _VARIABLE.finditer(text)}
    return {n for n in names if n not in BUILT_IN and not n.startswith(CLICKED)}


def filled(text: str, values: Mapping[str, list[str] | str], *, backslash: str = "\\") -> str:
    """Return a text with its variables filled in.

    Args:
        text: the text.
        values: values by variable: a list of those that are chosen, or a text that goes in as it
            is, which is what Grafana does with a variable's own value for all.
        backslash: what the datasource escapes with where the text does not say how to format.

    Raises:
        KeyError: there is no value for a variable.
    """
    known: dict[str, list[str] | str] = {**BUILT_IN, **values}

    def value(match: re.Match[str]) -> str:
        name = match["braced"] or match["plain"]
        chosen = known[name]
        if name in SINGLE and not match["form"]:
            return str(chosen).replace('"', '\\"')
        if isinstance(chosen, str) and name not in SINGLE:
            return chosen
        return _formatted([chosen] if isinstance(chosen, str) else chosen, match["form"], backslash)

    return _VARIABLE.sub(value, text)


def _formatted(chosen: list[str], form: str | None, backslash: str) -> str:
    if form == "pipe":
        return "|".join(chosen)
    if form == "doublequote":
        return ",".join('"' + one.replace('"', '\\"') + '"' for one in chosen)
    if form == "percentencode":
        return quote(",".join(chosen), safe="")
    slash = "\\" if form == "regex" else backslash
    escaped = [_SPECIAL.sub(lambda m: slash + m[0], one) for one in chosen]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
