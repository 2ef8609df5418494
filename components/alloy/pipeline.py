"""Alloy's configuration: the modules in ``modules/*.alloy`` and their instances.

Telemetry passes receive, limit_memory, add_kubernetes and enrich. Then spans go through drop_noise
to Tempo, log records to Loki and metrics to the metrics backend.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..backends.credentials import LOGS_PASSWORD, METRICS_PASSWORD, password_file
from ..backends.settings import LogsSettings, MetricsSettings
from ..core.names import OTLP_GRPC_PORT, OTLP_HTTP_PORT, OTLP_RETRY_MINUTES
from ..telemetry.metrics import reserved_series
from .sizes import HTTP_REQUEST_MIB, queue_bytes

if TYPE_CHECKING:
    from .component import AlloyArgs

MODULES = Path(__file__).parent / "modules"
#: Module that other modules use; it has no instance of its own.
SHARED_MODULE = "ottl_list"

_NOT_PRINTABLE_ASCII = re.compile(r"[^ -~]")


@dataclass(frozen=True)
class Expression:
    """An Alloy expression that is written as it is, for example `enrich.default.input`."""

    text: str


#: Type of a module's arguments.
Value = str | int | Expression | Sequence["str | Expression"] | Mapping[str, str]
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
    declared = [(MODULES / f"{name}.alloy").read_text() for name in (SHARED_MODULE, *instances)]
    used = [instance(module, "default", arguments) for module, arguments in instances.items()]
    return "\n".join([*declared, *used])


def _entry(args: "AlloyArgs") -> Instances:
    """Return the instances that all signals pass."""
    return {
        "receive": {
            "grpc_endpoint": f"0.0.0.0:{OTLP_GRPC_PORT}",
            "http_endpoint": f"0.0.0.0:{OTLP_HTTP_PORT}",
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
    sender: dict[str, Value] = {
        "endpoint": logs.otlp_url,
        "queue_bytes": queue_bytes,
        "retry": f"{OTLP_RETRY_MINUTES}m",
    }
    if logs.username is None:
        return {"send_to_loki": sender}
    return {
        "basic_auth": {"username": logs.username, "password_file": password_file(LOGS_PASSWORD)},
        "send_to_loki": {**sender, "auth": Expression("basic_auth.default.handler")},
    }


def _metrics(args: "AlloyArgs", metrics: MetricsSettings) -> Instances:
    sender: dict[str, Value] = {"url": metrics.remote_write_url}
    module = "remote_write"
    if metrics.username is not None:
        module = "remote_write_basic_auth"
        sender["username"] = metrics.username
        sender["password_file"] = password_file(METRICS_PASSWORD)
    namespaces = dict.fromkeys([args.namespace, *args.stack_namespaces])
    return {
        "convert_metrics": {
            "forward_to": [Expression(f"{module}.default.receiver")],
            "reserved_series": reserved_series(),
            "reserved_namespaces": "|".join(map(re.escape, namespaces)),
        },
        module: sender,
    }


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
    """Return the block of one instance of a module, laid out as `alloy fmt` does."""
    width = max(len(name) for name in arguments)
    lines = [f"\t{name:<{width}} = {expression(value)}" for name, value in arguments.items()]
    return "\n".join([f'{module} "{label}" {{', *lines, "}"]) + "\n"
