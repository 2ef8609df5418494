"""Whether the rendered objects of a whole stack fit each other, and what the stack promises."""

import json
import re
from typing import Any

from components.alloy.endpoints import ALLOY_RELEASE
from components.beyla.values import CACHE_SERVICE
from components.core.names import (
    ALLOY_LOGS_RELEASE,
    BEYLA_RELEASE,
    CANARY_RELEASE,
    OPERATOR_RELEASE,
    TEMPO_SERVICE_ACCOUNT,
)
from components.tempo.endpoints import otlp_service, query_service
from components.tempo.settings import TempoMode
from tests.network.evaluator import selects
from tests.rendered.objects import (
    CLUSTER_WIDE,
    Object,
    name_of,
    needs_charts,
    objects_of,
    of_kind,
    pods,
)
from tests.stack.variants import PROGRAMS, recorded
from tests.sweep import sweep

pytestmark = needs_charts
each = sweep("program", PROGRAMS)

#: Workloads that read from the API server, without the namespace in front of their names.
ASKING = {ALLOY_RELEASE, ALLOY_LOGS_RELEASE, BEYLA_RELEASE, CACHE_SERVICE, "otel"}
#: An address of a Service, as it stands in configurations and outputs.
ADDRESS = re.compile(r"([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?\.?:(\d+)")


def listening(objects: list[Object], service: Object, port: int) -> bool:
    """Return whether a pod listens where a port of a Service leads."""
    targets = [p.get("targetPort", port) for p in service["spec"]["ports"] if p["port"] == port]
    return any(
        target in (declared["containerPort"], declared.get("name"))
        for target in targets
        for pod in selected(objects, service)
        for container in pod["spec"]["containers"]
        for declared in container["ports"]
    )


def selected(objects: list[Object], service: Object) -> list[Object]:
    wanted = service["spec"]["selector"].items()
    return [
        pod
        for pod in pods(objects)
        if pod["metadata"]["namespace"] == service["metadata"]["namespace"]
        and wanted <= pod["metadata"]["labels"].items()
    ]


@each
def test_every_address_in_the_stack_leads_to_a_pod(program: str) -> None:
    """Those that other stacks, Grafana, Alloy, Beyla and Tempo itself are given."""
    objects, outputs = objects_of(program), recorded(program).outputs
    services = {name_of(o): o for o in of_kind(objects, "Service")}
    own = {pod["metadata"]["namespace"] for pod in pods(objects)}
    distributed = ("tracing", "tempo-query-frontend") in services
    mode = TempoMode.DISTRIBUTED if distributed else TempoMode.MONOLITHIC

    text = json.dumps([objects, outputs])
    found = {(ns, name, int(port)) for name, ns, port in ADDRESS.findall(text) if ns in own}

    promised = {ALLOY_RELEASE, query_service(mode), otlp_service(mode)}
    assert promised <= {name for _, name, _ in found}
    for namespace, name, port in found:
        assert listening(objects, services[namespace, name], port), (name, port)


def test_agents_ask_a_cache_that_is_there() -> None:
    objects = objects_of("distributed-irsa")
    services = {name: o for o in of_kind(objects, "Service") for _, name in [name_of(o)]}
    [agent] = [pod for pod in pods(objects) if pod["metadata"]["name"] == "beyla"]
    env = {e["name"]: e.get("value", "") for e in agent["spec"]["containers"][0]["env"]}
    host, _, port = env["BEYLA_KUBE_META_CACHE_ADDRESS"].partition(":")

    assert host == CACHE_SERVICE
    assert listening(objects, services[host], int(port))


@each
def test_only_tempos_pods_have_the_service_account_with_the_role(program: str) -> None:
    objects = objects_of(program)
    accounts = {name_of(o) for o in of_kind(objects, "ServiceAccount")}

    for pod in pods(objects):
        account = pod["spec"]["serviceAccountName"]
        assert (pod["metadata"]["namespace"], account) in accounts
        name = pod["metadata"]["name"]
        is_tempo = name.startswith("tempo") and name != CANARY_RELEASE
        assert (account == TEMPO_SERVICE_ACCOUNT) is is_tempo


@each
def test_only_pods_that_ask_the_api_server_have_a_token(program: str) -> None:
    objects = objects_of(program)
    mounted = {
        name_of(o): o.get("automountServiceAccountToken", True)
        for o in of_kind(objects, "ServiceAccount")
    }

    def has_token(pod: Object) -> bool:
        account = (pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"])
        return pod["spec"].get("automountServiceAccountToken", mounted[account])

    with_one = {
        pod["metadata"]["name"].removeprefix(f"{pod['metadata']['namespace']}-")
        for pod in pods(objects)
        if has_token(pod)
    }
    assert with_one <= ASKING


@each
def test_objects_without_a_namespace_have_names_of_this_stack(program: str) -> None:
    """Another Alloy, Beyla or stack in the cluster has other names, whatever its namespace."""
    objects = objects_of(program)
    namespaces = {pod["metadata"]["namespace"] for pod in pods(objects)}
    found = [o for o in of_kind(objects, *CLUSTER_WIDE) if o["kind"] != "Namespace"]
    kinds = [o for o in found if o["kind"] == "CustomResourceDefinition"]
    others = [o["metadata"]["name"] for o in found if o not in kinds]

    assert others
    for name in others:
        assert name.startswith(tuple(f"{n}{end}" for n in namespaces for end in (":", "-otel-")))
    # A cluster has one OpenTelemetry Operator: docs/onboarding.md.
    assert {o["spec"]["group"] for o in kinds} <= {"opentelemetry.io"}


@each
def test_no_role_may_read_secrets_or_everything(program: str) -> None:
    roles = of_kind(objects_of(program), "ClusterRole", "Role")
    rules: list[Any] = [r for role in roles if not is_operators(role) for r in role["rules"]]

    assert rules
    for rule in rules:
        assert not {"secrets", "*"} & set(rule["resources"])
        assert set(rule["verbs"]) <= {"get", "list", "watch"}


def is_operators(role: Object) -> bool:
    return role["metadata"]["labels"]["app.kubernetes.io/name"] == OPERATOR_RELEASE


def test_the_operator_may_read_secrets_in_its_own_namespace_only() -> None:
    """It changes workloads everywhere: the chart gives it the rights for collectors as well."""
    objects = objects_of("distributed-irsa")
    everywhere = [role for role in of_kind(objects, "ClusterRole") if is_operators(role)]
    here = [role for role in of_kind(objects, "Role") if is_operators(role)]

    assert everywhere
    for rule in (rule for role in everywhere for rule in role["rules"]):
        assert not {"secrets", "*"} & set(rule.get("resources", []))
    assert [role["metadata"]["namespace"] for role in here] == ["tracing-operator"]


@each
def test_every_network_policy_selects_a_pod_and_no_pod_goes_without(program: str) -> None:
    objects = objects_of(program)
    policies = of_kind(objects, "NetworkPolicy")

    def selects_pod(policy: Object, pod: Object) -> bool:
        same = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
        return same and selects(policy["spec"]["podSelector"], pod["metadata"]["labels"])

    for policy in policies:
        assert any(selects_pod(policy, pod) for pod in pods(objects)), name_of(policy)
    closed = [p for p in policies if p["metadata"]["name"].endswith("default-deny")]
    for pod in pods(objects):
        assert any(selects_pod(policy, pod) for policy in closed) is (program != "bare")


@each
def test_what_pods_mount_and_read_is_there(program: str) -> None:
    objects = objects_of(program)
    there = {
        (o["kind"], *name_of(o)): {*o.get("data", {}), *o.get("stringData", {})}
        for o in of_kind(objects, "ConfigMap", "Secret")
    }

    for pod in pods(objects):
        namespace, spec = pod["metadata"]["namespace"], pod["spec"]
        for volume in spec.get("volumes", []):
            for kind, key in (("ConfigMap", "configMap"), ("Secret", "secret")):
                if source := volume.get(key):
                    name = source.get("name") or source["secretName"]
                    items = {item["key"] for item in source.get("items", [])}
                    assert items <= there[kind, namespace, name]
        for container in spec["containers"]:
            for source in container.get("envFrom", []):
                assert there["Secret", namespace, source["secretRef"]["name"]]
