"""Which nodes a pod can run on, as the scheduler of Kubernetes decides it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_SUFFIXES = {
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    **{f"{prefix}i": 1024.0**n for n, prefix in enumerate("KMGTP", 1)},
}


def quantity(text: str) -> float:
    """Return a quantity of Kubernetes, for example `1500m` or `64Gi`."""
    for length in (2, 1):
        if (factor := _SUFFIXES.get(text[-length:])) is not None:
            return float(text[:-length]) * factor
    return float(text)


def allows(node: Mapping[str, Any], scheduling: Mapping[str, Any]) -> bool:
    """Return whether a node takes pods with a node selector, tolerations and an affinity."""
    labels: dict[str, str] = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in scheduling["nodeSelector"].items()):
        return False
    terms = scheduling["affinity"].get("nodeAffinity", {}).get(_REQUIRED, {})
    names = {"metadata.name": node["metadata"]["name"]}
    if terms and not any(
        _matches(labels, term.get("matchExpressions", ()))
        and _matches(names, term.get("matchFields", ()))
        for term in terms["nodeSelectorTerms"]
    ):
        return False
    taints = node.get("spec", {}).get("taints") or ()
    return all(
        taint["effect"] == "PreferNoSchedule"
        or any(_tolerates(each, taint) for each in scheduling["tolerations"])
        for taint in taints
    )


def _matches(labels: Mapping[str, str], expressions: Iterable[Mapping[str, Any]]) -> bool:
    for each in expressions:
        values: list[str] = each.get("values") or []
        value = labels.get(each["key"])
        match each["operator"]:
            case "In":
                held = value in values
            case "NotIn":
                held = value not in values
            case "Exists":
                held = value is not None
            case "DoesNotExist":
                held = value is None
            case "Gt":
                held = value is not None and int(value) > int(values[0])
            case _:
                held = value is not None and int(value) < int(values[0])
        if not held:
            return False
    return True


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, taint["effect"]):
        return False
    if toleration.get("key") not in (None, taint["key"]):
        return False
    exists = toleration.get("operator") == "Exists"
    return exists or (toleration.get("value") or "") == taint.get("value", "")


@dataclass(frozen=True, kw_only=True)
class Amount:
    """CPU in cores, memory in bytes and a number of pods."""

    cpu: float
    memory: float
    pods: float = 1

    @classmethod
    def of(cls, resources: Mapping[str, str], *, pods: float = 1) -> Self:
        """Return the amount in a mapping of Kubernetes, such as `allocatable`."""
        return cls(
            cpu=quantity(resources.get("cpu", "0")),
            memory=quantity(resources.get("memory", "0")),
            pods=quantity(resources["pods"]) if "pods" in resources else pods,
        )

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            cpu=self.cpu + other.cpu,
            memory=self.memory + other.memory,
            pods=self.pods + other.pods,
        )

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(
            cpu=self.cpu - other.cpu,
            memory=self.memory - other.memory,
            pods=self.pods - other.pods,
        )

    def holds(self, other: "Amount") -> bool:
        """Return whether another amount fits into this one."""
        # A billionth covers the error of sums of fractions.
        return (
            self.cpu + 1e-9 >= other.cpu and self.memory >= other.memory and self.pods >= other.pods
        )


NOTHING = Amount(cpu=0, memory=0, pods=0)


def requested(pod: Mapping[str, Any]) -> Amount:
    """Return what a running pod takes of its node."""
    spec = pod["spec"]
    lasting = [c for c in spec.get("initContainers", ()) if c.get("restartPolicy") == "Always"]
    amounts = [
        Amount.of(container.get("resources", {}).get("requests") or {}, pods=0)
        for container in (*spec["containers"], *lasting)
    ]
    return sum(amounts, Amount(cpu=0, memory=0))
