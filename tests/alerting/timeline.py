"""Time series as a tracing system makes them: well, in trouble, and rolled out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["well", "sick"]


@dataclass(frozen=True)
class Metric:
    """One series of one pod.

    Attributes:
        name: name of the series.
        labels: its labels, without the pod's.
        well: growth per minute of a counter, or value of a gauge; None where it is not there.
        sick: the same in trouble.
        gauge: whether it is a gauge.
        of_pod: whether it belongs to a pod, so that a rollout ends it and begins another.
    """

    name: str
    labels: Mapping[str, str]
    well: float | None
    sick: float | None
    gauge: bool = False
    of_pod: bool = True


@dataclass(frozen=True)
class Case:
    """What an alert is tested with.

    Attributes:
        metrics: the series that it reads, and those that must not mislead it.
        minutes: trouble of so many minutes makes it fire, at the latest.
        spared: trouble that ends within so many minutes is none: a rollout.
        history: minutes of good order before.
    """

    metrics: Sequence[Metric]
    minutes: int = 45
    spared: int = 10
    history: int = 70


@dataclass(frozen=True)
class Phase:
    """A stretch of time in which the pod is one and the state is one."""

    state: State
    minutes: int
    pod: str = "a"


@dataclass
class _Written:
    labels: Mapping[str, str]
    samples: list[str] = field(default_factory=list[str])
    total: float = 0


def series(metrics: Sequence[Metric], phases: Sequence[Phase]) -> list[dict[str, Any]]:
    """Return input series for promtool, one sample each minute.

    A counter of a new pod begins at zero; a series that ends is marked stale, as a scrape does.
    """
    written: list[dict[str, Any]] = []
    for metric in metrics:
        found: dict[str, _Written] = {}
        at = 0
        for phase in phases:
            pod = phase.pod if metric.of_pod else ""
            one = found.setdefault(pod, _Written(metric.labels))
            value = metric.well if phase.state == "well" else metric.sick
            for minute in range(phase.minutes):
                one.samples += ["_"] * (at + minute - len(one.samples))
                one.samples.append(_sample(metric, one, value))
            at += phase.minutes
        for pod, one in found.items():
            labels = {**one.labels, **({"pod": pod} if pod else {})}
            text = ",".join(f'{k}="{v}"' for k, v in labels.items())
            values = [*one.samples, *(["stale"] if len(one.samples) < at else [])]
            written.append({"series": f"{metric.name}{{{text}}}", "values": _short(values)})
    return written


def _sample(metric: Metric, written: _Written, value: float | None) -> str:
    if value is None:
        return "stale"
    if metric.gauge:
        return f"{value:g}"
    written.total += value
    return f"{written.total:.6g}"


def _short(samples: Sequence[str]) -> str:
    """Return samples as promtool reads them, runs of one value counted."""
    runs: list[tuple[str, int]] = []
    for sample in samples:
        if runs and runs[-1][0] == sample:
            runs[-1] = (sample, runs[-1][1] + 1)
        else:
            runs.append((sample, 1))
    return " ".join(_run(value, count) for value, count in runs)


def _run(value: str, count: int) -> str:
    if value == "stale":
        return " ".join([value] * count)
    # Of a gap the number counts all samples, of a value those after the first.
    return f"_x{count}" if value == "_" else f"{value}x{count - 1}"
