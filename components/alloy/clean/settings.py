"""Settings of what Alloy redacts, limits, drops and renames."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from ...core.base import Settings, explained
from ...core.re2 import wrong
from ...core.texts import DNS_LABEL, DataKey, NamespaceName, SecretName, Text

#: Longest own pattern; a longer one costs more for each attribute than the rest of the pipeline.
_LONGEST = 500


def _checked(pattern: str) -> str:
    if what := wrong(pattern):
        raise explained(f"{what}: use the syntax of RE2, for example EMP-[0-9]{{6}}")
    return pattern


Pattern = Annotated[
    str,
    Field(min_length=1, max_length=_LONGEST),
    Text("a regular expression in RE2's syntax", "EMP-[0-9]{6}"),
    AfterValidator(_checked),
]
PatternName = Annotated[
    str,
    Field(min_length=1, max_length=40, pattern=DNS_LABEL),
    Text("1 to 40 lowercase letters, digits or hyphens", "employee-number"),
]
AttributePattern = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*\*?$"),
    Text("the name of an attribute, or the start of names with `*` at the end", "customer.*"),
]
Glob = Annotated[
    str,
    Field(min_length=1, max_length=500, pattern=r"^[!-~]([ -~]*[!-~])?$"),
    Text("1 to 500 printable characters, in which `*` matches any", "batch-*"),
]
RouteGlob = Annotated[
    str,
    Field(min_length=1, max_length=500, pattern=r"^/[!-~]*$"),
    Text("a path with a slash in front, in which `*` matches any characters", "/internal/*"),
]
RouteTemplate = Annotated[
    str,
    Field(
        max_length=500,
        pattern=r"^(/([A-Za-z0-9._~-]+|\{[A-Za-z0-9_.-]+\}))*/\{[A-Za-z0-9_.-]+\}(/([A-Za-z0-9._~-]+|\{[A-Za-z0-9_.-]+\}))*$",
    ),
    Text("a path with a name in braces for each segment that differs", "/shops/{shop}/cart"),
]


class Action(StrEnum):
    """What takes the place of a value."""

    MASK = "mask"
    HASH = "hash"


class RedactionRuleSettings(Settings):
    """Rules of the redaction, each with its switch: see docs/clean-data.md."""

    headers: bool = True
    """Mask attributes with the headers `authorization`, `proxy-authorization`, `cookie` and
    `set-cookie`, of HTTP and RPC."""
    names: bool = True
    """Mask attributes whose names end like `password`, `secret`, `token`, `credential` or
    `api_key`, in any spelling."""
    urls: bool = True
    """Mask user and password in URLs, and parameters such as `access_token` and `signature` in the
    query of URLs."""
    formats: bool = True
    """Mask JSON web tokens, bearer tokens, and the keys of AWS, GitHub, GitLab, Google, Slack and
    Stripe in any value."""
    pem: bool = True
    """Mask private keys in PEM in any value."""
    assignments: bool = True
    """Mask the value behind `password=`, `token:` and the like in log bodies, exceptions, status
    messages and command lines."""
    sql_literals: bool = True
    """Replace strings and numbers in database statements by `?`, as most SDKs do themselves."""
    card_numbers: bool = False
    """Mask numbers of 13 to 19 digits that begin like those of payment cards. Other long numbers,
    such as order numbers, look alike."""


class RedactedAttributeSettings(Settings):
    """An attribute whose value is redacted."""

    name: AttributePattern
    """Name of the attribute, or the start of names with `*` at the end."""
    action: Action = Action.MASK
    """`mask` (the value becomes `REDACTED`) or `hash` (equal values stay equal)."""


class RedactionPatternSettings(Settings):
    """An own pattern of text that is redacted in every value."""

    name: PatternName
    """Name of the pattern, which takes the place of the text: `REDACTED:employee-number`."""
    pattern: Pattern
    """Regular expression in RE2's syntax. One that begins with fixed characters is much faster."""


class HashKeySettings(Settings):
    """Key of the hashes, in a Secret that exists in `namespaces.tracing`."""

    secret: SecretName
    """Name of the Secret."""
    key: DataKey = "hash-key"
    """Key in it. Its value has letters and digits only, for example from `openssl rand -hex 32`."""


class RedactionSettings(Settings):
    """Redaction of secrets in spans, log records and metrics, before they leave Alloy."""

    enabled: bool = True
    """Redact. If false, secrets in attributes reach the backends as they are."""
    rules: RedactionRuleSettings = RedactionRuleSettings()
    """Switches of the rules."""
    attributes: list[RedactedAttributeSettings] = Field(default=[], max_length=50)
    """Further attributes whose values are redacted, for example `user.email`."""
    patterns: list[RedactionPatternSettings] = Field(default=[], max_length=20)
    """Further text that is redacted in the values of attributes and in log bodies."""
    kept: list[AttributePattern] = Field(default=[], max_length=50)
    """Attributes that the rules `headers` and `names` don't mask, for example `page.token`."""
    allowed: list[AttributePattern] = Field(default=[], max_length=500)
    """Allow-list: if set, only these attributes of spans, events, log records and resources stay,
    besides those that the stack needs. Metrics keep theirs, because series would collide."""
    hash_key: HashKeySettings | None = None
    """Key of the hashes, which `action: hash` requires. Without a key, anyone could compute the
    hash of a guessed value."""


class AttributeLimitSettings(Settings):
    """Limits of a span's size. What Alloy cuts, Tempo's alert on truncated attributes misses."""

    value_bytes: int | None = Field(default=None, ge=64, le=1_048_576)
    """Largest string value of an attribute in bytes; Alloy truncates longer ones. If unset, Tempo
    does, at `tempo.limits.maxAttributeBytes`."""
    attributes: int | None = Field(default=None, ge=64, le=10_000)
    """Most attributes of a span or log record; further ones are removed. Unlimited by default, and
    SDKs stop at 128."""


class DropSettings(Settings):
    """A rule for spans that are dropped. All keys that it sets must match."""

    service: Glob | None = None
    """`service.name` of the spans, in which `*` matches any characters."""
    namespace: NamespaceName | None = None
    """`k8s.namespace.name` of the spans."""
    route: RouteGlob | None = None
    """Route or path of an HTTP request, as a whole, in which `*` matches any characters."""
    span_name: Glob | None = None
    """Name of the spans, in which `*` matches any characters."""

    @model_validator(mode="after")
    def _selective(self) -> Self:
        given = [self.service, self.namespace, self.route, self.span_name]
        if all(one is None or not one.strip("/*") for one in given):
            raise explained(
                "matches every span: set service, namespace, route or spanName, for example "
                "{service: load-generator}"
            )
        return self


class RouteSettings(Settings):
    """Templates of routes, so that no span name or label of metrics contains an id."""

    ids: bool = True
    """Replace numbers, UUIDs and long hexadecimal segments of paths by `{id}` in span names and in
    `http.route`. The path of the request stays as it is in `url.path`."""
    templates: list[RouteTemplate] = Field(default=[], max_length=100)
    """Further templates: a path that fits one becomes that template, as in `/shops/{shop}/cart`.
    The first that fits is used."""
