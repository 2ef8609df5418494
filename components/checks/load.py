"""Rules about the expected load, and notices of sizes that do not carry it."""

from collections.abc import Iterator

from pydantic.alias_generators import to_camel

from ..core.problem import Problem, problem
from ..load import capacity
from ..settings import TracingSettings


def load(settings: TracingSettings) -> Iterator[Problem]:
    """What is said of the load has a load to be about."""
    its = settings.load
    if its.spans_per_second is None:
        for name in sorted(its.model_fields_set - {"spans_per_second"}):
            if (value := getattr(its, name)) is not None:
                yield problem(
                    f"load.{to_camel(name)}",
                    value,
                    "has no effect without load.spansPerSecond: set that too, or remove this key",
                )
    if its.stored_bytes_per_span and its.stored_bytes_per_span > its.bytes_per_span:
        yield problem(
            "load.storedBytesPerSpan",
            its.stored_bytes_per_span,
            f"is above load.bytesPerSpan, {its.bytes_per_span}: blocks in S3 are compressed",
        )
    if its.edges is not None and its.operations is None and its.spans_per_second is not None:
        yield problem(
            "load.edges", its.edges, "has no effect without load.operations: set that too"
        )


def notices(settings: TracingSettings) -> Iterator[str]:
    """Yield a sentence for each size that does not carry the busiest hour."""
    for check in capacity.checks(settings):
        if not check.fits:
            yield (
                f"load: the busiest hour asks for {_shown(check.asked)} of {_shown(check.held)} "
                f"({check.what}): {check.otherwise}."
            )


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
