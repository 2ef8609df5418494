"""OTTL statements that redact, limit and rename, from the settings.

Cost decides their form. A regular expression of Go searches fast only if it begins with fixed
characters, so that a rule is a few patterns that do, and none with many alternatives. Names of
attributes are looked at together, and only a span with a name that looks secret pays for more.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from ..ottl import equals, glob_pattern, quoted, whole_pattern
from .settings import (
    Action,
    AttributeLimitSettings,
    DropSettings,
    RedactionSettings,
    RouteSettings,
)

#: What takes the place of a secret, as the semantic conventions have it (`url.full`).
MASK = "REDACTED"
#: Placeholder of the key of hashes in statements: modules/hash_key.alloy replaces it.
HASH_KEY = "@hash_key@"

#: Ends of the names of attributes by rule.
_HEADER_NAMES = r"authorization|cookie"
_SENSITIVE_NAMES = (
    r"password|passwd|passphrase|pwd|secret|token|jwt|credentials?"
    r"|(?:api|access|private|secret|encryption|signing|account)[._-]?key(?:[._-]?id)?"
)
#: Ends that are searched first, in names in lowercase. A quote follows each.
_HEADER_MARKS = ("authorization", "cookie")
_SENSITIVE_MARKS = (
    *("word", "wd", "phrase", "secret", "token", "jwt", "redentials?", r"ey(?:[._-]?id)?"),
)
#: Formats of tokens. Those that begin with the same letter share a pattern.
_TOKENS = {
    # JSON web tokens.
    r"eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*": MASK,
    # AWS access key ids, and API keys of Google.
    r"A(?:(?:KIA|SIA)[0-9A-Z]{16}|Iza[\w-]{35})": MASK,
    r"earer [\w.~+/=-]{16,}": f"earer {MASK}",
    # GitHub and GitLab.
    r"g(?:h[pousr]_|ithub_pat_|lpat-)[\w-]{20,}": MASK,
    # Slack.
    r"xox[a-z]-[\w-]{10,}": MASK,
    # Stripe.
    r"sk_live_[0-9A-Za-z]{16,}": MASK,
    r"rk_live_[0-9A-Za-z]{16,}": MASK,
}
# To the end of the text if its own end was cut off.
_PRIVATE_KEY = r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
_USER = r"://[^/?#\s]*@"
_CARD = r"\b(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|3\d{3}|6\d{3})[ -]?(?:\d[ -]?){8,14}\d\b"
#: Parameters in the query of a URL.
_QUERY = (
    r"(?i)((?:^|[?&;])[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|jwt|credential"
    r"|(?:api|access|private)[._-]?key(?:id)?|signature|sig)=)[^&;#\s]*"
)
#: What a URL with such a parameter contains.
_QUERY_MARKS = (
    *("word=", "wd=", "phrase=", "ecret=", "oken=", "jwt=", "redential=", "ey(?:[iI][dD])?="),
    *("ignature=", "sig="),
)
#: Attributes with a URL, a path with a query, or a query.
_URLS = ("url.full", "url.query", "http.url", "http.target")
#: Names in front of `=` or `:`, and what a text with one contains.
_ASSIGNED = (
    r"password|passwd|passphrase|pwd|secret|token|credentials?"
    r"|(?:api|access|private|secret)[._-]?key(?:[._-]?id)?"
)
_ASSIGNED_MARKS = (
    *("assw", "ASSW", "assphrase", "pwd", "PWD", "ecret", "ECRET", "oken", "OKEN", "redential"),
    *(r"pi[._-]?[kK]ey", r"PI[._-]?KEY", r"ccess[._-]?[kK]ey", r"rivate[._-]?[kK]ey"),
    *("uthorization", "ookie"),
)
#: The same for headers, whose values go to the end of the line.
_ASSIGNED_LINES = "authorization|cookie"
_STATEMENTS = ("db.query.text", "db.statement")
#: Strings, to the end of the text if it was cut off, and numbers that are no part of a name.
_LITERALS = {
    r"'(?:[^'\\]|\\.|'')*(?:'|$)": "?",
    r"(^|[\s=(,<>+*/-])[0-9]+(?:\.[0-9]+)?\b": "${1}?",
}
#: Texts of exceptions.
_EXCEPTIONS = ("exception.message", "exception.stacktrace")
#: Segments of a path that are ids.
_IDS = r"/(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|[0-9]+)\b"

#: Attributes that the stack needs: labels of metrics and the service graph, and links of Grafana.
NEEDED = (
    *("service.*", "k8s.*", "deployment.environment*", "telemetry.sdk.*"),
    *("http.route", "peer.service", "db.name", "db.system", "db.system.name", "db.namespace"),
    # Index labels of Loki.
    *("cloud.region", "cloud.availability_zone"),
)


def resource(redaction: RedactionSettings) -> list[str]:
    """Return the statements for the attributes of a resource."""
    return [*_allowed(redaction, "resource"), *_attributes(redaction, "resource")]


def span(
    redaction: RedactionSettings, limits: AttributeLimitSettings, routes: RouteSettings
) -> list[str]:
    """Return the statements for a span."""
    found = [*_allowed(redaction, "span"), *_attributes(redaction, "span")]
    if redaction.enabled:
        rules = redaction.rules
        if rules.urls:
            paths = [f"span.attributes[{quoted(name)}]" for name in _URLS]
            found += [
                f"{_replace(path, _QUERY, f'${{1}}{MASK}')} "
                f'where IsMatch({path}, "=") and ({_any(path, _QUERY_MARKS)})'
                for path in (*paths, "span.name")
            ]
        found += _of_text(redaction, ["span.name"], assigned=[])
        if rules.sql_literals:
            found += [
                _replace(f"span.attributes[{quoted(name)}]", pattern, new)
                for name in _STATEMENTS
                for pattern, new in _LITERALS.items()
            ]
    found += _routes(routes, "span.name", 'span.attributes["http.route"]')
    return [*found, *_limited(limits, "span")]


def status(redaction: RedactionSettings) -> list[str]:
    """Return the statements for a span that has a status message."""
    path = "span.status.message"
    return list(_of_text(redaction, [path], assigned=[path]))


def event(redaction: RedactionSettings, limits: AttributeLimitSettings) -> list[str]:
    """Return the statements for an event of a span."""
    found = [*_allowed(redaction, "spanevent"), *_attributes(redaction, "spanevent")]
    texts = [f"spanevent.attributes[{quoted(name)}]" for name in _EXCEPTIONS]
    found += _of_text(redaction, [], assigned=texts)
    return [*found, *_limited(limits, "spanevent")]


def log(redaction: RedactionSettings, limits: AttributeLimitSettings) -> list[str]:
    """Return the statements for a log record."""
    found = [*_allowed(redaction, "log"), *_attributes(redaction, "log")]
    if redaction.enabled:
        # Loki stores the body as text in any case. In a text, what is nested deep is found too.
        found.append("set(log.body, String(log.body)) where IsMap(log.body) or IsList(log.body)")
        texts = [f"log.attributes[{quoted(name)}]" for name in _EXCEPTIONS]
        found += _of_text(redaction, ["log.body"], assigned=["log.body", *texts])
    return [*found, *_limited(limits, "log")]


def datapoint(redaction: RedactionSettings, routes: RouteSettings) -> list[str]:
    """Return the statements for a data point of a metric."""
    return [
        *_attributes(redaction, "datapoint"),
        *_routes(routes, 'datapoint.attributes["http.route"]'),
    ]


def dropped_resources(rules: Iterable[DropSettings]) -> list[str]:
    """Return the conditions of the rules that the resource alone decides."""
    return [
        " and ".join(_of_resource(rule)) for rule in rules if not rule.route and not rule.span_name
    ]


def dropped_spans(rules: Iterable[DropSettings]) -> list[str]:
    """Return the conditions of the other rules."""
    found: list[str] = []
    for rule in rules:
        parts: list[str] = []
        if rule.span_name:
            parts.append(equals("span.name", rule.span_name))
        if rule.route:
            # A whole URL, a path with a query, or a path.
            path = glob_pattern(rule.route, "[^?#]")
            pattern = quoted(rf"^(?:[a-z]+://[^/?#]*)?{path}(?:[?#].*)?$")
            names = ("http.route", "url.path", "http.target", "url.full", "http.url")
            ways = [f"IsMatch(span.attributes[{quoted(name)}], {pattern})" for name in names]
            parts.append(f"({' or '.join(ways)})")
        if parts:
            found.append(" and ".join([*_of_resource(rule), *parts]))
    return found


def template(routes: RouteSettings, name: str) -> str:
    """Return a span name as the statements of `routes` leave it."""
    for pattern, new in _templates(routes):
        name = re.sub(pattern, lambda found, new=new: _expanded(found, new), name)
    return name


def _expanded(found: re.Match[str], new: str) -> str:
    return new.replace("${1}", (found[1] or "") if found.re.groups else "")


def is_needed(attribute: str) -> bool:
    """Return whether the stack needs an attribute; allow-lists never remove it."""
    return any(re.fullmatch(glob_pattern(one), attribute) for one in NEEDED)


def _of_resource(rule: DropSettings) -> Iterator[str]:
    if rule.service:
        yield equals('resource.attributes["service.name"]', rule.service)
    if rule.namespace:
        yield f'resource.attributes["k8s.namespace.name"] == {quoted(rule.namespace)}'


def _allowed(redaction: RedactionSettings, context: str) -> list[str]:
    """Return the statement that removes what is not in the allow-list."""
    if not redaction.enabled or not redaction.allowed:
        return []
    names = [*NEEDED, *redaction.allowed]
    pattern = "|".join(glob_pattern(name) for name in dict.fromkeys(names))
    return [f"keep_matching_keys({context}.attributes, {quoted(f'^(?:{pattern})$')})"]


def _attributes(redaction: RedactionSettings, context: str) -> list[str]:
    """Return the statements for a map of attributes."""
    if not redaction.enabled:
        return []
    path, rules = f"{context}.attributes", redaction.rules
    found = _named(redaction, path, f"{context}.cache")
    for one in redaction.attributes:
        value = f"{path}[{quoted(one.name)}]"
        if one.action is Action.HASH:
            # All keyed hashes of the platform are equal for equal values, whatever their type.
            hashed = f'SHA256(Concat([{quoted(HASH_KEY)}, String({value})], ""))'
            found.append(f'set({value}, Concat(["sha256:", {hashed}], "")) where {value} != nil')
    for pattern, new in _patterns(redaction):
        found.append(f'replace_all_patterns({path}, "value", {quoted(pattern)}, {quoted(new)})')
    if context == "resource" and rules.assignments:
        line, arguments = (
            f"{path}[{quoted(f'process.{p}')}]" for p in ("command_line", "command_args")
        )
        # A list: only its text can be searched.
        secret = quoted(r"(?i)pass(?:word|wd|phrase)|pwd|secret|token|credential|[._-]?key")
        found.append(f"set({arguments}, String({arguments})) where IsMatch({arguments}, {secret})")
        found += [one for path in (line, arguments) for one in _assigned(path)]
    return found


def _named(redaction: RedactionSettings, path: str, cache: str) -> list[str]:
    """Return the statements that mask attributes by their names."""
    rules = redaction.rules
    ends = [
        *([_HEADER_NAMES] if rules.headers else []),
        *([_SENSITIVE_NAMES] if rules.names else []),
    ]
    masked = [a.name for a in redaction.attributes if a.action is Action.MASK]
    if not ends and not masked:
        return []
    wanted = [f"(?:{'|'.join(ends)})$"] if ends else []
    wanted += [whole_pattern(name) for name in masked]
    pattern = quoted(f"(?i){'|'.join(wanted)}")
    # The names as a JSON list: an end is followed by a quote, a start follows one.
    marks = [
        *(f'{mark}"' for mark in (_HEADER_MARKS if rules.headers else ())),
        *(f'{mark}"' for mark in (_SENSITIVE_MARKS if rules.names else ())),
        *(f'"{re.escape(name.removesuffix("*").lower())}' for name in masked),
    ]

    def held(name: str) -> str:
        return f"{cache}[{quoted(name)}]"

    kept = "|".join(glob_pattern(name) for name in redaction.kept)
    steps = [
        f"set({held('found')}, {path})",
        f"keep_matching_keys({held('found')}, {pattern})",
        *([f"delete_matching_keys({held('found')}, {quoted(f'^(?:{kept})$')})"] if kept else []),
        # From the list of names to an object with a mask for each. Values may have any type.
        f"set({held('masks')}, String(Keys({held('found')})))",
        _replace(held("masks"), r'"((?:[^"\\]|\\.)*)"', f'"$1":"{MASK}"'),
        _replace(held("masks"), r"(?s)^\[(.*)\]$", "{$1}"),
        f'merge_maps({path}, ParseJSON({held("masks")}), "upsert")',
    ]
    return [
        f'set({held("names")}, ConvertCase(String(Keys({path})), "lower"))',
        f"set({held('secret')}, true) where {_any(held('names'), marks)}",
        *(f"{step} where {held('secret')} == true" for step in steps),
    ]


def _patterns(redaction: RedactionSettings) -> Iterator[tuple[str, str]]:
    """Yield the patterns for any value, with what replaces them."""
    rules = redaction.rules
    if rules.formats:
        yield from _TOKENS.items()
    if rules.pem:
        yield _PRIVATE_KEY, MASK
    if rules.urls:
        yield _USER, f"://{MASK}@"
    if rules.card_numbers:
        yield _CARD, MASK
    for own in redaction.patterns:
        yield own.pattern, f"{MASK}:{own.name}"


def _of_text(
    redaction: RedactionSettings, paths: Sequence[str], assigned: Sequence[str]
) -> Iterator[str]:
    """Yield the statements for texts that are no attributes, and for those with assignments."""
    if not redaction.enabled:
        return
    for path in paths:
        for pattern, new in _patterns(redaction):
            yield _replace(path, pattern, new)
    if redaction.rules.assignments:
        for path in assigned:
            yield from _assigned(path)


def _assigned(path: str) -> Iterator[str]:
    r"""Yield the statements that mask what is assigned to a secret name in a text.

    A value in quotes goes to the closing quote, which stays, so that JSON stays JSON, also inside a
    string (`\"`). A value without quotes belongs to a name without quotes: in JSON, that is a
    number or null.
    """
    quotes = r'(?:(")(?:[^"\\]|\\.)*|(\\")[^"\\]*|(\')[^\']*)'
    between = r"[ \t]*[:=][ \t]*"
    flag = f'{path.partition(".")[0]}.cache["assigned"]'
    yield f"set({flag}, false)"
    yield f"set({flag}, true) where {_any(path, _ASSIGNED_MARKS)}"
    for names, bare in ((_ASSIGNED, r'[^\s"\'\\,;&|}\])<>]+'), (_ASSIGNED_LINES, r'[^\r\n"\'\\]+')):
        pattern = rf'(?i)({names})(?:((?:\\?["\'])?{between}){quotes}|({between}){bare})'
        new = f"${{1}}${{2}}${{3}}${{4}}${{5}}${{6}}{MASK}"
        yield f"{_replace(path, pattern, new)} where {flag} == true"


def _routes(routes: RouteSettings, *paths: str) -> list[str]:
    return [_replace(path, pattern, new) for path in paths for pattern, new in _templates(routes)]


def _templates(routes: RouteSettings) -> Iterator[tuple[str, str]]:
    for one in routes.templates:
        segments = "/".join(
            r"[^/?#\s]+" if segment.startswith("{") else re.escape(segment)
            for segment in one.split("/")
        )
        # A span name has the method in front.
        yield rf"^([A-Z]+ )?{segments}$", f"${{1}}{one}"
    if routes.ids:
        yield _IDS, "/{id}"


def _limited(limits: AttributeLimitSettings, context: str) -> list[str]:
    path, found = f"{context}.attributes", list[str]()
    if limits.attributes and context != "spanevent":
        first = [quoted(name) for name in NEEDED if "*" not in name]
        found.append(f"limit({path}, {limits.attributes}, [{', '.join(first)}])")
    if limits.value_bytes:
        found.append(f"truncate_all({path}, {limits.value_bytes})")
    return found


def _any(path: str, patterns: Iterable[str]) -> str:
    """Return the condition that a text matches one of some patterns.

    They begin with fixed characters: searched one by one, they are faster than a single choice.
    """
    return " or ".join(f"IsMatch({path}, {quoted(pattern)})" for pattern in patterns)


def _replace(path: str, pattern: str, new: str) -> str:
    return f"replace_pattern({path}, {quoted(pattern)}, {quoted(new)})"
