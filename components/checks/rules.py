"""Rules that hold between settings: which values contradict or need each other.

Types in the settings check each value by itself.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, cast

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from ..alerting.slo.rules import RESERVED_LABELS, expression
from ..alerting.slo.settings import PLACEHOLDER, RatioSettings
from ..alloy import own_modules
from ..alloy import sizes as alloy_sizes
from ..alloy.pod_logs import sizes as pod_logs_sizes
from ..alloy.sampling import sizes as sampler_sizes
from ..beyla import sizes as beyla_sizes
from ..beyla.config import NEVER_INSTRUMENTED, SYSTEM_NAMESPACES
from ..canary import sizes as canary_sizes
from ..core.helm import TEMPO_DISTRIBUTED
from ..core.problem import Problem, SettingsError, problem
from ..core.regions import S3Endpoint, dns_suffix, partition, s3_endpoints
from ..core.registry import SYSTEMS, pinned_charts
from ..core.settings import NamespaceKey, PodSettings, Size
from ..core.tier import PRODUCTION_NAMES, Tier
from ..core.versions import TEMPO_VERSIONS
from ..core.workload import Workload
from ..grafana.links import ALLOY_ALONE, TITLES
from ..grafana.settings import GrafanaDelivery
from ..identity.settings import IdentityMode
from ..otel_operator import sizes as operator_sizes
from ..settings import TracingSettings
from ..storage.settings import Encryption
from ..telemetry.metrics import APDEX_SATISFIED, APDEX_TOLERATING, latency_bound
from ..tempo import sizes as tempo_sizes
from ..tempo.config import LISTED_MINUTES
from ..tempo.settings import Histograms, TempoMode, TempoSettings
from ..tempo.system import workloads as tempo_workloads
from .backends import credentials, sign_in
from .clean import clean, logs_to_backend
from .ingress import ingress
from .sampling import sampling
from .survival import survival
from .tenancy import tenancy

#: What a rule finds: the key of a setting and what is wrong with its value, or a whole problem
#: where the value is that of a size preset, or belongs to no setting.
Found = Iterator[Problem | tuple[str, str]]


def problems(settings: TracingSettings, *, stack_file: bool = True) -> Iterator[Problem]:
    """Yield every problem between settings that are valid by themselves."""
    for rule in (*_RULES, _access) if stack_file else _RULES:
        for found in rule(settings):
            if isinstance(found, Problem):
                yield found
                continue
            key, message = found
            value, _ = _value(settings, key)
            yield (
                Problem(key=key, message=message) if value is None else problem(key, value, message)
            )


def check(
    settings: TracingSettings,
    source: str,
    passwords: Mapping[str, object],
    alloy_modules: Mapping[str, str],
) -> None:
    """Refuse settings of a component that contradict each other.

    Args:
        settings: settings that are valid by themselves.
        source: name of the component, for the message.
        passwords: as in `SECRETS`.
        alloy_modules: content of the files in `alloy.modules`, by their paths.

    Raises:
        SettingsError: with every problem.
    """
    found = [
        *problems(settings, stack_file=False),
        *credentials(settings, passwords, stack_file=False),
        *own_modules.problems(settings.alloy.modules, alloy_modules),
    ]
    if found:
        raise SettingsError(source, found)


def _value(settings: TracingSettings, key: str) -> tuple[Any, bool]:
    """Return the value of a setting, and whether the stack file sets it."""
    value, is_set = cast(Any, settings), True
    for part in re.findall(r"\w+", key):
        if part.isdigit():
            value = value[int(part)]
        else:
            fields = cast(BaseModel, value).__class__.model_fields
            name = next(name for name, field in fields.items() if field.alias == part)
            value, is_set = getattr(value, name), name in value.model_fields_set
    return value, is_set


def _written(settings: TracingSettings, *keys: str) -> str:
    """Return the first of some keys that the stack file sets, or the last key.

    A contradiction is reported for a value that the author wrote, not for a default.
    """
    return next((key for key in keys if _value(settings, key)[1]), keys[-1])


def _environment(settings: TracingSettings) -> Found:
    env = settings.environment
    if env.name in PRODUCTION_NAMES and env.tier is not Tier.PRODUCTION:
        yield (
            "environment.tier",
            f'must be production in an environment named "{env.name}": remove this key, or choose '
            "another environment.name",
        )


def _access(settings: TracingSettings) -> Found:
    its = settings.cluster
    if not its.kube_context and not its.stack_reference:
        yield (
            "cluster.kubeContext",
            "is missing: set it to a context of your kubeconfig, or set "
            "cluster.stackReference to the stack that owns the cluster, for example "
            "organization/platform/prod",
        )
    if its.kube_context and its.stack_reference:
        yield "cluster.stackReference", "contradicts cluster.kubeContext: remove one of the two"


def _issuer(settings: TracingSettings) -> Found:
    its = settings.cluster
    issuer = its.oidc_issuer or ""
    eks = "https://oidc.eks."
    own = f"{eks}{its.region}.{dns_suffix(its.region)}/"
    if issuer.startswith(eks) and not issuer.startswith(own):
        yield "cluster.oidcIssuer", f"must begin with {own}, because cluster.region is {its.region}"


def _identity(settings: TracingSettings) -> Found:
    its, endpoint = settings.identity, settings.storage.endpoint
    if its.mode is IdentityMode.IRSA and not settings.cluster.oidc_issuer:
        yield "identity.mode", "needs the URL of the cluster's OIDC issuer: set cluster.oidcIssuer"
    if its.role_arn and its.role_name:
        yield (
            "identity.roleName",
            "has no effect, because identity.roleArn is an existing role: remove one of the two",
        )
    if its.role_arn and its.permissions_boundary_arn:
        yield (
            "identity.permissionsBoundaryArn",
            "has no effect, because the existing role in identity.roleArn is not changed: remove "
            "this key",
        )
    if its.mode is IdentityMode.NONE:
        if not endpoint:
            yield (
                "identity.mode",
                "is only for an S3 emulator: set storage.endpoint, or use podIdentity or irsa",
            )
        for key, value in (("roleArn", its.role_arn), ("roleName", its.role_name)):
            if value:
                yield f"identity.{key}", "has no effect with identity.mode: none: remove this key"
    elif endpoint:
        yield (
            "storage.endpoint",
            "is for an S3 emulator, which has no IAM roles: set identity.mode: none",
        )
    for key, name, made, example in (
        ("roleName", settings.role_name, its.makes_role, "tempo"),
        ("alloyRoleName", settings.alloy_role_name, settings.alloy_makes_role, "alloy"),
    ):
        if made and len(name) > 64:
            yield (
                f"identity.{key}",
                f"is not set, and its default {name} exceeds the 64 characters that IAM "
                f"allows: set a shorter name, for example tracing-prod-{example}",
            )
    for key in ("alloyRoleName", "alloyRoleArn"):
        if _value(settings, f"identity.{key}")[0] and not settings.alloy_has_role:
            yield (
                f"identity.{key}",
                "has no effect, because Alloy has an AWS identity only to sign requests: set "
                "backends.metrics.auth: sigv4, or remove this key",
            )
    if its.alloy_role_arn and its.alloy_role_name:
        yield (
            "identity.alloyRoleName",
            "has no effect, because identity.alloyRoleArn is an existing role: remove one of the "
            "two",
        )


def _arns(settings: TracingSettings) -> Found:
    # A KMS key and, with IRSA, a role may belong to another account.
    cluster, identity = settings.cluster, settings.identity
    iam = f"arn:{partition(cluster.region)}:iam::"
    own = f"{iam}{cluster.account_id}:"
    kms = [f"arn:{partition(cluster.region)}:kms:{cluster.region}:"]
    in_region = "S3 uses a key of the bucket's region, which is cluster.region"
    pod_identity = identity.mode is IdentityMode.POD_IDENTITY
    for key, arn, starts, why in (
        ("storage.kmsKeyArn", settings.storage.kms_key_arn, kms, in_region),
        *(
            (f"storage.previousKmsKeyArns[{place}]", arn, kms, in_region)
            for place, arn in enumerate(settings.storage.previous_kms_key_arns)
        ),
        *(
            (
                key,
                arn,
                [own] if pod_identity else [iam],
                "Pod Identity uses a role of cluster.accountId"
                if pod_identity
                else f"the partition of cluster.region {cluster.region}",
            )
            for key, arn in (
                ("identity.roleArn", identity.role_arn),
                ("identity.alloyRoleArn", identity.alloy_role_arn),
            )
        ),
        (
            "identity.permissionsBoundaryArn",
            identity.permissions_boundary_arn,
            [own, f"{iam}aws:"],
            "IAM accepts a policy of the role's account, which is cluster.accountId, or of AWS",
        ),
    ):
        if arn and not arn.startswith(tuple(starts)):
            yield key, f"must begin with {' or '.join(starts)} ({why})"


def _namespaces(settings: TracingSettings) -> Found:
    its = settings.namespaces
    operator = ["namespaces.operator"] if settings.operator.enabled else []
    deleted = (
        "the stack would create it, and delete it with Grafana. If it exists before the stack, set "
        "namespaces.existing: [tracing]"
    )
    in_cluster = settings.grafana.delivery is not GrafanaDelivery.FILES
    created = ["namespaces.tracing"] if in_cluster and "tracing" not in its.existing else []
    apart = [
        ("namespaces.beyla", "namespaces.tracing", "Beyla is privileged"),
        ("namespaces.beyla", "grafana.namespace", "Beyla is privileged"),
        *((key, "namespaces.tracing", "the operator owns its namespace") for key in operator),
        *((key, "namespaces.beyla", "Beyla is privileged") for key in operator),
        *((key, "grafana.namespace", "the operator owns its namespace") for key in operator),
        *((key, "grafana.namespace", deleted) for key in created),
    ]
    for one, other, why in apart:
        if _value(settings, one)[0] == _value(settings, other)[0]:
            key = _written(settings, one, other)
            yield key, f"must differ from {other if key == one else one}, because {why}"
    if its.scrapers and not its.network_policies:
        yield (
            "namespaces.scrapers",
            "has no effect with namespaces.networkPolicies: false: remove one of the two",
        )


def _overlaps(settings: TracingSettings) -> Found:
    """Refuse a namespace that is the stack's and the applications'."""
    for own in NamespaceKey:
        name: str = getattr(settings.namespaces, own)
        if name in settings.own_namespaces and name in settings.beyla.selected_namespaces:
            selected = "beyla.namespaces" if name in settings.beyla.namespaces else "beyla.services"
            yield (
                _written(settings, f"namespaces.{own}", selected),
                f"is the stack's own namespace in namespaces.{own} and one of applications in "
                f"{selected}, both {name}: Beyla doesn't instrument the stack's namespaces, "
                "and the stack deletes those that it creates. Choose another namespace for the "
                f"stack, for example {type(settings.namespaces).model_fields[own].default}",
            )


def _charts(settings: TracingSettings) -> Found:
    for chart in pinned_charts(settings):
        own, major = chart.own_settings(settings.charts), chart.version.split(".")[0]
        if own.version and own.version.split(".")[0] != major:
            yield (
                f"charts.{to_camel(chart.key)}.version",
                f"must be {major}.x, for example {chart.version}: the values of another major "
                "version differ"
                + (
                    ". For version 3, set tempo.version: 3 and tempo.kafka"
                    if chart == TEMPO_DISTRIBUTED
                    else ""
                ),
            )


def _tags(settings: TracingSettings) -> Found:
    seen: dict[str, str] = {}
    for key, value in settings.tags.items():
        # IAM ignores case in the keys of tags (IAM User Guide, "Tags for IAM resources").
        twin = seen.setdefault(key.lower(), key)
        if twin != key:
            yield problem(
                f"tags.{key}",
                value,
                f"has the same key as {twin} for IAM, which ignores case: remove one of the two",
            )


def _beyla(settings: TracingSettings) -> Found:
    its = settings.beyla
    for index, pattern in enumerate(its.excluded_namespaces):
        if named := [name for name in its.selected_namespaces if fnmatchcase(name, pattern)]:
            yield (
                f"beyla.excludedNamespaces[{index}]",
                f"excludes all of {', '.join(named)}, which beyla.namespaces or beyla.services "
                "selects: remove one of the two",
            )
    for index, service in enumerate(its.services):
        name = service.namespace or "*"
        if covered := [pattern for pattern in its.namespaces if fnmatchcase(name, pattern)]:
            yield problem(
                f"beyla.services[{index}]",
                name,
                f"has no effect, because beyla.namespaces selects all services of {covered[0]}: "
                "remove one of the two",
            )
    never = never_instrumented(settings)
    overlaps = not {*settings.own_namespaces}.isdisjoint(its.selected_namespaces)
    if settings.beyla_runs and len(never) == len(its.selected_namespaces) and not overlaps:
        yield problem(
            "beyla.namespaces" if its.namespaces else "beyla.services",
            its.selected_namespaces,
            f"selects only namespaces that Beyla never instruments ({SYSTEM_NAMESPACES}, "
            f"{', '.join(sorted(NEVER_INSTRUMENTED))} and the stack's own): add the namespace of "
            "an application, for example shop, or set beyla.enabled: false",
        )
    filtered = settings.beyla_in_host_network and settings.namespaces.network_policies
    if filtered and not settings.cluster.node_cidrs:
        yield (
            "beyla.contextPropagation",
            "puts Beyla into the host network: set cluster.nodeCidrs to the address ranges of the "
            "nodes, for example [10.0.0.0/16], or set namespaces.networkPolicies: false",
        )
    if settings.beyla_in_host_network and settings.alloy.trust_unidentified is False:
        yield (
            "alloy.trustUnidentified",
            "drops the namespace and pod of all spans of Beyla, which sends from the host network "
            f"with beyla.contextPropagation: {its.context_propagation}: remove this key or disable "
            "context propagation",
        )


def never_instrumented(settings: TracingSettings) -> list[str]:
    """Return the selected namespaces that contain only what Beyla never instruments."""
    never = [SYSTEM_NAMESPACES, *NEVER_INSTRUMENTED, *settings.own_namespaces]
    return [
        name
        for name in settings.beyla.selected_namespaces
        if any(fnmatchcase(name, pattern) for pattern in never)
    ]


def _operator(settings: TracingSettings) -> Found:
    for key in ("metrics", "logs"):
        if getattr(settings.operator, key) and getattr(settings.backends, key) is None:
            yield f"operator.{key}", f"needs backends.{key}: without it, Alloy accepts no {key}"


def _bucket(settings: TracingSettings) -> Found:
    its, tier = settings.storage, settings.environment.tier
    if its.existing and not its.bucket:
        yield "storage.existing", "needs the name of the existing bucket: set storage.bucket"
    if its.kms_key_arn and its.encryption is not Encryption.SSE_KMS:
        yield (
            "storage.kmsKeyArn",
            "has no effect without storage.encryption: sse-kms: set that too, or remove this key",
        )
    if its.existing and its.encryption is Encryption.SSE_KMS and not its.kms_key_arn:
        yield (
            "storage.encryption",
            "needs the ARN of the existing bucket's key, which Tempo's role must be allowed to "
            "use: set storage.kmsKeyArn",
        )
    there = s3_endpoints(settings.cluster.region)
    if its.s3_endpoint not in there:
        yield (
            "storage.s3Endpoint",
            f"is not known to exist in {settings.cluster.region}: use {' or '.join(there)}",
        )
    if its.endpoint and its.s3_endpoint is not S3Endpoint.STANDARD:
        yield (
            "storage.s3Endpoint",
            "has no effect, because storage.endpoint is an emulator: remove one of the two",
        )
    if its.endpoint and tier is not Tier.EPHEMERAL:
        yield (
            "storage.endpoint",
            f"is only for environment.tier: ephemeral, and this environment is {tier}: remove this "
            "key",
        )


def _deletion(settings: TracingSettings) -> Found:
    its, tier = settings.storage, settings.environment.tier
    if tier is Tier.PRODUCTION and not its.protect and not its.acknowledge_data_loss:
        yield (
            "storage.protect",
            "lets the bucket and its traces be deleted, in production: remove this key. If you "
            "need it, set storage.acknowledgeDataLoss: true, and change the level of the policy "
            "bucket-unprotected, which refuses it too (docs/policies.md)",
        )
    if not its.force_destroy:
        return
    for wrong, message in (
        (
            tier is not Tier.EPHEMERAL,
            f"deletes all traces with the stack, and is only for environment.tier: ephemeral; this "
            f"environment is {tier}: remove this key",
        ),
        (its.protect, "contradicts storage.protect: true: remove one of the two"),
        (its.existing, "has no effect on an existing bucket, which is never deleted: remove it"),
    ):
        if wrong:
            yield "storage.forceDestroy", message


def _tempo(settings: TracingSettings) -> Found:
    its = settings.tempo
    if _has_no_preset(its):
        key = _written(settings, "tempo.size", "tempo.mode")
        yield key, "mode distributed needs size s, m or l: set tempo.size: m, or another mode"
        return
    yield from _kafka(settings)
    major = its.image_tag.removeprefix("v").split(".")[0]
    if major != str(its.version):
        yield problem(
            "tempo.imageTag",
            its.image_tag,
            f"is not of the major in tempo.version, {its.version}: set tempo.version: {major}, or "
            f"a tag like {TEMPO_VERSIONS[its.version]}",
        )
    blocks = tempo_sizes.blocks(its)
    if its.version == 3 and blocks.max_minutes > blocks.kept_minutes - 2 * LISTED_MINUTES:
        yield problem(
            _written(settings, "tempo.blocks.maxMinutes", "tempo.blocks.keptMinutes"),
            blocks.max_minutes if its.blocks.max_minutes else blocks.kept_minutes,
            "leaves a gap between recent spans and the bucket in Tempo 3: maxMinutes must be at "
            f"least {2 * LISTED_MINUTES} below keptMinutes, for example maxMinutes: 5 and "
            "keptMinutes: 20",
        )
    for tenant, overrides in its.overrides.items():
        alone = its.tenant is None and not settings.tenancy.enabled
        if alone and tenant not in ("single-tenant", "*"):
            yield problem(
                f"tempo.overrides.{tenant}",
                overrides,
                "has no effect without tempo.tenant or tenancy.mode, which enable multitenancy: "
                "set one of them, or use the key single-tenant",
            )
    limits = tempo_sizes.limits(its)
    if limits.burst_size_mib < limits.rate_limit_mib:
        written = its.limits.burst_size_mib is not None
        key, value, message = (
            ("burstSizeMib", limits.burst_size_mib, "must not be below limits.rateLimitMib")
            if written
            else ("rateLimitMib", limits.rate_limit_mib, "must not be above limits.burstSizeMib")
        )
        other = limits.rate_limit_mib if written else limits.burst_size_mib
        yield problem(f"tempo.limits.{key}", value, f"{message}, {other}")


def _workloads(settings: TracingSettings) -> Found:
    yield from _tempo_workloads(settings)
    for key, override, size in (
        ("alloy", settings.alloy.workload, alloy_sizes.workload(settings.alloy, settings.load)),
        (
            "alloy.sampling",
            settings.alloy.sampling.workload,
            sampler_sizes.workload(
                settings.alloy.sampling, settings.load, settings.alloy.survive_minutes
            ),
        ),
        (
            "beyla",
            settings.beyla.workload,
            beyla_sizes.workloads(settings.beyla, settings.cluster.nodes)["beyla"],
        ),
        (
            "alloy.podLogs",
            settings.alloy.pod_logs.workload,
            pod_logs_sizes.workload(settings.alloy.pod_logs, settings.cluster.nodes),
        ),
        ("operator", settings.operator.workload, operator_sizes.workload(settings.operator)),
        ("canary", settings.canary.workload, canary_sizes.workload(settings.canary)),
    ):
        yield from _fits(f"{key}.workload", override, size)


def _tempo_workloads(settings: TracingSettings) -> Found:
    its = settings.tempo
    if _has_no_preset(its):
        return
    sizes = tempo_workloads(settings)
    for name in type(its.workloads).model_fields:
        override: PodSettings = getattr(its.workloads, name)
        key = f"tempo.workloads.{to_camel(name)}"
        if name in sizes:
            yield from _fits(key, override, sizes[name])
            continue
        for field in sorted(override.model_fields_set):
            if getattr(override, field) is not None:
                yield (
                    f"{key}.{to_camel(field)}",
                    "has no effect, because this workload does not run with these settings: "
                    "remove this key",
                )
    ingesters = sizes["ingester"].replicas if "ingester" in sizes else 0
    if ingesters == 1:
        yield problem(
            "tempo.workloads.ingester.replicas",
            1,
            "must be 3 or more, so that Tempo ingests while one of them restarts, or 2 with "
            "tempo.acceptTwoIngesters: true",
        )
    if ingesters == 2 and not its.accept_two_ingesters:
        yield (
            _written(settings, "tempo.workloads.ingester.replicas", "tempo.size", "tempo.mode"),
            "leads to two ingesters, and each span is written to both: while one of them restarts "
            "or is lost, Tempo ingests nothing, and spans wait in Alloy's queue. Set "
            "tempo.acceptTwoIngesters: true, or tempo.workloads.ingester.replicas: 3",
        )
    if its.accept_two_ingesters and ingesters != 2:
        yield (
            "tempo.acceptTwoIngesters",
            "has no effect, because there are not two ingesters: remove this key",
        )


def _kafka(settings: TracingSettings) -> Found:
    """Yield what is wrong with Kafka, which mode distributed of Tempo 3 needs."""
    its, kafka = settings.tempo, settings.tempo.kafka
    if kafka is None:
        if its.uses_kafka:
            yield (
                _written(settings, "tempo.version", "tempo.mode"),
                "mode distributed of Tempo 3 needs Kafka: set tempo.kafka.address, for example "
                "kafka.kafka.svc:9092, or tempo.mode: monolithic, or tempo.version: 2",
            )
        return
    if not its.uses_kafka:
        yield (
            "tempo.kafka",
            "has no effect, because only mode distributed with tempo.version: 3 uses Kafka: "
            "remove this key, or set both",
        )
        return
    if settings.environment.tier is Tier.PRODUCTION and not kafka.acknowledge_experimental:
        yield (
            _written(settings, "tempo.version", "tempo.kafka.address"),
            "is experimental with Kafka, and refused in production: set tempo.version: 2, or "
            "tempo.kafka.acknowledgeExperimental: true after you have read docs/kafka.md",
        )
    if (kafka.username is None) != (kafka.password_secret is None):
        key, other = ("username", "passwordSecret")
        if kafka.username is None:
            key, other = other, key
        yield f"tempo.kafka.{key}", f"needs tempo.kafka.{other} too: set both, or neither"


def _canary(settings: TracingSettings) -> Found:
    if settings.canary.enabled and settings.alloy.sampling.decides:
        yield (
            "canary.enabled",
            "needs every trace, and alloy.sampling drops some: remove this key, or set "
            "alloy.sampling.mode: rehearse",
        )


def _has_no_preset(tempo: TempoSettings) -> bool:
    """Return whether mode and size do not go together; `_tempo` reports it."""
    return tempo.mode is TempoMode.DISTRIBUTED and tempo.size is Size.XS


def _fits(key: str, override: PodSettings, size: Workload) -> Found:
    """Yield a problem for each minimum or request above its maximum or limit."""
    for low, high in (
        ("replicas", "max_replicas"),
        ("cpu_request_millicores", "cpu_limit_millicores"),
        ("memory_request_mib", "memory_limit_mib"),
    ):
        least, most = getattr(size, low), getattr(size, high)
        # A CPU limit of 0 is none.
        if most and least > most:
            # The key is the one of the two that the stack file sets.
            if getattr(override, high, None) is None:
                message = f"must not be above {to_camel(high)}, {most}"
                yield problem(f"{key}.{to_camel(low)}", least, message)
            else:
                message = f"must not be below {to_camel(low)}, {least}"
                yield problem(f"{key}.{to_camel(high)}", most, message)


def _datasources(settings: TracingSettings) -> Found:
    its = settings.backends
    taken = {settings.grafana.tempo_uid: "grafana.tempoUid"}
    for key, backend, example in (
        ("metrics", its.metrics, ""),
        ("logs", its.logs, "http://loki-gateway.loki.svc:80"),
        ("profiles", its.profiles, "http://pyroscope.pyroscope.svc:4040"),
    ):
        if backend is None:
            continue
        uid = f"backends.{key}.uid"
        if backend.uid in taken:
            written = _written(settings, uid, taken[backend.uid])
            other = taken[backend.uid] if written == uid else uid
            yield written, f"is also the uid in {other}: choose another, for example {key}-2"
        taken.setdefault(backend.uid, uid)
        if backend.create_datasource and backend.url is None:
            yield (
                f"backends.{key}.url",
                f"is missing: backends.{key}.createDatasource needs it, for example {example}",
            )


def _delivery(settings: TracingSettings) -> Found:
    its = settings.grafana
    of_sidecar = ("dashboard_label", "dashboard_label_value", "datasource_label")
    used_with = {
        **dict.fromkeys((*of_sidecar, "datasource_label_value"), GrafanaDelivery.SIDECAR),
        "folder_annotation": GrafanaDelivery.SIDECAR,
        "instance_labels": GrafanaDelivery.OPERATOR,
    }
    for name in sorted(its.model_fields_set & used_with.keys()):
        if its.delivery is not used_with[name]:
            yield (
                f"grafana.{to_camel(name)}",
                f"has no effect with grafana.delivery: {its.delivery}, only with "
                f"{used_with[name]}: remove one of the two",
            )
    if its.delivery is GrafanaDelivery.FILES and its.tempo_url is None:
        yield (
            "grafana.delivery",
            "needs the URL that Grafana outside the cluster queries Tempo by: set "
            "grafana.tempoUrl, for example https://tempo.example.com",
        )


def _folder(settings: TracingSettings) -> Found:
    """Refuse a folder with the title of a dashboard in it, as Grafana before 11.3 does."""
    titles = {_slug(title) for title in (*TITLES.values(), ALLOY_ALONE)}
    if _slug(settings.grafana.folder) in titles:
        yield (
            "grafana.folder",
            "is the title of a dashboard, which Grafana before 11.3 refuses in a folder of that "
            "name: choose another, for example Tracing",
        )


def _slug(title: str) -> str:
    """Return the form in which Grafana compares titles."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _slos(settings: TracingSettings) -> Found:
    taken = Counter(slo.name for slo in settings.slos)
    kinds = "availability, latency, ratio"
    # Native histograms have a bucket for every threshold.
    native = settings.tempo.span_metrics.histograms is Histograms.NATIVE
    buckets = settings.tempo.span_metrics.buckets
    for index, slo in enumerate(settings.slos):
        key = f"slos[{index}]"
        if taken[slo.name] > 1:
            yield f"{key}.name", "is the name of another SLO: choose another"
        given = [k for k in ("availability", "latency", "ratio") if getattr(slo, k) is not None]
        if not given:
            yield problem(key, slo.name, f"needs one of {kinds}")
        elif len(given) > 1:
            yield problem(
                key, slo.name, f"has {' and '.join(given)}: keep one, and move others to other SLOs"
            )
        if slo.latency and not native:
            yield from _threshold(
                f"{key}.latency.thresholdSeconds", slo.latency.threshold_seconds, buckets
            )
        if (slo.latency or slo.availability) and not settings.backends.metrics:
            yield problem(key, slo.name, "needs span metrics: set backends.metrics")
        if slo.ratio:
            yield from _ratio(f"{key}.ratio", slo.ratio)
        for name, value in slo.labels.items():
            if name in RESERVED_LABELS:
                yield problem(
                    f"{key}.labels.{name}", value, "is set by the rules themselves: remove it"
                )
    its = settings.slo_defaults
    if its.enabled and not settings.backends.metrics:
        yield "sloDefaults.enabled", "needs span metrics: set backends.metrics"
    # A default that is not in use needs no bucket.
    if not native and (its.enabled or "latency_threshold_seconds" in its.model_fields_set):
        yield from _threshold(
            "sloDefaults.latencyThresholdSeconds", its.latency_threshold_seconds, buckets
        )


def _threshold(key: str, seconds: float, buckets: Sequence[float]) -> Found:
    # A histogram counts the observations below each bucket's bound only.
    if seconds in buckets:
        return
    below = [bound for bound in buckets if bound < seconds][-1:]
    above = [bound for bound in buckets if bound > seconds][:1]
    nearest = " or ".join(latency_bound(bound) for bound in [*below, *above])
    known = ", ".join(latency_bound(bound) for bound in buckets)
    yield (
        key,
        f"must be a bucket of the latency histogram: take {nearest} (all buckets: {known}), or "
        f"add {latency_bound(seconds)} to tempo.spanMetrics.buckets",
    )


def _buckets(settings: TracingSettings) -> Found:
    """Refuse buckets without the two that Apdex reads, and those that have no effect."""
    its = settings.tempo.span_metrics
    if its.histograms is Histograms.NATIVE:
        if "buckets" in its.model_fields_set:
            yield (
                "tempo.spanMetrics.buckets",
                "has no effect with tempo.spanMetrics.histograms: native: remove one of the two",
            )
        return
    if not settings.grafana.dashboards or settings.backends.metrics is None:
        return
    buckets = its.buckets
    missing = [b for b in (APDEX_SATISFIED, APDEX_TOLERATING) if b not in buckets]
    if missing:
        yield (
            "tempo.spanMetrics.buckets",
            f"must contain {APDEX_SATISFIED} and {APDEX_TOLERATING}, which the dashboards read for "
            f"Apdex: add {' and '.join(map(str, missing))}, or set grafana.dashboards: false",
        )


def _ratio(key: str, ratio: RatioSettings) -> Found:
    if (ratio.good is None) == (ratio.bad is None):
        yield problem(key, ratio.total, "needs either good or bad, in addition to total")
    for name in ("total", "good", "bad"):
        text: str | None = getattr(ratio, name)
        if text is None:
            continue
        if PLACEHOLDER not in text:
            yield (
                f"{key}.{name}",
                f"must contain {PLACEHOLDER} as its range, for example "
                f"rate(jobs_total{PLACEHOLDER})",
            )
        elif why := _syntax_error(expression(text)):
            yield f"{key}.{name}", f"is not valid PromQL: {why}"


def _syntax_error(expr: str) -> str | None:
    """Return why an expression is not valid; Prometheus would refuse the whole file of rules."""
    # Imported here because most stacks have no such expressions.
    import promql_parser

    try:
        promql_parser.parse(expr)
    except ValueError as error:
        return str(error)
    return None


def _load(settings: TracingSettings) -> Found:
    its = settings.load
    if its.spans_per_second is None:
        for name in sorted(its.model_fields_set - {"spans_per_second"}):
            if getattr(its, name) is not None:
                yield (
                    f"load.{to_camel(name)}",
                    "has no effect without load.spansPerSecond: set that too, or remove this key",
                )
    if its.stored_bytes_per_span and its.stored_bytes_per_span > its.bytes_per_span:
        yield (
            "load.storedBytesPerSpan",
            f"must not be above load.bytesPerSpan, {its.bytes_per_span}, because blocks in S3 are "
            "compressed",
        )
    if its.edges is not None and its.operations is None and its.spans_per_second is not None:
        yield (
            "load.edges",
            "has no effect without load.operations: set that too, or remove this key",
        )


def _overrides(settings: TracingSettings) -> Found:
    # The builders need a size that exists.
    if not _has_no_preset(settings.tempo):
        for system in SYSTEMS:
            for check in system.checks(settings):
                yield from check.problems()


_RULES = (
    _environment,
    _issuer,
    _identity,
    _arns,
    _namespaces,
    _overlaps,
    _charts,
    _tags,
    _beyla,
    _operator,
    _canary,
    _bucket,
    _deletion,
    _tempo,
    _workloads,
    _datasources,
    _delivery,
    sign_in,
    ingress,
    tenancy,
    sampling,
    survival,
    _folder,
    _buckets,
    _slos,
    _load,
    clean,
    logs_to_backend,
    _overrides,
)
