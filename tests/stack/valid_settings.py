"""Stack files for hypothesis that no rule objects to, and changes of them."""

from typing import cast

from hypothesis import strategies as st

from components.core.tier import Tier
from tests.stack.any_settings import LEAVES, Tree
from tests.stack.setting_groups import (
    BACKENDS,
    CHARTS,
    GRAFANA,
    LOAD,
    TAGS,
    beyla,
    identity,
    placement,
    sizes,
    storage,
    tempo,
)
from tests.stack.variants import VALUES


def merged(*trees: Tree) -> Tree:
    """Return trees in one; of two values for a key the later one stands."""
    result: Tree = {}
    for tree in trees:
        for key, value in tree.items():
            is_tree = isinstance(value, dict)
            result[key] = merged(result.get(key, {}), cast(Tree, value)) if is_tree else value
    return result


def _independent(*paths: str) -> st.SearchStrategy[Tree]:
    """Draw some of these settings, which no rule ties to others."""
    some = {path: LEAVES[tuple(path.split("."))] for path in paths}

    def nested(values: Tree) -> Tree:
        result: Tree = {}
        for path, value in values.items():
            group, name = path.split(".")
            result.setdefault(group, {})[name] = value
        return result

    return st.fixed_dictionaries({}, optional=some).map(nested)


_INDEPENDENT = _independent(
    "cluster.kubeconfig",
    "cluster.nodes",
    "tempo.jaeger",
    "tempo.zipkin",
    "alloy.size",
    "alloy.queueBatches",
    "alloy.maxRequestMib",
    "beyla.enabled",
    "beyla.metricsPort",
    "operator.enabled",
    "operator.go",
    "operator.sampleRatio",
    "grafana.folder",
    "grafana.orgId",
    "grafana.dashboards",
    "alerts.delivery",
    "charts.imageRegistry",
    "charts.atomic",
)


@st.composite
def valid_groups(draw: st.DrawFn) -> Tree:
    """Draw the groups of a stack file that no rule objects to."""
    region = draw(st.sampled_from(["eu-west-1", "cn-north-1", "us-gov-west-1"]))
    tier = draw(st.sampled_from(Tier))
    credentials = draw(identity(region))
    if "environment" in credentials:
        tier = Tier.EPHEMERAL
    names = ["prod"] if tier is Tier.PRODUCTION else ["dev", "e"]
    way = draw(st.sampled_from([{"kubeContext": "c"}, {"stackReference": "o/p/s"}]))
    base: Tree = {
        "environment": {"name": draw(st.sampled_from([*names, "qa-7"])), "tier": tier.value},
        "cluster": {"name": "Apps_1", "region": region, "accountId": "123456789012", **way},
        "alloy": {
            "workload": draw(sizes(scales=True)),
            "ignoredPaths": draw(st.sampled_from([[], ["/healthz", '/a"b{{c}}\\']])),
            "placement": draw(placement()),
        },
        "backends": draw(BACKENDS),
        "grafana": draw(GRAFANA),
        "load": draw(LOAD),
        "charts": draw(CHARTS),
        "placement": draw(placement()),
        "tags": draw(TAGS),
    }
    bucket = draw(storage(region, tier))
    values: list[Tree] = [{"alloy": {"values": VALUES["alloy"]}}, {}]
    parts = [draw(_INDEPENDENT), base, bucket, credentials, draw(tempo()), draw(beyla())]
    return merged(*parts, draw(st.sampled_from(values)))


@st.composite
def changed_groups(draw: st.DrawFn) -> Tree:
    """Draw valid groups of which some values are replaced by any that are right by themselves."""
    groups = draw(valid_groups())
    for path in draw(st.lists(st.sampled_from(sorted(LEAVES)), min_size=1, max_size=3)):
        node = groups
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = draw(LEAVES[path])
    return groups
