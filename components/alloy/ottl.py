"""Strings, patterns and comparisons of OTTL, the language of Alloy's transformations."""

import json
import re


def quoted(text: str) -> str:
    """Return a string of OTTL that stands for exactly this text; JSON and OTTL escape alike."""
    return json.dumps(text, ensure_ascii=False)


def glob_pattern(glob: str, any_character: str = ".") -> str:
    """Return a regular expression that matches what a glob matches, without anchors."""
    return f"{any_character}*".join(re.escape(part) for part in glob.split("*"))


def whole_pattern(glob: str) -> str:
    """Return a regular expression for the whole of a text that a glob matches."""
    return f"^{glob_pattern(glob)}$"


def equals(path: str, glob: str) -> str:
    """Return the condition that a text is a value, or matches it if it has wildcards."""
    if "*" not in glob:
        return f"{path} == {quoted(glob)}"
    return f"IsMatch({path}, {quoted(whole_pattern(glob))})"
