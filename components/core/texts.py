"""Types of the strings in settings, one for each kind of name, address or expression.

Each type has a pattern, for validation and for the JSON Schema, and a `Text` that describes the
allowed values for messages and docs/config.md.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from .base import explained


@dataclass(frozen=True)
class Text:
    """Describes the allowed values of a string, to follow "must be", with an example."""

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
_PORT = r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))"
_DNS_HOST = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
_HOST = rf"({_DNS_HOST}|\[[0-9A-Fa-f:.]+\]){_PORT}?"
#: Characters of a path (RFC 3986). A user is not allowed, because its password would be written to
#: the plan and the state. A query or fragment is not allowed, because no path can follow it.
_PATH = r"(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
#: Names that YAML reads as a number, a boolean or null if they are not quoted. The charts write
#: some names without quotes, and the API server then rejects the object.
_NOT_A_STRING = re.compile(
    r"[0-9][0-9.]*(e-?[0-9]+)?|0[box][0-9a-f]+|y|n|yes|no|on|off|true|false|null"
)
#: Namespaces of the cluster. The stack owns its namespaces, and deletes them when it is destroyed.
_SYSTEM_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
#: Prefixes and suffixes that AWS reserves (S3 user guide, "General purpose bucket naming").
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an")
#: Tags that the stack sets.
OWN_TAGS = ("environment", "managed-by")
#: Tags of one resource that AWS allows, without those that the stack sets.
MOST_TAGS = 48
#: Prefixes of the labels that charts set on pods.
_CHART_PREFIXES = ("app.kubernetes.io", "helm.sh")
#: Annotations that charts set on pods.
_CHART_ANNOTATIONS = frozenset(
    {"checksum/config", "kubectl.kubernetes.io/default-container", "rollme", "storage/size"}
)
#: Labels that the alerts, or Prometheus, set on every alert.
_ALERT_LABELS = (
    *("alertname", "alertstate", "severity"),
    *("k8s_cluster_name", "deployment_environment_name"),
)
#: Labels that every alert selects its series by.
_SELECTORS = ("namespace", "job", "pod")


def _refuse(wrong: Callable[[str], bool], message: str) -> AfterValidator:
    """Return a check for what a pattern can't express, with the whole message."""

    def check(value: str) -> str:
        if wrong(value):
            raise explained(message)
        return value

    return AfterValidator(check)


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


def _unquoted(example: str) -> AfterValidator:
    return _refuse(
        lambda name: _NOT_A_STRING.fullmatch(name) is not None,
        "is a number, a boolean or null in YAML, and the chart writes it without quotes: choose "
        f"another name, for example {example}",
    )


def _address(url: str) -> str:
    """Refuse a URL whose host is in brackets and not an IPv6 address."""
    if found := re.search(r"//\[(.*)\]", url):
        try:
            ipaddress.IPv6Address(found[1])
        except ValueError:
            raise explained(
                f"has the host [{found[1]}], which is not an IPv6 address: correct it, for example "
                "http://[fd00::1]:9090"
            ) from None
    return url


def _network(cidr: str) -> str:
    try:
        ipaddress.ip_network(cidr)
    except ValueError:
        raise explained(
            "must be the first address of a range, a slash and the length of its prefix, for "
            "example 10.0.0.0/16"
        ) from None
    if cidr.endswith("/0"):
        raise explained(
            "covers every address: list the ranges of the nodes' subnets, for example 10.0.0.0/16"
        )
    return cidr


NamespaceName = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern=DNS_LABEL),
    Text("1 to 63 lowercase letters, digits or hyphens", "observability"),
]
"""Name of a Kubernetes namespace."""
OwnNamespaceName = Annotated[
    NamespaceName,
    _unquoted("tracing"),
    _refuse(
        lambda name: name in _SYSTEM_NAMESPACES,
        "belongs to the cluster, and the stack must own its namespaces: choose another name, for "
        "example tracing",
    ),
]
"""Name of a namespace that the stack makes."""
OperatorNamespaceName = Annotated[
    OwnNamespaceName,
    _refuse(
        lambda name: len(name) > 50,
        "is too long for the operator's Services, which are named after it: choose a name with at "
        "most 50 characters, for example tracing-operator",
    ),
]
"""Name of the operator's namespace."""
NamespacePattern = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern=r"^[a-z0-9*]([-a-z0-9*]*[a-z0-9*])?$"),
    Text("a namespace, in which `*` matches any string", "team-*"),
]
"""Names of Kubernetes namespaces, with wildcards."""
NamePattern = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^[a-z0-9*]([-a-z0-9.*]*[a-z0-9*])?$"),
    Text("a name in Kubernetes, in which `*` matches any string", "checkout-*"),
]
"""Names of Kubernetes workloads or containers, with wildcards."""
ClassName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=DNS_NAME),
    Text("1 to 253 lowercase letters, digits, hyphens or dots", "gp3-encrypted"),
    _unquoted("gp3-encrypted"),
]
"""Name of a storage class or a priority class."""
LabelKey = Annotated[
    str,
    Field(min_length=1, max_length=317, pattern=LABEL_KEY),
    Text(
        "the key of a Kubernetes label: up to 63 letters, digits, `_`, `.` or `-`, after a DNS "
        "name and a slash if needed",
        "grafana_dashboard",
    ),
]
LabelValue = Annotated[
    str,
    Field(max_length=63, pattern=LABEL_VALUE),
    Text("the value of a Kubernetes label: up to 63 letters, digits, `_`, `.` or `-`", "1"),
]
PodLabelKey = Annotated[
    LabelKey,
    _refuse(
        lambda key: key.partition("/")[0] in _CHART_PREFIXES,
        "is set by the charts, and Services and network policies select pods by it: choose another "
        "key, for example example.com/team",
    ),
]
PodAnnotationKey = Annotated[
    LabelKey,
    _refuse(
        lambda key: key in _CHART_ANNOTATIONS,
        "is set by the charts: choose another key, for example example.com/team",
    ),
]
AnnotationValue = Annotated[
    str,
    Field(max_length=4_096),
    Text("a string of up to 4096 characters, with numbers and booleans in quotes", '"true"'),
]
SecretName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=DNS_NAME),
    Text(
        "the name of a Kubernetes Secret: up to 253 lowercase letters, digits, hyphens or dots",
        "registry-credentials",
    ),
    _unquoted("registry-credentials"),
]
ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=DNS_NAME),
    Text("the name of a Kubernetes object: up to 253 lowercase letters, digits, - or .", "public"),
]
ConfigMapName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=DNS_NAME),
    Text(
        "the name of a ConfigMap: up to 253 lowercase letters, digits, hyphens or dots",
        "company-ca",
    ),
]
DataKey = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9_.-]+$"),
    Text("a key of a Secret or ConfigMap: letters, digits, `_`, `.` or `-`", "ca.crt"),
    _refuse(lambda key: key in (".", ".."), "consists of dots only: choose a key, like ca.crt"),
]
SigningName = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern=DNS_LABEL),
    Text("the name of an AWS service in signatures, in lowercase", "execute-api"),
]
LabelName = Annotated[
    str,
    # Prometheus reserves names that begin with two underscores.
    Field(min_length=1, max_length=200, pattern=r"^_?([A-Za-z][A-Za-z0-9_]*)?$"),
    Text(
        "the name of a Prometheus label: letters, digits or `_`, without a digit in front", "team"
    ),
]
AttributeName = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$"),
    Text("the name of an attribute of spans or their resource", "k8s.namespace.name"),
]
AttributeValue = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Text("the value of an attribute: 1 to 200 characters, without line breaks", "payments"),
]
AlertLabel = Annotated[
    LabelName,
    _refuse(lambda name: name in _ALERT_LABELS, "is set by the alerts themselves: remove it"),
]
SeriesLabel = Annotated[
    LabelName,
    _refuse(lambda name: name in _SELECTORS, "is set by the alerts themselves: remove it"),
]
TagKey = Annotated[
    str,
    # IAM ignores case in the keys of tags (IAM User Guide, "Tags for IAM resources").
    Field(min_length=1, max_length=128, pattern=r"^[\w .:/=+@-]*$"),
    Text("1 to 128 letters, digits, spaces or _ . : / = + - @", "cost-center"),
    _refuse(lambda key: key.lower() in OWN_TAGS, "is set by the stack itself: remove it"),
    _refuse(
        lambda key: key.lower().startswith("aws:"),
        "begins with aws:, which AWS reserves: choose another key, for example cost-center",
    ),
]
TagValue = Annotated[
    str,
    Field(max_length=256, pattern=r"^[\w .:/=+@-]*$"),
    Text("up to 256 letters, digits, spaces or _ . : / = + - @", "platform"),
]
BucketName = Annotated[
    str,
    # Without dots, which the certificate of S3's endpoint doesn't cover.
    Field(min_length=3, max_length=63, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
    Text("3 to 63 lowercase letters, digits or hyphens", "traces-prod-eu"),
    _refuse(
        lambda name: name.startswith(_RESERVED_PREFIXES) or name.endswith(_RESERVED_SUFFIXES),
        f"begins with {', '.join(_RESERVED_PREFIXES)} or ends with {', '.join(_RESERVED_SUFFIXES)}"
        ", which AWS reserves: choose another name, for example traces-prod-eu",
    ),
]
Cidr = Annotated[
    str,
    Field(pattern=r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$"),
    Text("a range of addresses", "10.0.0.0/16"),
    AfterValidator(_network),
]
UrlPath = Annotated[
    str,
    Field(max_length=2000, pattern=r"^/[!-~]*$"),
    Text("the path of a URL, with a slash in front", "/healthz"),
]
Url = Annotated[
    str,
    Field(max_length=2000, pattern=rf"^https?://{_HOST}{_PATH}$"),
    Text(
        "an http or https URL with a host, without user, query or fragment",
        "http://mimir-gateway.mimir.svc:80/prometheus",
    ),
    AfterValidator(_address),
]
HostName = Annotated[
    str,
    Field(
        max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$"
    ),
    Text("the name of a host in DNS, in lowercase", "otlp.example.com"),
]
HostAndPort = Annotated[
    str,
    Field(max_length=300, pattern=rf"^{_DNS_HOST}{_PORT}$"),
    Text("a host with a port, without a scheme", "kafka.kafka.svc:9092"),
]
TopicName = Annotated[
    str,
    # Kafka refuses `.` and `..` too.
    Field(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"),
    Text("1 to 249 letters, digits or `.`, `_`, `-`", "tempo-traces"),
]
Endpoint = Annotated[
    str,
    Field(max_length=300, pattern=rf"^https?://{_DNS_HOST}{_PORT}?$"),
    Text("an http or https URL of a host, without a path", "http://moto.moto.svc:5000"),
]
IssuerUrl = Annotated[
    str,
    Field(max_length=255, pattern=rf"^https://{_DNS_HOST}(/[A-Za-z0-9._/-]*)?$"),
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
    AfterValidator(_address),
]
ImageRegistry = Annotated[
    str,
    Field(
        max_length=255,
        pattern=rf"^{_DNS_HOST.replace('A-Z', '')}{_PORT}?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
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
TempoVersion = Annotated[
    str,
    # The configuration is checked against 2.10 and 3.0.
    Field(
        max_length=128, pattern=r"^v?(2\.[1-9][0-9]+|3\.[0-9]+)(\.[0-9]+)?([.-][A-Za-z0-9_.-]*)?$"
    ),
    Text("a version of Tempo 2, 2.10 or later, or of Tempo 3", "2.10.8"),
]


def _word(value: object) -> object:
    """Return `on` or `off` for a boolean."""
    return ("off", "on")[value] if isinstance(value, bool) else value


#: Takes `on` and `off` for words, which YAML 1.1 reads as booleans without quotes.
ON_OFF = BeforeValidator(_word)
TenantId = Annotated[
    str,
    Field(min_length=1, max_length=150, pattern=r"^[A-Za-z0-9!_.*'()-]+$"),
    Text("1 to 150 letters, digits or ! - _ . * ' ( )", "team-a"),
    # The tenant is part of paths.
    _refuse(lambda name: name in (".", ".."), "consists of dots only: choose another, like team-a"),
]
KubeContext = Annotated[
    str,
    Field(min_length=1, max_length=500),
    Text("the name of a context in the kubeconfig file", "platform-prod"),
]
FilePath = Annotated[
    str, Field(min_length=1, max_length=4096), Text("the path of a file", "~/.kube/config")
]
ModulePath = Annotated[
    str,
    Field(max_length=500, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*\.alloy$"),
    Text("the path of an .alloy file, relative to the project's folder", "alloy/drop_debug.alloy"),
    _refuse(
        lambda path: ".." in path.split("/"),
        "leads out of the folder that it begins in: use a path without .., for example "
        "alloy/drop_debug.alloy",
    ),
]
ServiceName = Annotated[
    str, Field(min_length=1, max_length=255), Text("1 to 255 characters", "checkout")
]
SpanName = Annotated[
    str, Field(min_length=1, max_length=1000), Text("1 to 1000 characters", "GET /cart")
]
OwnerName = Annotated[
    str, Field(min_length=1, max_length=100), Text("1 to 100 characters", "team-checkout")
]
Sentence = Annotated[
    str, Field(max_length=1000), Text("up to 1000 characters", "Customers can pay")
]
RateExpression = Annotated[
    str,
    Field(min_length=1, max_length=4000),
    Text("a PromQL expression with `[window]` as its range", "rate(jobs_total[window])"),
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
    AfterValidator(_address),
]
UserName = Annotated[
    str,
    Field(min_length=1, max_length=255, pattern=r"^[^:\x00-\x1f\x7f]+$"),
    Text("1 to 255 characters other than `:` and control characters", "tempo"),
]
"""User for basic authentication (RFC 7617) and SASL/PLAIN."""
