"""Network policies: the stack's namespaces deny all traffic but the flows of its systems.

Each system declares its own flows. Kubernetes always admits traffic between a node and its own pods
(probes), which needs no rule.
"""

from typing import Any, TypedDict

from .core.flows import DNS, one_of, spec
from .core.registry import running
from .core.settings import NamespaceKey
from .core.system import System
from .settings import TracingSettings


class Policy(TypedDict):
    """Arguments of a NetworkPolicy, with the keys of the Kubernetes API.

    Values are ``Any`` because Pulumi's own types would have the keys in snake case.
    """

    metadata: Any
    """``name`` and ``namespace``."""
    spec: Any
    """``podSelector``, ``policyTypes``, ``ingress`` and ``egress``."""


def network_policies(settings: TracingSettings) -> dict[str, Policy]:
    """Return the network policies of the stack.

    Only namespaces with a running system have policies. The key of each is unique in the stack.
    """
    found: dict[str, Policy] = {}
    by_namespace: dict[str, list[System]] = {}
    for system in running(settings):
        by_namespace.setdefault(system.namespace, []).append(system)
    for key, systems in by_namespace.items():
        prefix = "" if key is NamespaceKey.TRACING else f"{key}-"
        name = systems[0].namespace_name(settings)
        everything: dict[str, Any] = {}
        existing = not systems[0].creates_namespace(settings)
        if existing:
            # The traffic of others is not the stack's to close.
            releases = [system.release for system in systems]
            everything = {"matchExpressions": [one_of("app.kubernetes.io/instance", releases)]}
        specs = [
            (f"{prefix}default-deny", spec(everything, ingress=[], egress=[])),
            (f"{prefix}dns", spec(everything, egress=[DNS])),
            *(flow for system in systems for flow in system.flows(settings)),
        ]
        for policy, its in specs:
            # Others may have a policy `default-deny` in their namespace.
            called = f"tracing-{policy}" if existing else policy
            found[policy] = {"metadata": {"name": called, "namespace": name}, "spec": its}
    return found
