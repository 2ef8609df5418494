"""Who may reach whom, over the policies as they are made."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.checks.validate import validate
from components.network import Policy, network_policies
from components.settings import TracingSettings
from tests.network.evaluator import End, Outside, Pod, Service, may_connect, outcomes
from tests.network.flows import PORTS, World, labels
from tests.network.stacks import CLUSTER, WORLDS, stack
from tests.sweep import sweep

each_world = sweep("name", WORLDS)

TEMPO = Pod("tracing", labels("tempo", "tempo"))
GENERATOR = Pod("tracing", labels("tempo", "tempo", "metrics-generator"))
ALLOY = Pod("tracing", labels("alloy", "alloy"))
AGENT = Pod("tracing-beyla", labels("beyla", "beyla", "workload"))
CACHE = Pod("tracing-beyla", labels("beyla-k8s-cache", "beyla"))
APP = Pod("shop", {"app": "cart"})
MIMIR = Pod("mimir", {"app": "mimir"})
PROMETHEUS = Pod("observability", {"app": "prometheus"})
S3 = Outside("52.218.0.1")
ELSEWHERE = Outside("198.51.100.9")


def policies(settings: TracingSettings) -> list[Policy]:
    return list(network_policies(settings).values())


@each_world
def test_what_flows_is_let_through_and_nothing_else_is(name: str) -> None:
    world, made = World(WORLDS[name]), policies(WORLDS[name])
    flowing = {
        (source, target, (protocol, port))
        for source in world.ends
        for target in world.ends
        for protocol, port in PORTS
        if may_connect(made, world.ends[source], world.ends[target], port, protocol)
    }
    allowed = world.allowed()
    assert flowing - allowed == set(), "let through"
    assert allowed - flowing == set(), "shut out"


@each_world
def test_services_are_reached_wherever_policies_are_enforced(name: str) -> None:
    world, made = World(WORLDS[name]), policies(WORLDS[name])
    services, ends = dict(world.services()), world.ends
    calls = [
        (source, target, port)
        for source, target, port in world.calls()
        if source in ends and target in services
    ]
    assert calls
    shut = [
        (source, target, port)
        for source, target, port in calls
        if outcomes(made, ends[source], services[target], port) != {True}
    ]
    assert shut == []


@each_world
def test_a_service_opens_no_way_to_its_pods(name: str) -> None:
    world, made = World(WORLDS[name]), policies(WORLDS[name])
    allowed = world.allowed()
    for target, service in world.services():
        for source, end in world.ends.items():
            for port, pods_port in service.ports.items():
                asked = (source, target, ("TCP", pods_port))
                # Port 80 in the URL of a backend elsewhere is port 80 of any ClusterIP as well.
                if asked not in allowed and target in world.closed:
                    assert outcomes(made, end, service, port) == {False}, asked


@each_world
def test_a_node_probes_its_own_pods_only(name: str) -> None:
    world, made = World(WORLDS[name]), policies(WORLDS[name])
    for pod in world.closed.values():
        assert may_connect(made, Outside(pod.node), pod, 8081)
        assert not may_connect(made, Outside("10.0.3.7"), pod, 8081)


def test_without_policies_all_would_flow() -> None:
    world = World(WORLDS["prod"])
    assert all(
        may_connect([], source, target, 3200)
        for source in world.ends.values()
        for target in world.ends.values()
    )


def test_the_evaluator_tells_a_selector_that_the_service_lacks() -> None:
    """Egress by labels of the pod that its Service does not select by."""
    peer = {"podSelector": {"matchLabels": CACHE.labels}}
    policy: Policy = {
        "metadata": {"name": "p", "namespace": "tracing-beyla"},
        "spec": {
            "podSelector": {"matchLabels": AGENT.labels},
            "policyTypes": ["Egress"],
            "egress": [{"to": [peer], "ports": [{"protocol": "TCP", "port": 50055}]}],
        },
    }
    narrow = {"app.kubernetes.io/name": "beyla-k8s-cache"}
    both = Service("tracing-beyla", CACHE.labels, CACHE, {80: 50055})
    by_name = Service("tracing-beyla", narrow, CACHE, {80: 50055})
    assert outcomes([policy], AGENT, CACHE, 50055) == {True}
    assert outcomes([policy], AGENT, both, 80) == {True}
    assert outcomes([policy], AGENT, by_name, 80) == {True, False}
    assert outcomes([policy], AGENT, both, 50055) == {False}


@pytest.mark.parametrize(
    ("endpoint", "target", "port"),
    [
        ("http://moto.aws.svc:5000", Pod("aws"), 4000),
        ("http://moto:5000", Pod("tracing"), 4000),
        ("http://172.18.0.1:5000", Outside("172.18.0.1"), 5000),
        ("https://s3.example.com", ELSEWHERE, 443),
    ],
)
def test_a_stand_in_for_s3_is_reached_and_nothing_else(
    endpoint: str, target: End, port: int
) -> None:
    settings = stack(
        identity={"mode": "none"},
        storage={"endpoint": endpoint},
        namespaces={"existing": ["tracing"]},
        backends={},
    )
    made = policies(settings)
    assert may_connect(made, TEMPO, target, port)
    assert not may_connect(made, TEMPO, ELSEWHERE, 8443)
    assert may_connect(made, TEMPO, S3, 443) is (port == 443)


@sweep(
    ("url", "inside", "outside"),
    [
        ("http://prometheus.mimir.svc:9090/w", True, False),
        ("http://prometheus.mimir.svc.cluster.local:9090/w", True, False),
        ("http://prometheus.mimir:9090/w", True, True),
        ("http://prometheus:9090/w", False, False),
        ("http://prometheus.example.com:9090/w", False, True),
        ("http://203.0.113.9:9090/w", False, True),
        ("http://[2001:db8::9]:9090/w", False, True),
    ],
)
def test_backends_inside_and_outside_the_cluster(url: str, inside: bool, outside: bool) -> None:
    settings = stack(backends={"metrics": {"url": url, "remoteWriteUrl": url}})
    made = policies(settings)
    # The pod's own port is not the one in the URL, which is the Service's.
    assert may_connect(made, TEMPO, MIMIR, 8080) is inside
    assert may_connect(made, TEMPO, ELSEWHERE, 9090) is outside
    assert not may_connect(made, TEMPO, ELSEWHERE, 9091)


def test_a_backend_by_its_service_s_name_alone_is_in_the_senders_namespace() -> None:
    metrics = {"url": "http://prometheus:9090", "remoteWriteUrl": "http://prometheus:9090/w"}
    made = policies(stack(namespaces={"existing": ["tracing"]}, backends={"metrics": metrics}))
    beside = Pod("tracing", {"app": "prometheus"})
    service = Service("tracing", {"app": "prometheus"}, beside, {9090: 8080})
    assert outcomes(made, TEMPO, service, 9090) == {True}
    assert outcomes(made, ALLOY, service, 9090) == {True}
    assert may_connect(made, beside, TEMPO, 3200)


def test_agents_in_the_host_network_without_known_nodes_stay_out() -> None:
    made = policies(stack(beyla={"contextPropagation": "all"}, cluster={"nodes": 100}))
    agent = Pod("tracing-beyla", address="10.0.3.7", host_network=True)
    assert not may_connect(made, agent, CACHE, 50055)
    assert not may_connect(made, agent, ALLOY, 4317)


@pytest.mark.parametrize("mode", ["monolithic", "distributed"])
@pytest.mark.parametrize("scrapers", [[], ["observability"], ["other", "observability"]])
def test_every_scraper_is_let_in(mode: str, scrapers: list[str]) -> None:
    made = policies(stack(mode, namespaces={"scrapers": scrapers}))
    tempo = TEMPO if mode == "monolithic" else GENERATOR
    for pod, port in ((tempo, 3200), (ALLOY, 12345), (AGENT, 9090)):
        assert may_connect(made, PROMETHEUS, pod, port) is ("observability" in scrapers)
        assert may_connect(made, MIMIR, pod, port)
        assert not may_connect(made, APP, pod, port)


@pytest.mark.parametrize("name", ["Bad", "a b", "*", "", "a" * 64, "-a"])
def test_a_scraper_is_a_namespace(name: str) -> None:
    groups = {
        "environment": {"name": "dev"},
        "cluster": CLUSTER,
        "namespaces": {"scrapers": ["ok", name]},
    }
    _, (problem,) = validate(groups)
    assert problem.key == "namespaces.scrapers[1]"
    assert "for example observability" in problem.message


def test_scrapers_need_network_policies() -> None:
    groups = {
        "environment": {"name": "dev"},
        "cluster": CLUSTER,
        "namespaces": {"scrapers": ["observability"], "networkPolicies": False},
    }
    _, (problem,) = validate(groups)
    assert problem.key == "namespaces.scrapers"


@given(
    mode=st.sampled_from(["monolithic", "distributed"]),
    context=st.sampled_from(["disabled", "headers", "all"]),
    identity=st.sampled_from(["podIdentity", "irsa", "none"]),
    nodes=st.integers(1, 500),
    cidrs=st.sampled_from([[], ["10.0.0.0/8"], ["10.0.0.0/8", "2001:db8::/32"]]),
    jaeger=st.booleans(),
)
def test_whatever_the_settings_strangers_stay_out(
    mode: str, context: str, identity: str, nodes: int, cidrs: list[str], jaeger: bool
) -> None:
    settings = stack(
        mode,
        tempo={"jaeger": jaeger},
        beyla={"contextPropagation": context},
        identity={"mode": identity},
        cluster={"nodes": nodes, "nodeCidrs": cidrs},
    )
    made = policies(settings)
    for pod in World(settings).closed.values():
        assert not may_connect(made, APP, pod, 3200)
        assert not may_connect(made, ELSEWHERE, pod, 4317)
        assert not may_connect(made, pod, ELSEWHERE, 8081)


def rules_without_end(policy: Policy) -> list[Any]:
    """Return rules that let everyone in or everything out: an empty list or object."""
    spec = policy["spec"]
    rules = spec.get("ingress", []) + spec.get("egress", [])
    return [rule for rule in rules if not rule or [] in rule.values()]


@each_world
def test_no_rule_is_empty(name: str) -> None:
    for policy in policies(WORLDS[name]):
        assert rules_without_end(policy) == []
