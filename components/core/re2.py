"""Regular expressions of RE2, the syntax of Go's programs, checked without one."""

import re

#: Constructs of other syntaxes that RE2 lacks, with what a message calls them.
_MISSING = {
    r"\(\?<?[=!]": "a lookahead or lookbehind",
    r"\(\?>": "an atomic group",
    r"\(\?\(": "a conditional group",
    r"\(\?#": "a comment",
    r"\(\?P=|\\[1-9]|\\k": "a reference to a group",
    r"\\[ZGNRXhu]": "another syntax's escape (the end of the text is \\z)",
    r"[*+?}]\+": "a possessive quantifier",
}
#: Syntax of RE2 that Python lacks, with something that Python compiles in its place.
_TRANSLATED = (
    (r"\\Q.*?(?:\\E|$)", "x"),
    (r"\\z", r"\\Z"),
    (r"\\C", "."),
    (r"\\[pP](?:\{\^?\w+\}|\w)", r"\\w"),
    (r"\[:\^?\w+:\]", r"\\w"),
    (r"\\x\{[0-9A-Fa-f]+\}", "x"),
    (r"\(\?P?<(\w+)>", r"(?P<\1>"),
    # Python takes global flags at the start only, and has no ungreedy flag.
    (r"\(\?[imsU-]+\)", ""),
    (r"\(\?[imsU-]+:", "(?:"),
)
#: Most repetitions that RE2 takes.
_MOST = 1000


def wrong(pattern: str) -> str | None:
    """Return what is wrong with a pattern; None for one that RE2 takes, as far as is known."""
    # What is escaped or in a class has no meaning of its own.
    bare = re.sub(r"\\\\", "", pattern)
    outside = re.sub(
        r"\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", "x", re.sub(r"\\[^Q1-9kZGNRXhu]", "x", bare)
    )
    for construct, name in _MISSING.items():
        if found := re.search(construct, outside):
            return f"has {found[0]}, {name}, which RE2 doesn't have"
    repeats = [int(n) for pair in re.findall(r"\{(\d+)(?:,(\d*))?\}", outside) for n in pair if n]
    if any(n > _MOST for n in repeats):
        return f"repeats more than {_MOST} times, which RE2 doesn't do"
    text = pattern
    for theirs, ours in _TRANSLATED:
        text = re.sub(theirs, ours, text)
    try:
        compiled = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return f"isn't a regular expression ({error})"
    if compiled.search(""):
        return "matches the empty string, and would match everywhere"
    return None
