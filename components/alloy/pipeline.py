"""The gateway's configuration: modules from ``modules/*.alloy``, and how they are joined.

Telemetry flows through receive, limit_memory, add_kubernetes and enrich; then spans go through
drop_noise to Tempo, log records to Loki and metrics to the metrics backend.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ..backends.credentials import LOGS_PASSWORD, METRICS_PASSWORD, password_file
from ..backends.settings import LogsSettings, MetricsSettings
from ..core.names import OTLP_GRPC_PORT, OTLP_HTTP_PORT, OTLP_RETRY_MINUTES
from ..telemetry.metrics import reserved_series
from .args import AlloyArgs
from .sizes import HTTP_REQUEST_MIB, queue_bytes
from .syntax import Expression, Value, instance

MODULES = Path(__file__).parent / "modules"


@dataclass(frozen=True)
class Instance:
    """One use of a module, labelled `default`."""

    module: str
    arguments: Mapping[str, Value]


def config(args: AlloyArgs) -> str:
    """Return the configuration as one text: the modules in use, then their instances."""
    instances = [
        *_entry(args),
        *_traces(args),
        *(_logs(args.logs, queue_bytes(args.settings)) if args.logs else []),
        *(_metrics(args, args.metrics) if args.metrics else []),
    ]
    modules = [use.module for use in instances]
    declared = [(MODULES / f"{name}.alloy").read_text() for name in ("ottl_list", *modules)]
    used = [instance(use.module, "default", use.arguments) for use in instances]
    return "\n".join([*declared, *used])


def _entry(args: AlloyArgs) -> list[Instance]:
    """Return what all signals go through."""
    return [
        Instance(
            "receive",
            {
                "grpc_endpoint": f"0.0.0.0:{OTLP_GRPC_PORT}",
                "http_endpoint": f"0.0.0.0:{OTLP_HTTP_PORT}",
                "max_grpc_request": f"{args.settings.max_request_mib}MiB",
                "max_http_request": f"{HTTP_REQUEST_MIB}MiB",
                **_outputs(args, "limit_memory"),
            },
        ),
        Instance("limit_memory", _outputs(args, "add_kubernetes")),
        Instance(
            "add_kubernetes",
            {
                "trusted_namespaces": [
                    *args.trusted_namespaces,
                    *([""] if args.trust_unidentified else []),
                ],
                **_outputs(args, "enrich"),
            },
        ),
        Instance(
            "enrich",
            {
                "cluster": args.cluster_name,
                "environment": args.environment,
                "traces": _to("drop_noise"),
                **({"logs": _to("send_to_loki")} if args.logs else {}),
                **({"metrics": _to("convert_metrics")} if args.metrics else {}),
            },
        ),
    ]


def _traces(args: AlloyArgs) -> list[Instance]:
    # Known by now: the component waits for it.
    endpoint = cast(str, args.tempo_endpoint)
    return [
        Instance(
            "drop_noise",
            {
                "paths": args.settings.ignored_paths,
                "namespaces": list(args.stack_namespaces),
                "traces": _to("send_to_tempo"),
            },
        ),
        Instance(
            "send_to_tempo",
            {
                # gRPC's own DNS resolver, which returns all addresses of a headless Service.
                "endpoint": f"dns:///{endpoint}" if args.balance else endpoint,
                "balancer": "round_robin" if args.balance else "pick_first",
                "insecure": not args.tls,
                **({"headers": {"X-Scope-OrgID": args.tenant}} if args.tenant else {}),
                "queue_bytes": queue_bytes(args.settings),
                "retry": f"{OTLP_RETRY_MINUTES}m",
            },
        ),
    ]


def _logs(logs: LogsSettings, queue_bytes: int) -> list[Instance]:
    arguments: dict[str, Value] = {
        "endpoint": logs.otlp_url,
        "queue_bytes": queue_bytes,
        "retry": f"{OTLP_RETRY_MINUTES}m",
    }
    if logs.username is None:
        return [Instance("send_to_loki", arguments)]
    return [
        Instance(
            "basic_auth",
            {"username": logs.username, "password_file": password_file(LOGS_PASSWORD)},
        ),
        Instance("send_to_loki", {**arguments, "auth": Expression("basic_auth.default.handler")}),
    ]


def _metrics(args: AlloyArgs, metrics: MetricsSettings) -> list[Instance]:
    arguments: dict[str, Value] = {"url": metrics.remote_write_url}
    module = "remote_write"
    if metrics.username is not None:
        module = "remote_write_basic_auth"
        arguments["username"] = metrics.username
        arguments["password_file"] = password_file(METRICS_PASSWORD)
    receiver = Expression(f"{module}.default.receiver")
    namespaces = dict.fromkeys([args.namespace, *args.stack_namespaces])
    return [
        Instance(
            "convert_metrics",
            {
                "forward_to": [receiver],
                "reserved_series": reserved_series(),
                "reserved_namespaces": "|".join(map(re.escape, namespaces)),
            },
        ),
        Instance(module, arguments),
    ]


def _outputs(args: AlloyArgs, module: str) -> dict[str, Value]:
    """Return the next module as the output of every signal that has a backend."""
    signals = ["traces", *(["logs"] if args.logs else []), *(["metrics"] if args.metrics else [])]
    return {signal: _to(module) for signal in signals}


def _to(module: str) -> list[Expression]:
    return [Expression(f"{module}.default.input")]
