"""Types of strings in settings: one for each kind, one owner for each service's boundary.

A type carries its pattern, for validation and the JSON Schema, and says in words what is allowed,
with an example, for messages and docs/config.md.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from .base import explained


@dataclass(frozen=True)
class Text:
    """What a string must be, in words.

    Attributes:
        allowed: what is allowed, to follow "must be".
        example: a value that is.
    """

    allowed: str
    example: str

    def __str__(self) -> str:
        return f"{self.allowed}, for example {self.example}"

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the example to the JSON Schema, for editors."""
        return {**handler(core_schema), "examples": [self.example.strip('"')]}


#: RFC 1123 label, as Kubernetes asks of namespaces and we of all names that end up in one.
DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
#: RFC 1123 subdomain, as Kubernetes asks of most names.
DNS_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
#: Key and value of a Kubernetes label (Kubernetes' documentation, "Labels and Selectors").
LABEL_KEY = (
    r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
)
LABEL_VALUE = r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
#: A port from 1 to 65535.
_PORT = (
    r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
)
_HOST = rf"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]){_PORT}"
#: RFC 3986: characters of a path. No user, whose password would stand in plan and state; no
#: query and no fragment, after which no path can be added.
_PATH = r"(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
#: Words that YAML takes for a number, a truth value or nothing. The charts write some names without
#: quotes, and the API server then refuses the object.
_NO_TEXT = re.compile(r"[0-9][0-9.]*(e-?[0-9]+)?|0[box][0-9a-f]+|y|n|yes|no|on|off|true|false|null")


def is_no_text(name: str) -> bool:
    """Return whether YAML takes a name without quotes for something else than a string."""
    return _NO_TEXT.fullmatch(name) is not None


def map_strings(change: Callable[[str], str], value: Any) -> Any:  # noqa: ANN401 - any YAML
    """Return a tree of mappings and lists with each string changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        tree = cast("Mapping[str, Any]", value)
        return {key: map_strings(change, below) for key, below in tree.items()}
    if isinstance(value, list):
        return [map_strings(change, item) for item in cast("list[Any]", value)]
    return value


def _unquoted(name: str) -> str:
    if is_no_text(name):
        raise explained(
            "is a number or a truth value to YAML, and the chart writes it without quotes: "
            "choose another name, for example gp3-encrypted"
        )
    return name


NamespaceName = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern=DNS_LABEL),
    Text("1 to 63 lowercase letters, digits or hyphens", "observability"),
]
"""Name of a Kubernetes namespace."""
ClassName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=DNS_NAME),
    Text("1 to 253 lowercase letters, digits, hyphens or dots", "gp3-encrypted"),
    AfterValidator(_unquoted),
]
"""Name of a storage class or a priority class."""
LabelKey = Annotated[
    str,
    Field(min_length=1, max_length=317, pattern=LABEL_KEY),
    Text("the key of a Kubernetes label", "grafana_dashboard"),
]
LabelValue = Annotated[
    str,
    Field(max_length=63, pattern=LABEL_VALUE),
    Text("the value of a Kubernetes label: up to 63 letters, digits, `_`, `.` or `-`", "1"),
]
Url = Annotated[
    str,
    Field(max_length=2000, pattern=rf"^https?://{_HOST}{_PATH}$"),
    Text(
        "an http or https URL with a host, without user, query or fragment",
        "http://mimir-gateway.mimir.svc:80/prometheus",
    ),
]
Endpoint = Annotated[
    str,
    Field(max_length=300, pattern=rf"^https?://[A-Za-z0-9][A-Za-z0-9.-]*{_PORT}$"),
    Text("an http or https URL of a host, without a path", "http://moto.moto.svc:5000"),
]
IssuerUrl = Annotated[
    str,
    Field(max_length=255, pattern=r"^https://[A-Za-z0-9][A-Za-z0-9.-]*(/[A-Za-z0-9._/-]*)?$"),
    Text(
        "an https URL without user, port, query or wildcard",
        "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
    ),
]
ChartRepository = Annotated[
    str,
    Field(max_length=2000, pattern=rf"^(https?|oci)://{_HOST}{_PATH}$"),
    Text(
        "an http, https or oci URL with a host, without user, query or fragment",
        "oci://registry.example.com/charts",
    ),
]
ImageRegistry = Annotated[
    str,
    Field(
        max_length=255,
        pattern=rf"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?{_PORT}(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
    ),
    Text(
        "a host, with a port and a path if needed, in lowercase and without a slash at the end",
        "registry.example.com:5000/mirror",
    ),
]
DatasourceUid = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-]{1,40}$"),
    Text("1 to 40 letters, digits, `_` or `-`", "tempo"),
]


FolderTitle = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[^/\\\x00-\x20\x7f.]([^/\\\x00-\x1f\x7f]*[^/\\\x00-\x20\x7f])?$",
    ),
    # Grafana's sidecar makes a folder on its disk of it.
    Text("the title of a folder, without slashes and line breaks", "Tracing"),
]
EnvironmentName = Annotated[
    str,
    Field(min_length=1, max_length=20, pattern=DNS_LABEL),
    Text("1 to 20 lowercase letters, digits or hyphens", "qa"),
]
ClusterName = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z][A-Za-z0-9_-]*$"),
    Text("1 to 100 letters, digits, `_` or `-`", "platform-prod"),
]
AccountId = Annotated[
    str, Field(pattern=r"^[0-9]{12}$"), Text("12 digits in quotes", '"123456789012"')
]
StackName = Annotated[
    str,
    Field(pattern=r"^[^/\s]+/[^/\s]+/[^/\s]+$"),
    Text("a stack as organization/project/stack", "organization/platform/prod"),
]
ChartVersion = Annotated[
    str,
    Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$"),
    Text("one exact version", "2.2.4"),
]
ImageTag = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"),
    Text("1 to 128 letters, digits, `_`, `.` or `-`", "2.10.8"),
]
TenantId = Annotated[
    str,
    Field(min_length=1, max_length=150, pattern=r"^[A-Za-z0-9!_.*'()-]+$"),
    Text("1 to 150 letters, digits or ! - _ . * ' ( )", "team-a"),
]
RoleName = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+=,.@-]+$"),
    Text("1 to 64 letters, digits or _ + = , . @ -", "tracing-prod-tempo"),
]
SloName = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern=DNS_LABEL),
    Text("1 to 63 lowercase letters, digits or hyphens", "checkout-answers"),
]
RunbookUrl = Annotated[
    str,
    # Neither braces, which are templates to Prometheus, nor a slash at the end.
    Field(max_length=2000, pattern=rf"^https?://{_HOST}(/[\w.~!$&'()*+,;=:@/-]*[\w.~-])?$"),
    Text(
        "an http or https URL without user, query, fragment or a slash at the end",
        "https://git.example.com/platform/tracing/blob/main/docs/runbooks",
    ),
]
