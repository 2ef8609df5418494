"""Kubernetes' affinity as settings, so that a wrong key is found before `up`.

Names and meaning are those of Kubernetes (API reference, "Affinity").
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from .base import Settings
from .texts import LabelKey, LabelValue, NamespaceName

Weight = Annotated[int, Field(ge=1, le=100)]


class LabelOperator(StrEnum):
    """How a label of a pod or a namespace is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class NodeOperator(StrEnum):
    """How a label of a node is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GREATER = "Gt"
    LESS = "Lt"


class LabelExpressionSettings(Settings):
    """One condition on a label."""

    key: LabelKey
    """Key of the label."""
    operator: LabelOperator
    """How the label is compared with `values`."""
    values: list[LabelValue] | None = None
    """Values for `In` and `NotIn`."""


class LabelSelectorSettings(Settings):
    """Pods or namespaces, selected by their labels."""

    match_labels: dict[LabelKey, LabelValue] | None = None
    """Labels that must all match."""
    match_expressions: list[LabelExpressionSettings] | None = None
    """Conditions that must all hold."""


class NodeExpressionSettings(Settings):
    """One condition on a label or a field of a node."""

    key: LabelKey
    """Key of the node's label, or `metadata.name` in `matchFields`."""
    operator: NodeOperator
    """How the label is compared with `values`."""
    values: list[LabelValue] | None = None
    """Values for `In` and `NotIn`, one integer for `Gt` and `Lt`."""


class NodeSelectorTermSettings(Settings):
    """Conditions on a node that must all hold."""

    match_expressions: list[NodeExpressionSettings] | None = None
    """Conditions on labels of the node."""
    match_fields: list[NodeExpressionSettings] | None = None
    """Conditions on fields of the node."""


class NodeSelectorSettings(Settings):
    """Nodes that match one term at least."""

    node_selector_terms: list[NodeSelectorTermSettings] = Field(min_length=1)
    """Terms, of which one must match."""


class PreferredNodeSettings(Settings):
    """Nodes to prefer."""

    weight: Weight
    """Weight among the preferences."""
    preference: NodeSelectorTermSettings
    """Conditions on the nodes."""


class NodeAffinitySettings(Settings):
    """Nodes that pods run on."""

    required_during_scheduling_ignored_during_execution: NodeSelectorSettings | None = None
    """Nodes that pods may run on."""
    preferred_during_scheduling_ignored_during_execution: list[PreferredNodeSettings] | None = None
    """Nodes that pods should run on."""


class PodAffinityTermSettings(Settings):
    """Pods that share a node, zone or other topology."""

    topology_key: LabelKey
    """Label of nodes, for example `kubernetes.io/hostname`."""
    label_selector: LabelSelectorSettings | None = None
    """Labels of the pods."""
    namespaces: list[NamespaceName] | None = None
    """Namespaces of the pods; by default the namespace of the pod itself."""
    namespace_selector: LabelSelectorSettings | None = None
    """Labels of the namespaces of the pods."""
    match_label_keys: list[LabelKey] | None = None
    """Labels whose values must be those of the pod itself."""
    mismatch_label_keys: list[LabelKey] | None = None
    """Labels whose values must differ from those of the pod itself."""


class PreferredPodSettings(Settings):
    """Pods to prefer a place by."""

    weight: Weight
    """Weight among the preferences."""
    pod_affinity_term: PodAffinityTermSettings
    """The pods."""


class PodAffinitySettings(Settings):
    """Pods to run close to, or away from."""

    required_during_scheduling_ignored_during_execution: list[PodAffinityTermSettings] | None = None
    """Terms that must all hold."""
    preferred_during_scheduling_ignored_during_execution: list[PreferredPodSettings] | None = None
    """Terms that should hold."""


class AffinitySettings(Settings):
    """Affinity of pods, as in Kubernetes."""

    node_affinity: NodeAffinitySettings | None = None
    """Nodes to run on."""
    pod_affinity: PodAffinitySettings | None = None
    """Pods to run close to."""
    pod_anti_affinity: PodAffinitySettings | None = None
    """Pods to run away from."""
