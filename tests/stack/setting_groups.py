"""The groups of a valid stack file for hypothesis, each with what it needs in other groups.

What rules tie together is drawn together: a way to credentials with its issuer, a mode with its
sizes, requests with limits.
"""

from typing import Any

from hypothesis import strategies as st

from components.core.regions import dns_suffix, partition
from components.core.tier import Tier
from components.tempo.settings import TempoMode, TempoWorkloadSettings
from tests.stack.any_settings import Tree


def sizes(
    *, replicas: int = 1, scales: bool = False, volume: bool = False, memory: int = 16
) -> Any:
    """Draw a workload whose values fit together; 0 replicas for one whose number is fixed."""

    @st.composite
    def draw_one(draw: st.DrawFn) -> Tree:
        def pair(low: str, high: str, least: int) -> Tree:
            values = draw(st.tuples(*[st.integers(least, 8_000)] * 2).map(sorted))
            return {low: values[0], high: values[1]}

        result: Tree = {}
        if draw(st.booleans()):
            result |= pair("cpuRequestMillicores", "cpuLimitMillicores", 1)
        if draw(st.booleans()):
            result |= pair("memoryRequestMib", "memoryLimitMib", memory)
        if replicas and draw(st.booleans()):
            result["replicas"] = draw(st.integers(replicas, 20))
            if scales:
                result["maxReplicas"] = draw(st.integers(20, 500))
        if volume and draw(st.booleans()):
            result["volumeGib"] = draw(st.integers(1, 16_384))
        return result

    return draw_one()


def placement() -> st.SearchStrategy[Tree]:
    """Draw a placement."""
    labels = st.dictionaries(st.sampled_from(["team", "example.com/a"]), st.sampled_from(["", "b"]))
    toleration = st.sampled_from([{"operator": "Exists"}, {"key": "dedicated", "value": "1e3"}])
    term = {"topologyKey": "rack", "labelSelector": {"matchLabels": {"noisy": "yes"}}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return st.fixed_dictionaries(
        {},
        optional={
            "nodeSelector": labels,
            "tolerations": st.lists(toleration, max_size=2),
            "affinity": st.just(affinity),
            "topologySpread": st.sampled_from(["zone", "host", "both", "none"]),
            "priorityClass": st.just("high"),
            "imagePullSecrets": st.lists(st.just("registry"), max_size=1),
            "podLabels": labels,
            "podAnnotations": labels,
        },
    )


@st.composite
def tempo(draw: st.DrawFn) -> Tree:
    mode = draw(st.sampled_from(TempoMode))
    distributed = mode is TempoMode.DISTRIBUTED
    trace, burst = draw(st.tuples(st.integers(1, 1_000), st.integers(1, 10_000)).map(sorted))
    limits = {
        "maxTraceMib": trace,
        "burstSizeMib": burst,
        "rateLimitMib": draw(st.integers(1, burst)),
    }
    with_kafka = {"live_store", "block_builder", "backend_scheduler", "backend_worker"}
    names = [
        name
        for name in TempoWorkloadSettings.model_fields
        if (name != "monolithic") is distributed and name not in with_kafka
    ]
    # Off, it may leave the metrics-generator with nothing to do.
    traceql_metrics = draw(st.booleans())
    if not traceql_metrics and distributed:
        names.remove("metrics_generator")
    settable = TempoWorkloadSettings()
    workloads = {
        name: draw(
            sizes(
                replicas={"monolithic": 0, "ingester": 3}.get(name, 1),
                scales=hasattr(getattr(settable, name), "max_replicas"),
                volume=hasattr(getattr(settable, name), "volume_gib"),
            )
        )
        for name in draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
    }
    some = {
        "limits": st.just(limits),
        "tenant": st.sampled_from(["team-a", "o'(*)!"]),
        "imageTag": st.sampled_from(["2.10.8", "v2.11.0-rc.1"]),
        "storageClass": st.just("gp3"),
        "placement": placement(),
        "retentionHours": st.integers(2, 87_600),
    }
    return {
        "tempo": {
            "mode": mode.value,
            "size": draw(st.sampled_from(["m", "l"] if distributed else ["xs", "s", "m", "l"])),
            "traceqlMetrics": traceql_metrics,
            "workloads": {_camel(name): size for name, size in workloads.items()},
            **draw(st.fixed_dictionaries({}, optional=some)),
        }
    }


def _camel(name: str) -> str:
    return TempoWorkloadSettings.model_fields[name].alias or name


def _backends(create: st.SearchStrategy[bool]) -> Tree:
    """Return strategies for the three backends: in the cluster, outside, with and without login."""
    users = [{"username": user} for user in ("writer", 'a{{b}}$c "d"', "日本")]
    sign_ins = st.sampled_from([{}, {"auth": "bearer"}, {"tenant": "a!('b')"}, *users])

    def backend(uid: str, **urls: Any) -> st.SearchStrategy[Tree]:
        some = {"createDatasource": create, "uid": st.just(f"duplo-{uid}")}
        plain = st.fixed_dictionaries(urls, optional=some)
        return st.tuples(plain, sign_ins).map(lambda both: both[0] | both[1])

    def url(path: str) -> st.SearchStrategy[str]:
        hosts = ["mimir.mimir.svc:80", "b.example.com:8443", "10.0.0.9", "backend", "[fd00::1]:9"]
        return st.sampled_from([f"{s}://{h}{path}" for h in hosts for s in ("http", "https")])

    kind = st.sampled_from(["mimir", "prometheus"])
    return {
        "metrics": backend("metrics", url=url(""), remoteWriteUrl=url("/push"), type=kind),
        "logs": backend("loki", url=url(""), otlpUrl=url("/otlp")),
        "profiles": backend("pyroscope", url=url("")),
    }


BACKENDS: st.SearchStrategy[Tree] = st.fixed_dictionaries({}, optional=_backends(st.booleans()))
_LABELS: st.SearchStrategy[Tree] = st.sampled_from(
    [{}, {"release": "prometheus", "example.com/x": "y"}]
)
GRAFANA: st.SearchStrategy[Tree] = st.fixed_dictionaries(
    {},
    optional={
        "url": st.sampled_from(["https://grafana.example.com", "http://localhost:3000/g/"]),
        "namespace": st.sampled_from(["monitoring", "3"]),
        "tempoUid": st.just("duplo-tracing"),
        "datasourceLabel": st.just("example.com/find"),
        "datasourceLabelValue": st.sampled_from(["", "1"]),
        "serviceMonitor": st.fixed_dictionaries({"enabled": st.booleans(), "labels": _LABELS}),
    },
)
CHARTS: st.SearchStrategy[Tree] = st.fixed_dictionaries(
    {},
    optional={
        "repository": st.sampled_from(["oci://mirror.example.com/charts/", "https://mirror/c"]),
        "tempo": st.just({"version": "2.9.9", "repository": "oci://other/charts"}),
        "tempoDistributed": st.just({"version": "2.1.0"}),
        "alloy": st.just({"version": "1.0.0-rc.1"}),
        "beyla": st.just({"repository": "http://localhost:8080/x"}),
    },
)
TAGS: st.SearchStrategy[Tree] = st.sampled_from(
    [{}, {"cost-center": "platform", "team": "Überblick + co"}]
)

_NO_LOAD: Tree = {}
LOAD: st.SearchStrategy[Tree] = st.one_of(
    st.just(_NO_LOAD),
    st.fixed_dictionaries(
        {"spansPerSecond": st.integers(1, 10_000_000)},
        optional={
            "peakFactor": st.floats(1, 100),
            "bytesPerSpan": st.integers(50, 1_000_000),
            "storedBytesPerSpan": st.integers(1, 50),
            "growthPercentPerMonth": st.floats(0, 100),
            "operations": st.integers(1, 10_000_000),
        },
    ),
)


@st.composite
def beyla(draw: st.DrawFn) -> Tree:
    propagation = draw(st.sampled_from(["disabled", "headers", "tcp", "all"]))
    closed = draw(st.booleans())
    cidrs = [["10.0.0.0/16", "fd00::/64"]]
    if propagation == "disabled" or not closed:
        cidrs.append([])
    names = st.sampled_from([[], ["*"], ["shop", "pay-*"]])
    return {
        "beyla": {
            "namespaces": draw(names),
            "excludedNamespaces": draw(st.sampled_from([[], ["legacy"]])),
            "contextPropagation": propagation,
            "workload": draw(sizes(replicas=0, memory=416)),
            "placement": draw(placement()),
        },
        "namespaces": {
            "networkPolicies": closed,
            "beyla": draw(st.sampled_from(["b-1", "agents"])),
        },
        "cluster": {"nodeCidrs": draw(st.sampled_from(cidrs))},
    }


@st.composite
def identity(draw: st.DrawFn, region: str) -> Tree:
    """Draw a way to credentials and what it needs in other groups."""
    arn = f"arn:{partition(region)}:iam::123456789012"
    url = f"https://oidc.eks.{region}.{dns_suffix(region)}/id/A1"
    issuer = {"cluster": {"oidcIssuer": url}}
    own = {
        "roleName": draw(st.sampled_from(["tempo", "a" * 64])),
        **({"permissionsBoundaryArn": f"{arn}:policy/b"} if draw(st.booleans()) else {}),
    }
    given = {"roleArn": f"{arn}:role/platform/tempo"}
    stand_in = {
        "identity": {"mode": "none"},
        "storage": {"endpoint": draw(st.sampled_from(["http://moto.m.svc:5000", "https://s3"]))},
        "environment": {"tier": "ephemeral"},
    }
    return draw(
        st.sampled_from(
            [
                {},
                {"identity": own},
                {"identity": given},
                {"identity": {"mode": "irsa"}, **issuer},
                {"identity": {"mode": "irsa", **own}, **issuer},
                {"identity": {"mode": "irsa", **given}, **issuer},
                stand_in,
            ]
        )
    )


@st.composite
def storage(draw: st.DrawFn, region: str, tier: Tier) -> Tree:
    key = f"arn:{partition(region)}:kms:{region}:123456789012:key/k1"
    kms = {"encryption": "sse-kms", "kmsKeyArn": key}
    variants: list[Tree] = [
        {},
        {"encryption": "sse-kms", "bucket": "my-traces"},
        kms,
        {"existing": True, "bucket": "my-traces"},
        {"existing": True, "bucket": "my-traces", **kms},
        {"protect": False, "acknowledgeDataLoss": tier is Tier.PRODUCTION},
    ]
    if tier is Tier.EPHEMERAL:
        variants.append({"protect": False, "forceDestroy": True})
    return {"storage": draw(st.sampled_from(variants))}
