"""Alloy's configuration: the modules in ``modules/*.alloy`` and their instances.

Telemetry passes receive, limit_memory, add_kubernetes and enrich. Then spans go through drop_noise
to Tempo, log records to Loki and metrics to the metrics backend. Modules of the stack file are in
between: after limit_memory, or in front of the last module.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ..backends import amazon, credentials
from ..backends.settings import Auth, LogsSettings, MetricsSettings, WriterSettings
from ..core.helm import no_template
from ..core.names import OTLP_GRPC_PORT, OTLP_HTTP_PORT, OTLP_RETRY_MINUTES
from ..telemetry.metrics import reserved_series
from . import ingress
from .own_modules import MODULES, SIGNALS, OwnModule, modules
from .sizes import HTTP_REQUEST_MIB, queue_bytes

if TYPE_CHECKING:
    from .component import AlloyArgs

#: Attributes whose value is a mapping.
_MAPS = ("headers",)
#: Module that other modules use; it has no instance of its own.
SHARED_MODULE = "ottl_list"

_NOT_PRINTABLE_ASCII = re.compile(r"[^ -~]")


@dataclass(frozen=True)
class Expression:
    """An Alloy expression that is written as it is, for example `enrich.default.input`."""

    text: str


#: Type of a module's arguments.
Value = str | int | Expression | Sequence["str | Expression"] | Mapping[str, str]
#: Attributes of a block, and the blocks in it.
Body = Mapping[str, "Value | Mapping[str, Value]"]
#: Instances by module, each with the module's arguments.
Instances = dict[str, dict[str, Value]]


def config(args: "AlloyArgs") -> str:
    """Return the configuration: the modules in use, then an instance `default` of each."""
    instances = {
        **_entry(args),
        **_traces(args),
        **(_logs(args.logs, queue_bytes(args.settings)) if args.logs else {}),
        **(_metrics(args, args.metrics) if args.metrics else {}),
    }
    own = modules(args.settings.modules, args.modules)
    stack = [*instances]
    inserted = _insert(own, instances)
    outside = _outside(args, own.get("afterReceive", ()), instances)
    declared = [_declared(name, args) for name in (SHARED_MODULE, *stack, *outside["default"])]
    used = [
        instance(module, label, arguments)
        for label, made in (("default", instances), *outside.items())
        for module, arguments in made.items()
    ]
    return "\n".join([*declared, *inserted, *used])


def _outside(
    args: "AlloyArgs", own: Sequence[OwnModule], instances: Instances
) -> dict[str, Instances]:
    """Return the instances that only data from outside the cluster passes, by their labels.

    It passes the stack file's first modules, and none that looks up a pod.
    """
    exits = {s: v for s, v in instances["add_kubernetes"].items() if s in SIGNALS}
    made = ingress.instances(args, exits)
    again: Instances = {}
    if made:
        entry = made["ingress"]
        for module in made.keys() - {"ingress"}:
            entry["auth"] = Expression(f"{module}.default.handler")
        for signal in exits:
            source = entry
            for module in (each for each in own if signal in each.signals):
                arguments = again.setdefault(module.name, {each: [] for each in module.signals})
                arguments[signal] = source[signal]
                source[signal] = [Expression(f"{module.name}.ingress.input")]
                source = arguments
    return {"default": made, "ingress": again}


def _insert(own: Mapping[str, Sequence[OwnModule]], instances: Instances) -> list[str]:
    """Put the stack file's modules into the paths of their signals; return their declarations."""
    exits = ("beforeSampling", "beforeExport")
    for source, signal, places in (
        *(("limit_memory", signal, ("afterReceive",)) for signal in SIGNALS),
        ("drop_noise", "traces", exits),
        ("enrich", "logs", exits),
        ("enrich", "metrics", exits),
    ):
        for module in (each for place in places for each in own.get(place, ())):
            if signal not in module.signals or signal not in instances[source]:
                continue
            # A signal without a backend leads nowhere, and a module may require its argument.
            arguments = instances.setdefault(module.name, {each: [] for each in module.signals})
            arguments[signal] = instances[source][signal]
            instances[source][signal] = _to(module.name)
            source = module.name
    used = [module for place in own.values() for module in place]
    for module in used:
        instances.setdefault(module.name, {each: [] for each in module.signals})
    # The chart runs the configuration through its template engine.
    return [no_template(module.text) for module in used]


def _entry(args: "AlloyArgs") -> Instances:
    """Return the instances that all signals pass."""
    return {
        "receive": {
            "grpc_endpoint": f"{args.ip_family.any_address}:{OTLP_GRPC_PORT}",
            "http_endpoint": f"{args.ip_family.any_address}:{OTLP_HTTP_PORT}",
            "max_grpc_request": f"{args.settings.max_request_mib}MiB",
            "max_http_request": f"{HTTP_REQUEST_MIB}MiB",
            **_outputs(args, "limit_memory"),
        },
        "limit_memory": _outputs(args, "add_kubernetes"),
        "add_kubernetes": {
            "trusted_namespaces": [
                *args.trusted_namespaces,
                *([""] if args.trust_unidentified else []),
            ],
            **_outputs(args, "enrich"),
        },
        "enrich": {
            "cluster": args.cluster_name,
            "environment": args.environment,
            "traces": _to("drop_noise"),
            **({"logs": _to("send_to_loki")} if args.logs else {}),
            **({"metrics": _to("convert_metrics")} if args.metrics else {}),
        },
    }


def _traces(args: "AlloyArgs") -> Instances:
    # The component has waited for the output, if it was one.
    endpoint = cast(str, args.tempo_endpoint)
    return {
        "drop_noise": {
            "paths": args.settings.ignored_paths,
            "namespaces": list(args.stack_namespaces),
            "traces": _to("send_to_tempo"),
        },
        "send_to_tempo": {
            # gRPC's own DNS resolver returns all addresses of a headless Service.
            "endpoint": f"dns:///{endpoint}" if args.balance else endpoint,
            "balancer": "round_robin" if args.balance else "pick_first",
            "insecure": not args.tls,
            **({"headers": {"X-Scope-OrgID": args.tenant}} if args.tenant else {}),
            "queue_bytes": queue_bytes(args.settings),
            "retry": f"{OTLP_RETRY_MINUTES}m",
        },
    }


def _logs(logs: LogsSettings, queue_bytes: int) -> Instances:
    [(writer, (url, its))] = logs.writers.items()
    sender: dict[str, Value] = {
        "endpoint": url,
        "queue_bytes": queue_bytes,
        "retry": f"{OTLP_RETRY_MINUTES}m",
    }
    signed = _sign_in(writer, url, its)
    for module in signed:
        sender["auth"] = Expression(f"{module}.default.handler")
    return {**signed, "send_to_loki": sender}


def _sign_in(writer: str, url: str, its: WriterSettings) -> Instances:
    """Return the module that signs in to a backend by OTLP; none without authentication."""
    file = credentials.password_file(writer)
    match its.sign_in:
        case Auth.BASIC:
            return {"basic_auth": {"username": its.username or "", "password_file": file}}
        case Auth.BEARER:
            return {"bearer_auth": {"token_file": file}}
        case Auth.SIGV4:
            signed: dict[str, Value] = {
                "region": amazon.region(url, its) or "",
                "service": its.sigv4.service,
                "role_arn": its.sigv4.role_arn or "",
            }
            return {"sigv4_auth": signed}
        case Auth.NONE:
            return {}


def _metrics(args: "AlloyArgs", metrics: MetricsSettings) -> Instances:
    namespaces = dict.fromkeys([args.namespace, *args.stack_namespaces])
    return {
        "convert_metrics": {
            "forward_to": [Expression("remote_write.default.receiver")],
            "reserved_series": reserved_series(),
            "reserved_namespaces": "|".join(map(re.escape, namespaces)),
        },
        "remote_write": {"url": metrics.remote_write_url},
    }


def _declared(module: str, args: "AlloyArgs") -> str:
    """Return the text of a module's file, with the blocks that depend on how to sign in.

    The file has these blocks for a backend without sign-in. An argument can't leave a block out.
    """
    text = (MODULES / f"{module}.alloy").read_text()
    if module == "ingress" and args.settings.ingress:
        return ingress.declared(text, args.settings.ingress)
    if module == "remote_write" and args.metrics:
        endpoints: list[Body] = [
            credentials.remote_write(name, url, its)
            for name, (url, its) in args.metrics.writers.items()
        ]
        endpoints[0] = {**endpoints[0], "url": Expression("argument.url.value")}
        if args.metrics.sign_in is not Auth.NONE:
            # The comment in front says that there is no authentication.
            text = text.partition("\n")[2]
        return _replaced(text, "endpoint", endpoints)
    if module == "send_to_loki" and args.logs:
        [(name, (_, its))] = args.logs.writers.items()
        client: Body = {
            "endpoint": Expression("argument.endpoint.value"),
            "auth": Expression("argument.auth.value"),
            **({"headers": credentials.headers(its)} if its.tenant else {}),
            **({"tls": {"ca_file": credentials.ca_file(name)}} if its.ca else {}),
        }
        return _replaced(text, "client", [client])
    return text


def _replaced(text: str, name: str, bodies: Sequence[Body]) -> str:
    """Replace the only block of a name by one or more of that name."""
    [found] = re.finditer(rf"^(\t+){name} \{{\n.*?^\1\}}\n", text, re.MULTILINE | re.DOTALL)
    blocks = "\n".join(block(name, body, found[1]) for body in bodies)
    return text[: found.start()] + blocks + text[found.end() :]


def _outputs(args: "AlloyArgs", module: str) -> dict[str, Value]:
    """Return the next module as the output of every signal that has a backend."""
    signals = ["traces", *(["logs"] if args.logs else []), *(["metrics"] if args.metrics else [])]
    return {signal: _to(module) for signal in signals}


def _to(module: str) -> list[Expression]:
    return [Expression(f"{module}.default.input")]


def literal(text: str) -> str:
    r"""Return a string of Alloy, quotes included, that stands for exactly this text.

    The result is printable ASCII without two opening braces in a row: the chart passes the
    configuration through Helm's `tpl`, which takes those for an action, and into a YAML block. JSON
    and Alloy (as Go) escape alike, except for `\U`, which only Alloy has.
    """

    def escape(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

    quoted = _NOT_PRINTABLE_ASCII.sub(escape, json.dumps(text, ensure_ascii=False))
    return quoted.replace("{{", r"{\u007b")


def expression(value: Value) -> str:
    """Return a value in Alloy's syntax."""
    match value:
        case Expression(text):
            return text
        case str():
            return literal(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Mapping():
            pairs = [f"{literal(key)} = {literal(item)}" for key, item in value.items()]
            return "{" + ", ".join(pairs) + "}"
        case _:
            return "[" + ", ".join(expression(item) for item in value) + "]"


def instance(module: str, label: str, arguments: Mapping[str, Value]) -> str:
    """Return the block of one instance of a module."""
    return block(f'{module} "{label}"', arguments)


def block(name: str, body: Body, indent: str = "") -> str:
    """Return a block, laid out as `alloy fmt` does; each mapping in it is a block but headers."""
    inner = {k: v for k, v in body.items() if isinstance(v, Mapping) and k not in _MAPS}
    attributes = {k: cast(Value, v) for k, v in body.items() if k not in inner}
    width = max(map(len, attributes))
    lines = [f"{indent}\t{k:<{width}} = {expression(v)}\n" for k, v in attributes.items()]
    blocks = ["\n" + block(k, cast(Body, v), f"{indent}\t") for k, v in inner.items()]
    return "".join([f"{indent}{name} {{\n", *lines, *blocks, f"{indent}}}\n"])
