"""Arguments and strings that the tests of the gateway start from."""

from typing import Any

from components.alloy.component import AlloyArgs
from components.alloy.sampling.settings import SamplingSettings
from components.alloy.settings import (
    AlloySettings,
    GatewaySettings,
    IngressAuth,
    IngressSettings,
    QueuePlace,
)
from components.backends.settings import (
    Auth,
    LogsSettings,
    MetricsSettings,
    RemoteWriteSettings,
    Sigv4Settings,
)
from components.core.helm import ALLOY
from components.core.settings import ServiceMonitorSettings
from components.tenancy.settings import TenancySettings
from tests.backends.sign_ins import SIGN_INS

#: Two tenants by namespace, one of them for the rest.
TENANCY = TenancySettings.model_validate(
    {
        "mode": "byNamespace",
        "tenants": [{"name": "pay", "namespaces": ["payments", "ledger"]}, {"name": "shared"}],
        "default": "shared",
    }
)
METRICS = MetricsSettings(url="http://mimir:80", remote_write_url="http://mimir:80/api/v1/push")
LOGS = LogsSettings(url="http://loki:80", otlp_url="http://loki:80/otlp")
AWS = {
    "auth": Auth.SIGV4,
    "sigv4": Sigv4Settings(region="eu-west-1", role_arn="arn:aws:iam::444455556666:role/writer"),
}

#: Settings that use every kind of statement, with what tries to leave its string.
CLEANED = AlloySettings.model_validate(
    {
        "redaction": {
            "rules": {"cardNumbers": True},
            "attributes": [{"name": "user.email", "action": "hash"}, {"name": "customer.*"}],
            "patterns": [{"name": "own", "pattern": r"""EMP-\d{6}["'`]|{{x}}"""}],
            "kept": ["page.token", "b.*"],
            "allowed": ["url.*", "user.email"],
            "hashKey": {"secret": "redaction"},
        },
        "drop": [
            {"service": 'a") or true or ("*'},
            {"namespace": "sandbox"},
            {"service": "cart", "route": "/internal/*`{{"},
            {"spanName": "poll\\ *"},
        ],
        "routes": {"templates": ["/shops/{shop}/cart", "/{tenant}/x"]},
        "limits": {"valueBytes": 1024, "attributes": 128},
    }
)

#: Strings that try to leave the string that they are put into: Alloy's, OTTL's, Helm's, YAML's.
HOSTILE = [
    '"',
    "\\",
    '\\"',
    '") or true or ("',
    '"] or true or "a" == ["',
    "`",
    '", "',
    '" "',
    " ",
    "{{ fail .Values }}",
    "{{{{",
    "{",
    "}",
    "%q%s%d%%",
    "a\nb",
    "\r\n\t\x00\x07\x7f\x85",
    "\u2028\u2029\ufeff",
    "ünïcödé 日本語",
    "😀",
    "// not a comment",
    "/* */",
    '"}',
    "</script>&amp;",
    "${HOME} $HOME $$",
]


def arguments(**changed: Any) -> AlloyArgs:
    """Return the arguments of a small gateway that takes spans only."""
    plain: dict[str, Any] = {
        "settings": AlloySettings(),
        "namespace": "tracing",
        "chart": ALLOY,
        "atomic": True,
        "image_registry": None,
        "environment": "dev",
        "cluster_name": "dev-1",
        "tempo_endpoint": "tempo.tracing.svc.cluster.local:4317",
        "balance": False,
        "tenant": None,
        "stack_namespaces": ["tracing", "tracing-beyla"],
        "metrics": None,
        "logs": None,
        "credentials_secret": None,
        "service_monitor": ServiceMonitorSettings(),
    }
    return AlloyArgs(**{**plain, **changed})


def sampled(**sampling: Any) -> AlloySettings:
    """Return settings of Alloy with sampling."""
    return AlloySettings(sampling=SamplingSettings.model_validate(sampling))


def variants() -> dict[str, AlloyArgs]:
    """Return arguments that together use every module and every branch."""
    signed_metrics = METRICS.model_copy(update={"username": "writer"})
    signed_logs = LOGS.model_copy(update={"username": "writer"})
    return {
        "traces": arguments(),
        "nothing-dropped": arguments(
            settings=AlloySettings(ignored_paths=[]), stack_namespaces=[], balance=True, tenant="t"
        ),
        "sampling": arguments(settings=sampled(mode="on"), metrics=METRICS),
        "sampling in part": arguments(settings=sampled(mode="on", headPercent=12.5)),
        "rehearsal": arguments(settings=sampled(mode="rehearse"), metrics=METRICS),
        "logs": arguments(logs=LOGS),
        "metrics": arguments(metrics=METRICS),
        "all-signed": arguments(
            balance=True,
            tenant="team-a",
            metrics=signed_metrics,
            logs=signed_logs,
            credentials_secret="credentials",
        ),
        **{
            f"sign-in, {name}": arguments(
                metrics=MetricsSettings.model_validate(
                    METRICS.model_dump(exclude_unset=True) | keys
                ),
                logs=LogsSettings.model_validate(LOGS.model_dump(exclude_unset=True) | keys),
                credentials_secret="credentials",
            )
            for name, keys in SIGN_INS.items()
        },
        **{
            f"ingress, {auth}": arguments(
                settings=AlloySettings(
                    ingress=IngressSettings(auth=auth, secret="senders", tls_secret="otlp-tls")
                ),
                logs=LOGS,
            )
            for auth in IngressAuth
        },
        "tenants": arguments(tenancy=TENANCY),
        "queues on a volume": arguments(
            settings=AlloySettings(queue=QueuePlace.VOLUME, queue_fsync=False), logs=LOGS
        ),
        "ingress, gateway": arguments(
            settings=AlloySettings(
                ingress=IngressSettings(
                    auth=IngressAuth.BEARER,
                    secret="senders",
                    gateway=GatewaySettings(name="public", namespace="gateways", http_host="a.b"),
                )
            )
        ),
        "signed for AWS": arguments(
            metrics=METRICS.model_copy(
                update={**AWS, "remote_writes": [RemoteWriteSettings(url="http://thanos/push")]}
            ),
            logs=LOGS.model_copy(update=AWS),
        ),
        "cleaned": arguments(metrics=METRICS, logs=LOGS, settings=CLEANED),
        "span logs": arguments(logs=LOGS, settings=AlloySettings(span_logs=True)),
        "uncleaned": arguments(
            metrics=METRICS,
            logs=LOGS,
            settings=AlloySettings.model_validate(
                {"redaction": {"enabled": False}, "routes": {"ids": False}}
            ),
        ),
        "hostile": arguments(
            settings=AlloySettings().model_copy(update={"ignored_paths": HOSTILE}),
            cluster_name="".join(HOSTILE),
            environment="".join(HOSTILE),
            tenant="a{{b",
            stack_namespaces=HOSTILE,
            trusted_namespaces=HOSTILE,
        ),
    }
