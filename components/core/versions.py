"""Versions that the stack is tested with, and what is unknown of others: docs/versions.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from .helm import (
    ALLOY,
    BEYLA,
    OPERATOR,
    TEMPO,
    TEMPO_3,
    TEMPO_DISTRIBUTED,
    TEMPO_DISTRIBUTED_3,
    TEMPO_VULTURE,
    Chart,
)


@dataclass(frozen=True, kw_only=True)
class Tested:
    """A pinned chart with the program that it is tested with.

    Attributes:
        chart: the chart.
        program: name of the program.
        version: version of the program.
        image_tag: key of the image's version in the values of the chart.
    """

    chart: Chart
    program: str
    version: str
    image_tag: str


#: Version of Tempo that is tested, by major.
TEMPO_VERSIONS: Mapping[int, str] = {2: "2.10.8", 3: "3.0.3"}
TESTED: tuple[Tested, ...] = (
    Tested(chart=TEMPO, program="Tempo", version=TEMPO_VERSIONS[2], image_tag="tempo.tag"),
    Tested(chart=TEMPO_3, program="Tempo", version=TEMPO_VERSIONS[3], image_tag="tempo.tag"),
    Tested(
        chart=TEMPO_DISTRIBUTED,
        program="Tempo",
        version=TEMPO_VERSIONS[2],
        image_tag="tempo.image.tag",
    ),
    Tested(
        chart=TEMPO_DISTRIBUTED_3,
        program="Tempo",
        version=TEMPO_VERSIONS[3],
        image_tag="tempo.image.tag",
    ),
    Tested(chart=ALLOY, program="Alloy", version="1.18.1", image_tag="image.tag"),
    Tested(chart=BEYLA, program="Beyla", version="3.32.0", image_tag="image.tag"),
    Tested(
        chart=OPERATOR,
        program="OpenTelemetry Operator",
        version="0.158.0",
        image_tag="manager.image.tag",
    ),
    Tested(chart=TEMPO_VULTURE, program="Tempo Vulture", version="3.0.3", image_tag="image.tag"),
)
_SEE = "See docs/versions.md"


def of_chart(chart: Chart) -> Tested:
    """Return what is tested of a pinned chart."""
    return next(each for each in TESTED if each.chart == chart)


def chart_notice(key: str, chart: Chart, version: str) -> str:
    """Return the warning about another version of a pinned chart than the tested one.

    Args:
        key: the setting, for example `charts.alloy.version`.
        chart: the pinned chart.
        version: the version that the setting has.
    """
    its = of_chart(chart)
    return (
        f"{key} {version} is not tested. Unknown: the keys of its values, the version of "
        f"{its.program} that it runs, and the metrics that dashboards and alerts read. Tested is "
        f"{chart.version} with {its.program} {its.version}. {_SEE}."
    )


def image_notices(key: str, its: Tested, tag: str) -> Iterator[str]:
    """Yield the warning about another version of a program than the tested one.

    Args:
        key: the setting, for example `tempo.imageTag`.
        its: what is tested.
        tag: the version that the setting has.
    """
    if tag.removeprefix("v") != its.version:
        yield (
            f"{key} {tag} is not tested. Unknown: the keys of its configuration, the metrics that "
            f"dashboards and alerts read, and whether going back is possible. Tested is "
            f"{its.version}. {_SEE}."
        )


def tag_in(values: Mapping[str, Any], key: str) -> str | None:
    """Return the version of the image that a stack file sets in the values of a chart."""
    found: Any = values
    for part in key.split("."):
        found = cast("Mapping[str, Any]", found).get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None
