"""Changes that need an order or manual steps, which neither a preview nor `up` reports.

Such a setting is marked where it is defined (`OnChange`). The other rows are about facts that
follow from several settings; docs/changes.md, "Risky changes", has the same rows, and
a test compares the two.
"""

import fnmatch
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from components.checks.messages import on_changes
from components.core.registry import CHARTS
from components.tempo.system import TEMPO
from plan.diff.kinds import RELEASE
from plan.diff.trees import Planned
from plan.diff.values import MISSING


@dataclass(frozen=True, kw_only=True)
class Order:
    """One kind of change that needs an order.

    Attributes:
        fact: pattern of the fact's name.
        section: page and heading under docs/ with the steps.
        applies: whether it applies to an old and a new value.
    """

    fact: str
    says: str
    section: str
    applies: Callable[[Any, Any], bool] = lambda before, after: True


@dataclass(frozen=True, kw_only=True)
class Warned:
    """A change between two plans that needs an order."""

    fact: str
    before: Any
    after: Any
    order: Order


def _another_major(before: Any, after: Any) -> bool:  # noqa: ANN401
    return str(before).split(".")[0] != str(after).split(".")[0]


#: Facts that follow from several settings.
_DERIVED: Final = (
    Order(
        fact="volumeGib of *",
        says=(
            "The upgrade fails: Kubernetes doesn't resize the volumes of a StatefulSet. Enlarge "
            "the volumes and delete the StatefulSet by hand first."
        ),
        section="changes.md#resize-a-volume",
        applies=operator.lt,
    ),
    Order(
        fact="volumeGib of *",
        says=("The upgrade fails: a volume can't shrink. Keep its size with `volumeGib`."),
        section="changes.md#resize-a-volume",
        applies=operator.gt,
    ),
    Order(
        fact="replicas of tempo ingester",
        says=(
            "Queries miss spans that only the removed ingesters hold. Flush the last ingester, "
            "then remove one at a time."
        ),
        section="changes.md#risky-changes",
        applies=operator.gt,
    ),
    Order(
        fact="password *",
        says=(
            "Change it in the backend at the same time: pods read it within minutes. A plan can't "
            "decrypt it, so it doesn't show whether the value changed."
        ),
        section="credentials.md#backend-passwords",
    ),
    Order(
        fact="traceBucketName",
        says="Tempo starts with an empty bucket: it reads one bucket only.",
        section="changes.md#replace-the-bucket",
    ),
    *(
        Order(
            fact=f"chart {chart.name}",
            says=(
                "Another major version of Tempo's chart. Version 3 of tempo-distributed needs "
                "Kafka and has no ingesters, whose spans must be in S3 first: this is a migration."
            ),
            section="upgrades.md#upgrade-a-chart",
            applies=_another_major,
        )
        for chart in TEMPO.charts
    ),
    Order(
        fact="chart *",
        says=(
            "Another version of the chart: read its upgrade notes and the rendered objects "
            "(`RENDER=1`)."
        ),
        section="upgrades.md#upgrade-a-chart",
        applies=lambda before, after: not _another_major(before, after),
    ),
    *(
        Order(
            fact=f"chart {chart.name}",
            says=(
                "Another major version of the chart: read its upgrade notes and the rendered "
                "objects (`RENDER=1`)."
            ),
            section="upgrades.md#upgrade-a-chart",
            applies=_another_major,
        )
        for chart in CHARTS
        if chart not in TEMPO.charts
    ),
)

#: All rows: first those of single settings.
ORDERS: Final = (
    *(
        Order(
            fact=key,
            says=f"{change.happens} {change.do}",
            section=change.section,
            applies=change.applies,
        )
        for key, change in on_changes()
    ),
    *_DERIVED,
)


def warned(before: Planned, after: Planned) -> list[Warned]:
    """Return the changes from one plan to the other that need an order."""
    old, new = facts(before), facts(after)
    return [
        Warned(fact=fact, before=old[fact], after=new[fact], order=order)
        for fact in (f for f in new if f in old and old[f] != new[f])
        for order in ORDERS
        if fnmatch.fnmatchcase(fact, order.fact) and order.applies(old[fact], new[fact])
    ]


def facts(planned: Planned) -> dict[str, Any]:
    """Return what the rows are about: settings, sizes of workloads, charts, passwords."""
    found = dict(_leaves(planned.settings))
    if "traceBucketName" in planned.outputs:
        found["traceBucketName"] = planned.outputs["traceBucketName"]
    for name, size in planned.workloads.items():
        found[f"replicas of {name}"] = size["replicas"]
        if size.get("volume_gib"):
            found[f"volumeGib of {name}"] = size["volume_gib"]
    for resource in planned.resources.values():
        if resource["type"] == RELEASE:
            inputs = resource["inputs"]
            found[f"chart {inputs['chart'].rsplit('/', 1)[-1]}"] = inputs["version"]
    config: Mapping[str, Any] = planned.stack_file.get("config") or {}
    for key, value in config.items():
        if isinstance(value, dict) and set(cast(dict[str, Any], value)) == {"secure"}:
            found[f"password {key}"] = value["secure"]
    return found


def _leaves(settings: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value:
            yield from _leaves(cast(dict[str, Any], value), name)
        else:
            yield name, value


def shown(warning: Warned) -> tuple[Any, Any]:
    """Return the two values, unless a report must not show them."""
    if warning.fact.startswith("password "):
        return MISSING, MISSING
    return warning.before, warning.after
