"""OTTL statements that redact, limit and rename, from the settings.

Cost decides their form. Few spans hold a secret, so that each one is searched once: all names and
values as one text, for fixed strings of which every secret has one. Only what has one of them pays
for the rules. A regular expression of Go searches fast only if it begins with fixed characters, so
that a rule is a few patterns that do, and none with many alternatives.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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

#: Ends of the names of attributes by rule, and the names that most headers have.
HEADER_NAMES = r"authorization|cookie"
_HEADERS = (
    "http.request.header.authorization",
    "http.request.header.proxy-authorization",
    "http.request.header.cookie",
    "http.response.header.set-cookie",
)
SENSITIVE_NAMES = (
    r"password|passwd|passphrase|pwd|secret|token|jwt|credentials?"
    r"|(?:api|access|private|secret|encryption|signing|account)[._-]?key(?:[._-]?id)?"
)
#: Strings of which each secret has one, by rule, as globs. The searched text is in lowercase, and
#: `=` follows a name in it. A string that begins with a rare letter is found faster.
_HEADER_MARKS = ("zation=", "kie=")
_SENSITIVE_MARKS = (
    *("word=", "wd=", "hrase=", "cret=", "ken=", "jwt=", "tial=", "tials="),
    *("key=", "keyid=", "key.id=", "key_id=", "key-id="),
)
#: A name with a blank or `=` stands in quotes in the text.
_QUOTED_NAME_MARK = '"='
_URL_MARKS = (
    *("word=", "wd=", "hrase=", "cret=", "ken=", "jwt=", "tial=", "key=", "keyid="),
    *("ature=", "sig=", "://*@"),
)
_TOKEN_MARKS = (
    *("yj", "kia", "sia", "aiza", "earer ", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "hub_pat_"),
    *("lpat-", "xox", "k_live_"),
)
_PEM_MARKS = ("-----begin ",)
#: The same for texts with assignments, whose secrets may follow a colon too.
_TEXT_MARKS = (
    *("assw", "hrase", "pwd", "cret", "oken", "redential", "uthorization", "ookie"),
    *("api*key", "access*key", "private*key"),
)
#: What takes the place of a searched text that has one, and the attribute that tells it to `mask`.
_MARKED, _SUSPECT = "!", "redaction.suspect"
#: Names of the semantic conventions that are no secret. The pattern of these, with both ends fixed,
#: takes 30 times less than the one that finds secret names.
_HARMLESS = (
    *("http.request.method", "http.response.status_code", "http.route", "http.method"),
    *("http.status_code", "http.target", "http.url", "http.scheme", "http.host", "http.flavor"),
    *("url.path", "url.scheme", "url.full", "url.query", "server.address", "server.port"),
    *("client.address", "client.port", "network.peer.address", "network.peer.port"),
    *("network.protocol.name", "network.protocol.version", "net.peer.name", "net.peer.port"),
    *("user_agent.original", "user.id", "error.type", "peer.service", "thread.id", "thread.name"),
    *("db.system", "db.system.name", "db.name", "db.namespace", "db.operation", "db.statement"),
    *("db.operation.name", "db.query.text", "db.query.summary", "db.collection.name"),
    *("rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code", "messaging.system"),
    *("messaging.destination.name", "messaging.operation.type", "messaging.operation.name"),
    *("messaging.message.id", "messaging.kafka.message.key"),
    *("exception.type", "exception.message", "exception.stacktrace"),
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
QUERY = (
    r"(?i)((?:^|[?&;])[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|jwt|credential"
    r"|(?:api|access|private)[._-]?key(?:id)?|signature|sig)=)[^&;#\s]*"
)
#: Attributes with a URL, a path with a query, or a query.
URLS = ("url.full", "url.query", "http.url", "http.target")
#: Names in front of `=` or `:`.
_ASSIGNED = (
    r"password|passwd|passphrase|pwd|secret|token|credentials?"
    r"|(?:api|access|private|secret)[._-]?key(?:[._-]?id)?"
)
#: The same for headers, whose values go to the end of the line.
_ASSIGNED_LINES = "authorization|cookie"
_QUOTED_VALUE = r'(?:(")(?:[^"\\]|\\.)*|(\\")[^"\\]*|(\')[^\']*)'
_BETWEEN = r"[ \t]*[:=][ \t]*"
#: What masks an assigned value. One in quotes goes to the closing quote, which stays, so that JSON
#: stays JSON, also inside a string (`\"`). One without quotes belongs to a name without quotes: in
#: JSON, that is a number or null.
ASSIGNMENTS = [
    (
        rf'(?i)({names})(?:((?:\\?["\'])?{_BETWEEN}){_QUOTED_VALUE}|({_BETWEEN}){bare})',
        f"${{1}}${{2}}${{3}}${{4}}${{5}}${{6}}{MASK}",
    )
    for names, bare in (
        (_ASSIGNED, r'[^\s"\'\\,;&|}\])<>]+'),
        (_ASSIGNED_LINES, r'[^\r\n"\'\\]+'),
    )
]
STATEMENTS = ("db.query.text", "db.statement")
#: Strings, to the end of the text if it was cut off, and numbers that are no part of a name.
LITERALS = {
    r"'(?:[^'\\]|\\.|'')*(?:'|$)": "?",
    r"(^|[\s=(,<>+*/-])[0-9]+(?:\.[0-9]+)?\b": "${1}?",
}
#: Texts of exceptions, and a process's arguments.
_EXCEPTIONS = ("exception.message", "exception.stacktrace")
_COMMAND = ("process.command_line", "process.command_args")
#: Where assignments are looked for in traces.
ASSIGNED_IN = {"resource": _COMMAND, "span": ("status.message",), "event": _EXCEPTIONS}
#: Segments of a path that are ids.
IDS = r"/(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|[0-9]+)\b"

#: Attributes that the stack needs: labels of metrics and the service graph, and links of Grafana.
NEEDED = (
    *("service.*", "k8s.*", "deployment.environment*", "telemetry.sdk.*"),
    *("http.route", "peer.service", "db.name", "db.system", "db.system.name", "db.namespace"),
    # Index labels of Loki.
    *("cloud.region", "cloud.availability_zone"),
)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Statements for one kind of telemetry, in their order.

    Attributes:
        find: mark what may hold a secret.
        mask: redact what is marked, and remove the mark.
        rest: for everything.
    """

    find: list[str]
    mask: list[str]
    rest: list[str]


def resource(redaction: RedactionSettings) -> Steps:
    """Return the statements for the attributes of a resource."""
    path, found = "resource.attributes", list[str]()
    if redaction.enabled and redaction.rules.assignments:
        line, arguments = (f"{path}[{quoted(name)}]" for name in _COMMAND)
        # A list: only its text can be searched.
        secret = quoted(r"(?i)pass(?:word|wd|phrase)|pwd|secret|token|credential|[._-]?key")
        found.append(f"set({arguments}, String({arguments})) where IsMatch({arguments}, {secret})")
        found += _assignments(redaction, line, arguments)
    return _steps(redaction, "resource", found, marks=_TEXT_MARKS)


def span(
    redaction: RedactionSettings, limits: AttributeLimitSettings, routes: RouteSettings
) -> Steps:
    """Return the statements for a span."""
    found, rest, rules = list[str](), list[str](), redaction.rules
    if redaction.enabled and rules.urls:
        paths = [f"span.attributes[{quoted(name)}]" for name in URLS]
        found += [
            f'{_replace(path, QUERY, f"${{1}}{MASK}")} where IsMatch({path}, "=")'
            for path in (*paths, "span.name")
        ]
    if redaction.enabled and rules.sql_literals:
        for name in STATEMENTS:
            path = f"span.attributes[{quoted(name)}]"
            string, number = (_replace(path, *each) for each in LITERALS.items())
            digit = " or ".join(f'Index({path}, "{digit}") >= 0' for digit in range(10))
            rest += [string, f"{number} where {path} != nil and ({digit})"]
    rest += _routes(routes, "span.name", 'span.attributes["http.route"]')
    return _steps(redaction, "span", found, rest, limits, texts=["span.name"])


def status(redaction: RedactionSettings) -> list[str]:
    """Return the statements for a span that has a status message."""
    if not redaction.enabled:
        return []
    path = "span.status.message"
    found = [*patterns(redaction), *own_patterns(redaction)]
    masked = [_replace(path, pattern, new) for _, pattern, new in found]
    return [*masked, *_assignments(redaction, path)]


def event(redaction: RedactionSettings, limits: AttributeLimitSettings) -> Steps:
    """Return the statements for an event of a span."""
    texts = [f"spanevent.attributes[{quoted(name)}]" for name in _EXCEPTIONS]
    found = list(_assignments(redaction, *texts))
    return _steps(redaction, "spanevent", found, [], limits, marks=_TEXT_MARKS)


def log(redaction: RedactionSettings, limits: AttributeLimitSettings) -> Steps:
    """Return the statements for a log record."""
    texts = [f"log.attributes[{quoted(name)}]" for name in _EXCEPTIONS]
    found = list(_assignments(redaction, "log.body", *texts))
    return _steps(redaction, "log", found, [], limits, texts=["log.body"], marks=_TEXT_MARKS)


def datapoint(redaction: RedactionSettings, routes: RouteSettings) -> Steps:
    """Return the statements for a data point of a metric."""
    rest = _routes(routes, 'datapoint.attributes["http.route"]')
    return _steps(redaction, "datapoint", [], rest)


def dropped_resources(rules: Iterable[DropSettings]) -> list[str]:
    """Return the conditions of the rules that the resource alone decides."""
    return [
        " and ".join(_of_resource(rule)) for rule in rules if not rule.route and not rule.span_name
    ]


def ignored_paths(paths: Sequence[str]) -> list[str]:
    """Return the conditions for requests with one of some whole paths.

    Current and older semantic conventions, servers and clients. Patterns with fixed ends take a
    third of the time of a list of strings, which OTTL makes anew for each span.
    """
    if not paths:
        return []
    any_path = f"(?:{'|'.join(map(re.escape, paths))})"
    return [
        *(_is_match(name, f"^{any_path}$") for name in ("url.path", "http.route")),
        *(_is_match(name, _at_url(any_path)) for name in ("http.target", "url.full", "http.url")),
    ]


def _is_match(name: str, pattern: str) -> str:
    return f"IsMatch(span.attributes[{quoted(name)}], {quoted(pattern)})"


def _at_url(path: str) -> str:
    """Return a pattern for a path alone, with a query, and in a URL."""
    # An address of IPv6 has brackets around it; a bracket alone is no URL.
    host = r"[^/?#[]*(?:\[[^/?#\]]*\][^/?#[]*)?"
    return rf"^(?:[a-z]+://{host})?{path}(?:[?#].*)?$"


def dropped_spans(rules: Iterable[DropSettings]) -> list[str]:
    """Return the conditions of the other rules."""
    found: list[str] = []
    for rule in rules:
        parts: list[str] = []
        if rule.span_name:
            parts.append(equals("span.name", rule.span_name))
        if rule.route:
            pattern = _at_url(glob_pattern(rule.route, "[^?#]"))
            names = ("http.route", "url.path", "http.target", "url.full", "http.url")
            ways = [_is_match(name, pattern) for name in names]
            parts.append(f"({' or '.join(ways)})")
        if parts:
            found.append(" and ".join([*_of_resource(rule), *parts]))
    return found


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


def _steps(
    redaction: RedactionSettings,
    context: str,
    mask: Sequence[str],
    rest: Sequence[str] = (),
    limits: AttributeLimitSettings | None = None,
    *,
    texts: Sequence[str] = (),
    marks: Sequence[str] = (),
) -> Steps:
    """Return the statements for a map of attributes and some texts.

    Args:
        redaction: the settings.
        context: name of the context.
        mask: further statements for what is marked.
        rest: further statements for everything.
        limits: limits of the attributes; none by default.
        texts: texts that are no attributes.
        marks: further strings that mark.
    """
    path = f"{context}.attributes"
    cut = _limited(limits, context) if limits else []
    if not redaction.enabled:
        return Steps(find=[], mask=[], rest=[*rest, *cut])
    own = _applied(own_patterns(redaction), path, texts)
    found = list(_allowed(redaction, context))
    if context == "log":
        # Loki stores the body as text in any case. In a text, what is nested deep is found too.
        found.append("set(log.body, String(log.body)) where IsMap(log.body) or IsList(log.body)")
    found += _hashed(redaction, path)
    glob = _marks(redaction, marks)
    if not glob:
        return Steps(find=found, mask=[], rest=[*own, *rest, *cut])
    text = f"ToKeyValueString({path})"
    if texts:
        text = f'Concat([{", ".join(texts)}, {text}], " ")'
    held, suspect = f'{context}.cache["text"]', f"{path}[{quoted(_SUSPECT)}]"
    found += [
        f'set({held}, ConvertCase({text}, "lower"))',
        f"replace_all_matches({context}.cache, {quoted(glob)}, {quoted(_MARKED)})",
        f"set({suspect}, true) where {held} == {quoted(_MARKED)}",
    ]
    masked = [
        f"delete_key({path}, {quoted(_SUSPECT)})",
        *_named(redaction, path, f"{context}.cache"),
        *_applied(patterns(redaction), path, texts),
        *mask,
    ]
    return Steps(find=found, mask=masked, rest=[*own, *rest, *cut])


def _marks(redaction: RedactionSettings, texts: Sequence[str]) -> str:
    """Return a glob for the text of what may hold a secret; empty if no rule looks for one."""
    rules = redaction.rules
    masked = [a.name.lower() for a in redaction.attributes if a.action is Action.MASK]
    found = [
        *(_HEADER_MARKS if rules.headers else ()),
        *(_SENSITIVE_MARKS if rules.names else ()),
        *(name.removesuffix("*") if name.endswith("*") else f"{name}=" for name in masked),
        *((_QUOTED_NAME_MARK,) if rules.headers or rules.names or masked else ()),
        *(_URL_MARKS if rules.urls else ()),
        *(_TOKEN_MARKS if rules.formats else ()),
        *(_PEM_MARKS if rules.pem else ()),
        *(texts if rules.assignments else ()),
    ]
    if not found:
        return ""
    # The first one has no `*`: with one around all, the library would try each position of each.
    return f"{{{','.join([_MARKED, *(f'*{each}*' for each in dict.fromkeys(found))])}}}"


def _hashed(redaction: RedactionSettings, path: str) -> Iterator[str]:
    for one in redaction.attributes:
        value = f"{path}[{quoted(one.name)}]"
        if one.action is Action.HASH:
            # All keyed hashes of the platform are equal for equal values, whatever their type.
            hashed = f'SHA256(Concat([{quoted(HASH_KEY)}, String({value})], ""))'
            yield f'set({value}, Concat(["sha256:", {hashed}], "")) where {value} != nil'


def _named(redaction: RedactionSettings, path: str, cache: str) -> list[str]:
    """Return the statements that mask attributes by their names."""
    rules = redaction.rules
    ends = [
        *([HEADER_NAMES] if rules.headers else []),
        *([SENSITIVE_NAMES] if rules.names else []),
    ]
    masked = [a.name for a in redaction.attributes if a.action is Action.MASK]
    if not ends and not masked:
        return []
    wanted = [f"(?:{'|'.join(ends)})$"] if ends else []
    wanted += [whole_pattern(name) for name in masked]
    pattern = quoted(f"(?i){'|'.join(wanted)}")

    def held(name: str) -> str:
        return f"{cache}[{quoted(name)}]"

    kept = "|".join(glob_pattern(name) for name in redaction.kept)
    headers = [h for h in _HEADERS if rules.headers and not re.fullmatch(kept, h)]
    # What is a name of an attribute that the stack file masks is found by the second pattern.
    known = f"^(?:{'|'.join(map(re.escape, (*headers, *(() if masked else _HARMLESS))))})$"
    return [
        *(
            f"set({value}, {quoted(MASK)}) where {value} != nil"
            for value in (f"{path}[{quoted(name)}]" for name in headers)
        ),
        f"set({held('found')}, {path})",
        f"delete_matching_keys({held('found')}, {quoted(known)})",
        f"keep_matching_keys({held('found')}, {pattern})",
        *([f"delete_matching_keys({held('found')}, {quoted(f'^(?:{kept})$')})"] if kept else []),
        # From the list of names to an object with a mask for each. Values may have any type.
        f"set({held('masks')}, String(Keys({held('found')}))) where Len({held('found')}) > 0",
        _replace(held("masks"), r'"((?:[^"\\]|\\.)*)"', f'"$1":"{MASK}"'),
        _replace(held("masks"), r"(?s)^\[(.*)\]$", "{$1}"),
        f'merge_maps({path}, ParseJSON({held("masks")}), "upsert") where {held("masks")} != nil',
    ]


#: Name of a rule, a pattern of it, and what replaces that.
Pattern = tuple[str, str, str]


def patterns(redaction: RedactionSettings) -> Iterator[Pattern]:
    """Yield the patterns for any value whose texts are marked."""
    rules = redaction.rules
    if rules.formats:
        yield from (("formats", pattern, new) for pattern, new in _TOKENS.items())
    if rules.pem:
        yield "pem", _PRIVATE_KEY, MASK
    if rules.urls:
        yield "urls", _USER, f"://{MASK}@"


def own_patterns(redaction: RedactionSettings) -> Iterator[Pattern]:
    """Yield the patterns for any value that no fixed string marks."""
    if redaction.rules.card_numbers:
        yield "cardNumbers", _CARD, MASK
    for own in redaction.patterns:
        yield f"patterns: {own.name}", own.pattern, f"{MASK}:{own.name}"


def _applied(found: Iterable[Pattern], path: str, texts: Iterable[str]) -> list[str]:
    """Return the statements that apply patterns to the values of a map, and to texts."""
    its = [(pattern, new) for _, pattern, new in found]
    return [
        *(_replace_all(path, *each) for each in its),
        *(_replace(text, *each) for text in texts for each in its),
    ]


def _assignments(redaction: RedactionSettings, *paths: str) -> Iterator[str]:
    """Yield the statements that mask what is assigned to a secret name in some texts."""
    if not redaction.enabled or not redaction.rules.assignments:
        return
    for path in paths:
        for pattern, new in ASSIGNMENTS:
            yield f'{_replace(path, pattern, new)} where IsMatch({path}, "[:=]")'


def _routes(routes: RouteSettings, *paths: str) -> list[str]:
    return [_replace(path, pattern, new) for path in paths for pattern, new in templates(routes)]


def templates(routes: RouteSettings) -> Iterator[tuple[str, str]]:
    """Yield the patterns of routes and span names, with what replaces them."""
    for one in routes.templates:
        segments = "/".join(
            r"[^/?#\s]+" if segment.startswith("{") else re.escape(segment)
            for segment in one.split("/")
        )
        # A span name has the method in front.
        yield rf"^([A-Z]+ )?{segments}$", f"${{1}}{one}"
    if routes.ids:
        yield IDS, "/{id}"


def _limited(limits: AttributeLimitSettings, context: str) -> list[str]:
    path, found = f"{context}.attributes", list[str]()
    if limits.attributes and context != "spanevent":
        first = [quoted(name) for name in NEEDED if "*" not in name]
        found.append(f"limit({path}, {limits.attributes}, [{', '.join(first)}])")
    if limits.value_bytes:
        found.append(f"truncate_all({path}, {limits.value_bytes})")
    return found


def _replace_all(path: str, pattern: str, new: str) -> str:
    return f'replace_all_patterns({path}, "value", {quoted(pattern)}, {quoted(new)})'


def _replace(path: str, pattern: str, new: str) -> str:
    return f"replace_pattern({path}, {quoted(pattern)}, {quoted(new)})"
