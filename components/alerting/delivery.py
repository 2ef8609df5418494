"""Delivery of rule groups into the cluster, for alerts and for the rules of SLOs."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import yaml
from pulumi_kubernetes import apiextensions, core

from ..core.objects import metadata
from ..core.outputs import register
from ..core.units import MAX_OBJECT_BYTES
from .settings import RuleDelivery

#: One group as it stands in a Prometheus rule file: name, interval, rules.
RuleGroup = dict[str, Any]

#: Rules that a group may hold: the default of Mimir's ruler (its flag
#: -ruler.max-rules-per-rule-group). Prometheus itself has no limit.
MAX_RULES = 20

# The C one is ten times faster and writes the same; PyYAML is sometimes built without it.
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True)
class RuleFile:
    """The rule groups of one object, none with more rules than a ruler accepts, and their text."""

    name: str
    groups: list[RuleGroup]
    text: str


def split(groups: Iterable[RuleGroup]) -> Iterator[RuleGroup]:
    """Yield groups of at most `MAX_RULES` rules; the parts of a larger one are numbered from 2 on.

    Parts are evaluated in parallel: a rule that reads what a rule of another part records may read
    it one interval late.
    """
    for group in groups:
        rules: list[Any] = group["rules"]
        for part, start in enumerate(range(0, len(rules), MAX_RULES), start=1):
            name = group["name"] if part == 1 else f"{group['name']}-{part}"
            yield {**group, "name": name, "rules": rules[start : start + MAX_RULES]}


def rule_files(name: str, groups: Iterable[RuleGroup]) -> list[RuleFile]:
    """Return rule files for groups, none larger than `MAX_OBJECT_BYTES`, numbered from 2 on.

    Raises:
        ValueError: two groups have one name, or one group alone is too large.
    """
    contents: list[tuple[list[RuleGroup], list[str]]] = []
    filled = MAX_OBJECT_BYTES
    seen: set[str] = set()
    for group in split(groups):
        if group["name"] in seen:
            raise ValueError(f"two rule groups are named {group['name']}")
        seen.add(group["name"])
        text = yaml.dump([group], Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=1000)
        # As an object it is sent as JSON, which escapes quotes.
        size = max(len(text.encode()), len(json.dumps(group, ensure_ascii=False).encode()))
        if size > MAX_OBJECT_BYTES - _HEAD_BYTES:
            raise ValueError(f"rule group {group['name']} has {size} bytes; an object holds less")
        if filled + size > MAX_OBJECT_BYTES:
            contents.append(([], []))
            filled = _HEAD_BYTES
        contents[-1][0].append(group)
        contents[-1][1].append(text)
        filled += size
    return [
        RuleFile(name if number == 1 else f"{name}-{number}", its, _HEAD + "".join(texts))
        for number, (its, texts) in enumerate(contents, start=1)
    ]


_HEAD = "groups:\n"
_HEAD_BYTES = 64


@dataclass(frozen=True, kw_only=True)
class RuleGroupsArgs:
    """Arguments of rules in the cluster.

    Attributes:
        delivery: kind of the objects; `none` creates nothing.
        object_name: name of the first object; further ones are numbered from 2 on.
        labels: labels of the objects, for the program that selects them.
    """

    groups: Sequence[RuleGroup]
    delivery: RuleDelivery
    namespace: str
    object_name: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


class RuleGroups(pulumi.ComponentResource):
    """Rule groups as PrometheusRule objects, or as ConfigMaps with rule files."""

    object_names: pulumi.Output[list[str]]
    """Names of the objects; empty with delivery `none`."""

    def __init__(
        self, name: str, args: RuleGroupsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create the objects.

        Raises:
            ValueError: two groups have one name, or one group alone is too large for an object.
        """
        super().__init__("tracing:index:RuleGroups", name, {}, opts)
        files = rule_files(args.object_name, args.groups)
        if args.delivery is RuleDelivery.NONE:
            files = []
        for number, file in enumerate(files, start=1):
            resource = f"{name if number == 1 else f'{name}-{number}'}-rules"
            its = metadata(file.name, args.namespace, args.labels)
            child = pulumi.ResourceOptions(parent=self)
            if args.delivery is RuleDelivery.PROMETHEUS_RULE:
                apiextensions.CustomResource(
                    resource,
                    api_version="monitoring.coreos.com/v1",
                    kind="PrometheusRule",
                    metadata=its,
                    spec={"groups": file.groups},
                    opts=child,
                )
            else:
                # A sidecar writes the files of all ConfigMaps into one folder.
                data = {f"{file.name}.yaml": file.text}
                core.v1.ConfigMap(resource, metadata=its, data=data, opts=child)
        self.object_names = pulumi.Output.from_input([file.name for file in files])
        register(self)
