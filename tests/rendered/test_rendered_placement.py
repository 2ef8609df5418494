"""Every pod that the charts make has the placement that is set, or its own where that is meant."""

from typing import Any

from components.beyla.values import CACHE_SERVICE
from tests.rendered.objects import Object, needs_charts, objects_of, of_kind
from tests.stack.variants import AGENTS, PLACEMENT
from tests.sweep import sweep

pytestmark = needs_charts

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
#: Everything with the placement of the stack, and with placements of systems.
STACK, SYSTEMS = "distributed-irsa", "monolithic-given"
#: Workloads of both, besides Beyla's agents.
WORKLOADS = {
    STACK: {
        *("alloy", "alloy-sampler", "tracing-operator-otel", CACHE_SERVICE),
        *(f"tempo-{name}" for name in ("compactor", "distributor", "ingester", "memcached")),
        *(f"tempo-{name}" for name in ("metrics-generator", "querier", "query-frontend")),
    },
    SYSTEMS: {"alloy", "tempo", "tempo-vulture"},
}
#: Workloads with a pod on each node.
DAEMONS = {STACK: ["beyla", "alloy-logs"], SYSTEMS: ["beyla"]}
each = sweep(("program", "name"), [(p, name) for p, names in WORKLOADS.items() for name in names])


def template(program: str, name: str) -> Object:
    """Return the template of a workload's pods."""
    kinds = ("DaemonSet", "Deployment", "Job", "StatefulSet")
    found = {o["metadata"]["name"]: o for o in of_kind(objects_of(program), *kinds)}
    assert found.keys() == {*DAEMONS[program], *WORKLOADS[program]}
    return found[name]["spec"]["template"]


@each
def test_pods_go_to_the_chosen_nodes(program: str, name: str) -> None:
    spec = template(program, name)["spec"]

    assert PLACEMENT["nodeSelector"].items() <= spec["nodeSelector"].items()
    assert spec["tolerations"] == [{"operator": "Equal", **PLACEMENT["tolerations"][0]}]
    affinity, wanted = spec["affinity"], PLACEMENT["affinity"]
    assert affinity["nodeAffinity"] == wanted["nodeAffinity"]
    assert affinity["podAntiAffinity"][PREFERRED][0] == wanted["podAntiAffinity"][PREFERRED][0]


@sweep(
    ("program", "name"),
    [(p, n) for p, names in WORKLOADS.items() for n in (*names, *DAEMONS[p])],
)
def test_pods_have_what_the_platform_asks_for(program: str, name: str) -> None:
    made = template(program, name)
    spec, meta = made["spec"], made["metadata"]

    assert spec["imagePullSecrets"] == [{"name": n} for n in PLACEMENT["imagePullSecrets"]]
    assert PLACEMENT["podLabels"].items() <= meta["labels"].items()
    assert PLACEMENT["podAnnotations"].items() <= meta["annotations"].items()
    # The chart has no key for the cache's.
    wanted = None if name == CACHE_SERVICE else PLACEMENT["priorityClass"]
    assert spec.get("priorityClassName") == wanted


@sweep("name", WORKLOADS[STACK])
def test_pods_spread_over_hosts_and_zones(name: str) -> None:
    made = template(STACK, name)
    labels, spec = made["metadata"]["labels"].items(), made["spec"]
    preferred = spec["affinity"]["podAntiAffinity"][PREFERRED][1:]
    terms = [p["podAffinityTerm"] for p in preferred]
    constraints = spec.get("topologySpreadConstraints", [])
    required = [c["topologyKey"] for c in constraints if c["whenUnsatisfiable"] != "ScheduleAnyway"]

    assert [c["topologyKey"] for c in (*terms, *constraints) if c["topologyKey"] == ZONE] == [ZONE]
    assert terms[0]["topologyKey"] == HOST
    assert required == ([HOST] if name == "tempo-ingester" else [])
    for selector in (c["labelSelector"] for c in (*terms, *constraints)):
        assert selector["matchLabels"].items() <= labels
    assert REQUIRED not in spec["affinity"]["podAntiAffinity"]


@sweep("name", WORKLOADS[SYSTEMS])
def test_pods_do_not_spread_where_that_is_off(name: str) -> None:
    spec = template(SYSTEMS, name)["spec"]

    assert "topologySpreadConstraints" not in spec
    assert spec["affinity"] == PLACEMENT["affinity"]


@sweep("name", DAEMONS[STACK])
def test_the_placement_of_the_stack_leaves_agents_on_every_node(name: str) -> None:
    spec = template(STACK, name)["spec"]

    assert "nodeSelector" not in spec
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert terms_of(spec) == [["kubernetes.io/os", "eks.amazonaws.com/compute-type"]]
    assert "podAntiAffinity" not in spec["affinity"]


def test_beylas_own_placement_chooses_the_nodes_of_the_applications() -> None:
    spec = template(SYSTEMS, "beyla")["spec"]

    assert spec["nodeSelector"] == AGENTS["nodeSelector"]
    assert spec["tolerations"] == AGENTS["tolerations"]
    # Each of the two terms, and never Fargate.
    own = ["pool", "kubernetes.io/os", "eks.amazonaws.com/compute-type"]
    assert terms_of(spec) == [own, own]


def terms_of(spec: dict[str, Any]) -> list[list[str]]:
    terms = spec["affinity"]["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
    return [[condition["key"] for condition in term["matchExpressions"]] for term in terms]
