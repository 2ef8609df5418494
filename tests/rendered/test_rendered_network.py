"""Whether rendered pods reach the rendered Services that their configuration names."""

import json
import re
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from components.beyla.values import CACHE_PORT, CACHE_SERVICE
from tests.network.evaluator import Pod, Service, outcomes
from tests.network.stacks import WORLDS
from tests.rendered.objects import Object, name_of, needs_charts, objects_of, of_kind, pods
from tests.rendered.test_rendered_stack import ADDRESS, selected
from tests.stack.variants import PROGRAMS
from tests.sweep import sweep

pytestmark = needs_charts

#: An address in the pod's own namespace.
_BESIDE = re.compile(r'"([a-z0-9-]+):([0-9]+)"')


def end_of(pod: Object, program: str) -> Pod:
    meta, on_host = pod["metadata"], pod["spec"].get("hostNetwork", False)
    end = Pod(meta["namespace"], meta["labels"], host_network=on_host)
    if not on_host:
        return end
    nodes = ip_network(WORLDS[program].cluster.node_cidrs[0])
    return replace(end, address=str(nodes[7]))


def configuration(objects: list[Object], pod: Object) -> str:
    """Return a pod's specification and the ConfigMaps and Secrets that it mounts, as text."""
    sources = {
        (pod["metadata"]["namespace"], volume.get(kind, {}).get(key))
        for volume in pod["spec"]["volumes"]
        for kind, key in (("configMap", "name"), ("secret", "secretName"))
    }
    mounted = [o for o in of_kind(objects, "ConfigMap", "Secret") if name_of(o) in sources]
    return json.dumps([pod["spec"], mounted])


def ports_of(service: Object, pod: Object) -> dict[int, int]:
    """Return a Service's ports, each with the port of the pod; names of ports are resolved."""
    named = {
        port.get("name"): port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
    }
    return {
        port["port"]: named.get(target, target)
        for port in service["spec"]["ports"]
        for target in [port.get("targetPort", port["port"])]
    }


@sweep("program", PROGRAMS)
def test_pods_reach_the_services_that_they_are_given(program: str) -> None:
    objects = objects_of(program)
    policies: list[Any] = of_kind(objects, "NetworkPolicy")
    services = {name_of(o): o for o in of_kind(objects, "Service")}
    asked: set[tuple[str, str, int]] = set()
    for pod in pods(objects):
        text, own = configuration(objects, pod), pod["metadata"]["namespace"]
        beside = [(name, own, port) for name, port in _BESIDE.findall(text)]
        for name, namespace, number in ADDRESS.findall(text) + beside:
            service, port = services.get((namespace, name)), int(number)
            if service is None:
                continue
            behind = selected(objects, service)[0]
            ports, source, target = (
                ports_of(service, behind),
                end_of(pod, program),
                end_of(behind, program),
            )
            asked.add((pod["metadata"]["name"], name, port))
            if service["spec"].get("clusterIP") == "None":
                found = outcomes(policies, source, target, ports[port])
            else:
                cluster_ip = Service(namespace, service["spec"]["selector"], target, ports)
                found = outcomes(policies, source, cluster_ip, port)
            assert found == {True}, (pod["metadata"]["name"], name, port)
    assert any(source == "alloy" for source, _, _ in asked)
    has_cache = any(name == CACHE_SERVICE for _, name in services)
    assert (("beyla", CACHE_SERVICE, CACHE_PORT) in asked) is has_cache
