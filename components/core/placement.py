"""Placement in the words of Kubernetes, for the values of the charts."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from .settings import PlacementSettings, TopologySpread

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"
#: Label of EKS nodes that AWS manages: `fargate`, or `auto` for EKS Auto Mode.
COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

#: Every Linux node except Fargate's: a DaemonSet's pod never starts there, and the release would
#: wait for it until its timeout.
_NODES: list[dict[str, Any]] = [
    {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
    {"key": COMPUTE_TYPE, "operator": "NotIn", "values": ["fargate"]},
]


def node_selector(placement: PlacementSettings) -> dict[str, str]:
    """Return the labels of the nodes."""
    return dict(placement.node_selector or {})


def tolerations(placement: PlacementSettings) -> list[dict[str, Any]]:
    """Return the tolerations."""
    return [_plain(toleration) for toleration in placement.tolerations or ()]


def pull_secrets(placement: PlacementSettings) -> list[dict[str, str]]:
    """Return references to the Secrets of the image registry."""
    return [{"name": name} for name in placement.image_pull_secrets or ()]


def spread(placement: PlacementSettings, selector: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return constraints that prefer an even spread of the selected pods over zones."""
    if not placement.spreads_over(TopologySpread.ZONE):
        return []
    return [
        {
            "maxSkew": 1,
            "topologyKey": ZONE,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": selector,
        }
    ]


def affinity(
    placement: PlacementSettings, selector: Mapping[str, Any], topologies: Sequence[str] = (HOST,)
) -> dict[str, Any]:
    """Return the affinity, with a preference for nodes and zones without another selected pod."""
    own = plain_affinity(placement)
    kinds = {HOST: TopologySpread.HOST, ZONE: TopologySpread.ZONE}
    preferred = [
        {"weight": 100, "podAffinityTerm": {"topologyKey": each, "labelSelector": selector}}
        for each in topologies
        if placement.spreads_over(kinds[each])
    ]
    if not preferred:
        return own
    anti: dict[str, Any] = own.get("podAntiAffinity", {})
    return {**own, "podAntiAffinity": {**anti, _PREFERRED: [*anti.get(_PREFERRED, ()), *preferred]}}


def plain_affinity(placement: PlacementSettings) -> dict[str, Any]:
    """Return the affinity as it is set."""
    return _plain(placement.affinity) if placement.affinity else {}


def scheduling(placement: PlacementSettings) -> dict[str, Any]:
    """Return what decides which nodes a pod can run on, as in the spec of a pod."""
    return {
        "nodeSelector": node_selector(placement),
        "tolerations": tolerations(placement),
        "affinity": plain_affinity(placement),
    }


def on_every_node(own: PlacementSettings) -> dict[str, Any]:
    """Return the scheduling of agents: every node that applications run on.

    Nodes and taints that the stack selects for its pods are not those of the applications, so that
    only the agents' own placement counts.
    """
    found = scheduling(own)
    if own.tolerations is None:
        found["tolerations"] = [{"operator": "Exists"}]
    affinity = found["affinity"]
    node: dict[str, Any] = affinity.get("nodeAffinity", {})
    # One of the terms must match.
    terms: list[dict[str, Any]] = node.get(_REQUIRED, {}).get("nodeSelectorTerms", [{}])
    allowed = [
        {**term, "matchExpressions": [*term.get("matchExpressions", ()), *_NODES]} for term in terms
    ]
    required = {_REQUIRED: {"nodeSelectorTerms": allowed}}
    return {**found, "affinity": {**affinity, "nodeAffinity": {**node, **required}}}


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are not empty: charts have empty defaults for the rest."""
    return {key: value for key, value in values.items() if value}


def owners(system: str, group: str = "", **more: str) -> dict[str, str]:
    """Return the keys of a chart that a system's placement sets, each with its setting.

    Args:
        system: key of the system's settings.
        group: dotted key of the pods' values in the chart.
        more: settings of further keys, by the keys.
    """
    same = ("nodeSelector", "tolerations", "affinity", "podLabels", "podAnnotations")
    keys = {**dict(zip(same, same, strict=True)), **more}
    prefix = f"{group}." if group else ""
    return {f"{prefix}{key}": f"{system}.placement.{name}" for key, name in keys.items()}


def summary(placement: PlacementSettings) -> str:
    """Return the placement in one line; empty if nothing is set."""
    written = placement.model_dump(by_alias=True, exclude_none=True)
    # Values of annotations may be long and have line breaks.
    values = {k: list(v) if k == "podAnnotations" else v for k, v in written.items()}
    return ", ".join(f"{key} {_short(value)}" for key, value in values.items())


def _short(value: Any) -> str:  # noqa: ANN401 - any value of a setting
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).items()
        return " ".join(f"{k}={v}" if isinstance(v, str) else k for k, v in items) or "none"
    if isinstance(value, list):
        return " and ".join(map(_short, cast(list[Any], value))) or "none"
    return str(value)


def _plain(settings: Any) -> dict[str, Any]:  # noqa: ANN401
    return settings.model_dump(mode="json", by_alias=True, exclude_none=True)
