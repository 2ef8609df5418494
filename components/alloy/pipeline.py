"""Alloy's configuration: the modules in ``modules/*.alloy`` and their instances.

Telemetry passes receive, limit_memory and add_kubernetes, and spans pass drop_noise. Behind clean,
spans go to Tempo or to the samplers (sampling/pipeline.py), log records to Loki and metrics to the
metrics backend. Modules of the stack file are in between: after limit_memory, or in front of the
last module. There are few processors, because Alloy copies all data for each.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from ..backends import amazon, credentials
from ..backends.settings import Auth, LogsSettings, MetricsSettings, WriterSettings
from ..core.helm import no_template
from ..core.names import OTLP_GRPC_PORT, OTLP_HTTP_PORT, OTLP_RETRY_MINUTES
from ..core.units import MIB
from ..telemetry.metrics import reserved_series
from . import ingress
from .clean import statements
from .clean.settings import AttributeLimitSettings, RedactionSettings
from .endpoints import sampler_hosts
from .own_modules import MODULES, SIGNALS, OwnModule, modules
from .queues import on_volume
from .settings import QueuePlace
from .sizes import HTTP_REQUEST_MIB, least_queue_bytes, queue_bytes
from .tenants import apart
from .text import Expression
from .writer import Body, Instances, Lines, Value, inputs, instance, replaced

if TYPE_CHECKING:
    from .component import AlloyArgs

#: Module that other modules use; it has no instance of its own.
SHARED_MODULE = "ottl_list"
#: Environment variable with the key of hashes.
HASH_KEY_VARIABLE = "REDACTION_HASH_KEY"

#: Statements that the module `clean` executes first.
_ENRICH = Expression("enrich.default.statements")
#: End of the names of lists whose statements mark what may hold a secret, and hash.
_FIND = "_find"
#: Smallest queue to a sampler in bytes: the largest batch, with room for the next ones.
_LEAST_QUEUE_BYTES = 16 * MIB
#: Minutes that the gateway retries a copy for a sampler.
_REHEARSED_RETRY_MINUTES = 1
_ALL_PERCENT = 100


def config(args: "AlloyArgs") -> str:
    """Return the configuration: the modules in use, then an instance `default` of each."""
    instances = {
        **_entry(args),
        **_traces(args),
        **(_logs(args, args.logs) if args.logs else {}),
        **(_metrics(args, args.metrics) if args.metrics else {}),
    }
    own = modules(args.settings.modules, args.modules)
    inserted = _insert(own, instances, samples=args.settings.sampling.decides)
    outside = _outside(args, own.get("afterReceive", ()), instances)
    everything = apart(
        [
            (module, label, arguments)
            for label, made in (("default", instances), *outside.items())
            for module, arguments in made.items()
        ],
        args.tenancy,
        least_queue_bytes=least_queue_bytes(args.settings),
    )
    if args.settings.queue is QueuePlace.VOLUME:
        everything = on_volume(everything, fsync=args.settings.queue_fsync)
    own_names = {module.name for place in own.values() for module in place}
    stock = dict.fromkeys(module for module, _, _ in everything if module not in own_names)
    text = [_declared(name, args) for name in (SHARED_MODULE, *stock)]
    return "\n".join([*text, *inserted, *(instance(*each) for each in everything)])


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
        for signal in exits:
            source = entry
            for module in (each for each in own if signal in each.signals):
                arguments = again.setdefault(module.name, {each: [] for each in module.signals})
                arguments[signal] = source[signal]
                source[signal] = inputs(module.name, "ingress")
                source = arguments
    return {"default": made, "ingress": again}


def _insert(
    own: Mapping[str, Sequence[OwnModule]], instances: Instances, *, samples: bool
) -> list[str]:
    """Put the stack file's modules into the paths of their signals; return their declarations.

    Spans that the samplers decide on are exported by them.
    """
    exits = ("beforeSampling", "beforeExport")
    for source, signal, places in (
        *(("limit_memory", signal, ("afterReceive",)) for signal in SIGNALS),
        ("clean", "traces", exits[:1] if samples else exits),
        ("clean", "logs", exits),
        ("clean", "metrics", exits),
    ):
        for module in (each for place in places for each in own.get(place, ())):
            if signal not in module.signals or signal not in instances[source]:
                continue
            # A signal without a backend leads nowhere, and a module may require its argument.
            arguments = instances.setdefault(module.name, {each: [] for each in module.signals})
            arguments[signal] = instances[source][signal]
            instances[source][signal] = inputs(module.name)
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
            **_outputs(args, "clean"),
            "traces": inputs("drop_noise"),
        },
        "enrich": {"cluster": args.cluster_name, "environment": args.environment},
    }


def _traces(args: "AlloyArgs") -> Instances:
    exits = _exits(args)
    return {
        "drop_noise": {
            "namespaces": [] if args.kept_services else list(args.stack_namespaces),
            **_given(
                resources=[
                    *_own_spans(args),
                    *statements.dropped_resources(args.settings.drop),
                ],
                spans=[
                    *statements.ignored_paths(args.settings.ignored_paths),
                    *statements.dropped_spans(args.settings.drop),
                ],
            ),
            "traces": inputs("clean"),
        },
        **_clean(args, exits),
        **exits,
    }


def _own_spans(args: "AlloyArgs") -> list[str]:
    """Return the condition for the spans of these namespaces without those of some services."""
    if not args.kept_services:
        return []
    namespaces, services = map(json.dumps, (list(args.stack_namespaces), list(args.kept_services)))
    return [
        f'ContainsValue({namespaces}, resource.attributes["k8s.namespace.name"])'
        f' and not ContainsValue({services}, resource.attributes["service.name"])'
    ]


def _exits(args: "AlloyArgs") -> Instances:
    """Return what spans pass after drop_noise."""
    sampling = args.settings.sampling
    # The component has waited for the output, if it was one.
    to_tempo = send_to_tempo(
        cast(str, args.tempo_endpoint),
        balance=args.balance,
        tls=args.tls,
        tenant=args.tenant,
        queue_bytes=queue_bytes(args.settings, args.load),
        retry_minutes=args.settings.retry_minutes,
    )
    if not sampling.runs:
        return {"send_to_tempo": to_tempo}
    hosts = [
        f"{host}:{OTLP_GRPC_PORT}" for host in sampler_hosts(sampling.replicas, args.namespace)
    ]
    to_samplers: dict[str, Value] = {
        "hosts": hosts,
        "queue_bytes": max(queue_bytes(args.settings, args.load) // len(hosts), _LEAST_QUEUE_BYTES),
        "retry": f"{args.settings.retry_minutes}m",
    }
    if sampling.decides:
        passed = {"send_to_samplers": to_samplers}
        if sampling.head_percent == _ALL_PERCENT:
            return passed
        head: dict[str, Value] = {
            "percent": sampling.head_percent,
            "traces": inputs("send_to_samplers"),
        }
        return {"head_sample": head, **passed}
    return {
        "send_to_tempo": to_tempo,
        "copy_traces": {"traces": inputs("send_to_samplers")},
        # What is stored already need not wait long.
        "send_to_samplers": {
            **to_samplers,
            "queue_bytes": _LEAST_QUEUE_BYTES,
            "retry": f"{_REHEARSED_RETRY_MINUTES}m",
        },
    }


def send_to_tempo(
    endpoint: str,
    *,
    balance: bool,
    tls: bool,
    tenant: str | None,
    queue_bytes: int,
    retry_minutes: int = OTLP_RETRY_MINUTES,
) -> dict[str, Value]:
    """Return the arguments of the module that sends spans to Tempo."""
    return {
        # gRPC's own DNS resolver returns all addresses of a headless Service.
        "endpoint": f"dns:///{endpoint}" if balance else endpoint,
        "balancer": "round_robin" if balance else "pick_first",
        "insecure": not tls,
        **({"headers": {"X-Scope-OrgID": tenant}} if tenant else {}),
        "queue_bytes": queue_bytes,
        "retry": f"{retry_minutes}m",
    }


def _clean(args: "AlloyArgs", exits: Instances) -> Instances:
    its = args.settings
    lists = _lists("resource", statements.resource(its.redaction))
    lists |= _lists("span", statements.span(its.redaction, its.limits, its.routes))
    lists["status"] = Lines(statements.status(its.redaction))
    lists |= _lists("event", statements.event(its.redaction, its.limits))
    if args.logs:
        lists |= _lists("log", statements.log(its.redaction, its.limits))
    if args.metrics:
        lists |= _lists("datapoint", statements.datapoint(its.redaction, its.routes))
    keyed: Instances = {}
    if its.redaction.hash_key:
        hash_key = {"placeholder": statements.HASH_KEY, "variable": HASH_KEY_VARIABLE}
        found = {name: value for name, value in lists.items() if name.endswith(_FIND)}
        keyed = {"hash_key": {**hash_key, **found}}
        lists |= {name: Expression(f"hash_key.default.{name}") for name in found}
    lines: Instances = {}
    if its.span_logs and args.logs:
        lines = {"span_logs": {"logs": inputs("send_to_loki")}}
    return {
        **keyed,
        **lines,
        "clean": {
            "enrich": _ENRICH,
            **lists,
            # With `head_sample` or `copy_traces`, these send to the samplers.
            "traces": [
                each
                for name in exits
                if name != "send_to_samplers" or len(exits) == 1
                for each in inputs(name)
            ]
            + (inputs("span_logs") if "span_logs" in lines else []),
            **({"logs": inputs("send_to_loki")} if args.logs else {}),
            **({"metrics": inputs("convert_metrics")} if args.metrics else {}),
        },
    }


def _lists(name: str, steps: statements.Steps) -> dict[str, Value]:
    """Return the arguments of the module `clean` for one kind of telemetry."""
    return {
        f"{name}{_FIND}": Lines(steps.find),
        f"{name}_mask": Lines(steps.mask),
        name: Lines(steps.rest),
    }


def _given(**lists: list[str]) -> dict[str, Value]:
    """Return the arguments that are not empty."""
    return {name: Lines(texts) for name, texts in lists.items() if texts}


def cleaned_logs(redaction: RedactionSettings, limits: AttributeLimitSettings) -> Instances:
    """Return the instance that cleans log records only, on their way to Loki."""
    # A line has only the attributes of its pod.
    redaction = redaction.model_copy(update={"attributes": [], "hash_key": None})
    resource = _lists("resource", statements.resource(redaction))
    log = _lists("log", statements.log(redaction, limits))
    return {"clean": {"enrich": _ENRICH, **resource, **log, "logs": inputs("send_to_loki")}}


def _logs(args: "AlloyArgs", logs: LogsSettings) -> Instances:
    return send_to_loki(
        logs,
        queue_bytes(args.settings, args.load),
        retry_minutes=args.settings.retry_minutes,
    )


def send_to_loki(
    logs: LogsSettings,
    queue_bytes: int,
    *,
    waits: bool = False,
    retry_minutes: int = OTLP_RETRY_MINUTES,
) -> Instances:
    """Return the module that sends log records to Loki, and the one that signs in there."""
    [(writer, (url, its))] = logs.writers.items()
    sender: dict[str, Value] = {
        "endpoint": url,
        "queue_bytes": queue_bytes,
        **({"waits": True} if waits else {}),
        "retry": f"{retry_minutes}m",
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
    """Return the text of a module's file, with the blocks that follow from the settings."""
    text = declared(module, args.metrics, args.logs)
    if module == "ingress" and args.settings.ingress:
        return ingress.declared(text, args.settings.ingress)
    return text


def declared(module: str, metrics: MetricsSettings | None, logs: LogsSettings | None) -> str:
    """Return the text of a module's file, with the blocks that depend on how to sign in.

    The file has these blocks for a backend without sign-in. An argument can't leave a block out.
    """
    text = (MODULES / f"{module}.alloy").read_text()
    if module == "remote_write" and metrics:
        endpoints: list[Body] = [
            credentials.remote_write(name, url, its) for name, (url, its) in metrics.writers.items()
        ]
        endpoints[0] = {**endpoints[0], "url": Expression("argument.url.value")}
        if metrics.sign_in is not Auth.NONE:
            # The comment in front says that there is no authentication.
            text = text.partition("\n")[2]
        return replaced(text, "endpoint", endpoints)
    if module == "send_to_loki" and logs:
        [(name, (_, its))] = logs.writers.items()
        client: Body = {
            "endpoint": Expression("argument.endpoint.value"),
            "auth": Expression("argument.auth.value"),
            **({"headers": credentials.headers(its)} if its.tenant else {}),
            **({"tls": {"ca_file": credentials.ca_file(name)}} if its.ca else {}),
        }
        return replaced(text, "client", [client])
    return text


def _outputs(args: "AlloyArgs", module: str) -> dict[str, Value]:
    """Return the next module as the output of every signal that has a backend."""
    signals = ["traces", *(["logs"] if args.logs else []), *(["metrics"] if args.metrics else [])]
    return {signal: inputs(module) for signal in signals}
