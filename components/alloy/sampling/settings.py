"""Settings of sampling."""

import math
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ...core.base import Settings, explained
from ...core.on_change import OnChange
from ...core.overrides import Overrides
from ...core.settings import PLACED, PlacementSettings, PodSettings
from ...core.texts import ON_OFF, AttributeName, Text

_REPLICAS = OnChange(
    happens="Traces move to other samplers. Those that are in flight are decided in two parts, so "
    "that some are stored incomplete.",
    do="Change it when the load is low.",
    section="pipeline.md#scale-the-samplers",
)
_SAMPLED = OnChange(
    happens="With `on`, traces that the rules don't keep are lost for good. A change from `on` or "
    "to `on` moves span metrics between Tempo and the samplers, so that rates have a gap of some "
    "minutes.",
    do="Use `rehearse` first, and compare what it would keep on the dashboard Sampling.",
    section="pipeline.md#turn-sampling-on",
)


class SamplingMode(StrEnum):
    """Whether traces are sampled."""

    OFF = "off"
    REHEARSE = "rehearse"
    ON = "on"


class SamplingPreset(StrEnum):
    """What is kept by default."""

    ERRORS_AND_SLOW = "errorsAndSlow"
    BALANCED = "balanced"
    COST_CAPPED = "costCapped"


RuleName = Annotated[
    str,
    Field(min_length=1, max_length=40, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
    Text("1 to 40 lowercase letters, digits or hyphens", "checkout"),
]
"""Name of a rule or policy, as dashboards show it."""
Pattern = Annotated[
    str,
    Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Text("a value of up to 256 characters, in which `*` matches any string", "checkout-*"),
]
"""Value of an attribute, with wildcards."""


class AttributeMatchSettings(Settings):
    """An attribute of a span or its resource."""

    key: AttributeName
    """Key of the attribute."""
    value: Pattern
    """Value of the attribute, in which `*` matches any string. Numbers and booleans are compared as
    strings."""


class RuleSettings(Settings):
    """An exception for some traces: those with a span that matches every given condition."""

    name: RuleName
    """Name of the rule, unique. Matching spans get it as attribute `sampling.rule`."""
    service: Pattern | None = None
    """`service.name`, in which `*` matches any string."""
    namespace: Pattern | None = None
    """Kubernetes namespace, in which `*` matches any string."""
    route: Pattern | None = None
    """Route or URL path of an HTTP request (`http.route`, `url.path`), in which `*` matches any
    string."""
    attribute: AttributeMatchSettings | None = None
    """An attribute of the span or its resource."""
    keep_percent: float | None = Field(default=None, ge=0, le=100)
    """Percent of the traces to keep, chosen by trace id."""
    keep_spans_per_second: int | None = Field(default=None, ge=1, le=1_000_000)
    """Keep every trace up to this many spans per second: all of a rare endpoint, a part of a busy
    one. All traces of the rule share the amount."""
    always: bool = False
    """Keep every trace."""
    never: bool = False
    """Drop every trace, also failed and slow ones."""

    @property
    def conditions(self) -> dict[str, str]:
        """The given conditions by their keys; an attribute by its own key."""
        named = {"service": self.service, "namespace": self.namespace, "route": self.route}
        if self.attribute:
            named[f"attribute {self.attribute.key}"] = self.attribute.value
        return {key: value for key, value in named.items() if value is not None}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.conditions:
            raise explained(
                "matches no trace: add service, namespace, route or attribute, for example "
                "service: checkout"
            )
        given = [
            *(["keepPercent"] if self.keep_percent is not None else []),
            *(["keepSpansPerSecond"] if self.keep_spans_per_second is not None else []),
            *(["always"] if self.always else []),
            *(["never"] if self.never else []),
        ]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "doesn't say what to keep"
            raise explained(
                f"{what}: set exactly one of keepPercent, keepSpansPerSecond, always or never, for "
                "example keepPercent: 5"
            )
        return self


class TraceLatencySettings(Settings):
    """Traces by their duration from the first start to the last end."""

    threshold_ms: int = Field(ge=1, le=3_600_000)
    """Shortest duration in milliseconds."""


class StringAttributeSettings(Settings):
    """Traces with a string attribute on any span or resource."""

    key: AttributeName
    """Key of the attribute."""
    values: list[Annotated[str, Field(min_length=1, max_length=1024)]] = Field(min_length=1)
    """Values, or regular expressions with `regex`."""
    regex: bool = False
    """Read the values as regular expressions (RE2)."""
    invert: bool = False
    """Match traces without such a span or resource."""


class NumericAttributeSettings(Settings):
    """Traces with a number in a range on any span or resource."""

    key: AttributeName
    """Key of the attribute."""
    min_value: int = Field(ge=0, le=2**53)
    """Smallest number; 0 for any."""
    max_value: int = Field(ge=1, le=2**53)
    """Largest number."""


class BooleanAttributeSettings(Settings):
    """Traces with a boolean attribute on any span or resource."""

    key: AttributeName
    """Key of the attribute."""
    value: bool
    """The value."""


class ProbabilisticSettings(Settings):
    """A part of all traces, chosen by trace id."""

    keep_percent: float = Field(ge=0, le=100)
    """Percent of the traces."""


class RateLimitingSettings(Settings):
    """Traces up to a number of spans per second, over all samplers together."""

    spans_per_second: int = Field(ge=1, le=1_000_000)
    """Spans per second."""


class BytesLimitingSettings(Settings):
    """Traces up to a number of bytes per second, over all samplers together."""

    bytes_per_second: int = Field(ge=1, le=10_000_000_000)
    """Bytes per second, uncompressed."""


class SpanCountSettings(Settings):
    """Traces by their number of spans."""

    min_spans: int = Field(ge=1, le=1_000_000)
    """Smallest number of spans."""
    max_spans: int | None = Field(default=None, ge=1, le=1_000_000)
    """Largest number of spans; by default any."""


class StatusCode(StrEnum):
    """Status of a span."""

    OK = "OK"
    ERROR = "ERROR"
    UNSET = "UNSET"


class StatusCodeSettings(Settings):
    """Traces with a span of some status."""

    status_codes: list[StatusCode] = Field(min_length=1)
    """The statuses."""


class TraceStateSettings(Settings):
    """Traces with an entry in `tracestate`."""

    key: Annotated[str, Field(min_length=1, max_length=256)]
    """Key of the entry."""
    values: list[Annotated[str, Field(min_length=1, max_length=256)]] = Field(min_length=1)
    """Values of the entry."""


class OttlSettings(Settings):
    """Traces with a span or span event that meets a condition in OTTL."""

    span: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(default=[])
    """Conditions on spans, for example `span.attributes["retries"] > 3`. One is enough."""
    span_event: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(default=[])
    """Conditions on span events. One is enough."""

    @model_validator(mode="after")
    def _any(self) -> Self:
        if not self.span and not self.span_event:
            raise explained(
                "has no condition: add span or spanEvent, for example "
                "span: ['span.name == \"checkout\"']"
            )
        return self


class ConditionSettings(Settings):
    """One condition of Alloy's `otelcol.processor.tail_sampling`."""

    latency: TraceLatencySettings | None = None
    """Traces by their duration."""
    string_attribute: StringAttributeSettings | None = None
    """Traces by a string attribute."""
    numeric_attribute: NumericAttributeSettings | None = None
    """Traces by a number."""
    boolean_attribute: BooleanAttributeSettings | None = None
    """Traces by a boolean attribute."""
    probabilistic: ProbabilisticSettings | None = None
    """A part of all traces."""
    rate_limiting: RateLimitingSettings | None = None
    """Traces up to a number of spans per second."""
    bytes_limiting: BytesLimitingSettings | None = None
    """Traces up to a number of bytes per second."""
    span_count: SpanCountSettings | None = None
    """Traces by their number of spans."""
    status_code: StatusCodeSettings | None = None
    """Traces by the status of a span."""
    trace_state: TraceStateSettings | None = None
    """Traces by an entry in `tracestate`."""
    ottl: OttlSettings | None = None
    """Traces by conditions in OTTL."""

    @property
    def given(self) -> dict[str, Settings]:
        """The conditions that are set, by the names of their fields."""
        found = {name: getattr(self, name) for name in ConditionSettings.model_fields}
        return {name: value for name, value in found.items() if value is not None}

    @model_validator(mode="after")
    def _one(self) -> Self:
        # A policy has more keys, and its own check.
        if type(self) is ConditionSettings and len(self.given) != 1:
            raise explained(
                f"has {len(self.given)} conditions: write one in each entry, for example "
                "latency: {thresholdMs: 500}"
            )
        return self


class PolicySettings(ConditionSettings):
    """A policy with one condition, or with `all`. `drop` makes it drop instead of keep."""

    name: RuleName
    """Name of the policy, unique among rules and policies."""
    all: list[ConditionSettings] = Field(default=[])
    """Conditions that a trace must all meet."""
    drop: bool = False
    """Drop the traces, also those that something else keeps."""

    @property
    def conditions(self) -> list[dict[str, Settings]]:
        """The conditions that a trace must meet."""
        return [self.given] if self.given else [each.given for each in self.all]

    @model_validator(mode="after")
    def _decides(self) -> Self:
        if len(self.given) + bool(self.all) != 1:
            raise explained(
                "needs one condition or the list all, and not both, for example "
                "latency: {thresholdMs: 500}"
            )
        return self


class SamplingSettings(Settings):
    """Tail sampling: traces are kept or dropped as a whole, after they are complete."""

    mode: Annotated[SamplingMode, ON_OFF, _SAMPLED] = SamplingMode.OFF
    """`off`, `on`, or `rehearse`: every trace is stored, and samplers that get a copy count what
    they would keep."""
    preset: SamplingPreset = SamplingPreset.BALANCED
    """Defaults of the next four settings. `errorsAndSlow` keeps these only, `balanced` 10 percent
    of the others too, `costCapped` 5 percent up to `maxSpansPerSecond`: see docs/pipeline.md."""
    errors: bool | None = None
    """Keep traces with a failed span."""
    slower_than_ms: int | None = Field(default=None, ge=0, le=600_000)
    """Keep traces that last this many milliseconds or more; 0 for none."""
    keep_percent: float | None = Field(default=None, ge=0, le=100)
    """Percent of the traces to keep that nothing else keeps, chosen by trace id."""
    max_spans_per_second: int | None = Field(default=None, ge=10, le=10_000_000)
    """Most spans per second to keep, over all samplers. Errors, slow traces, each rule and the rest
    have shares of it: see docs/pipeline.md."""
    rules: list[RuleSettings] = Field(default=[], max_length=50)
    """Exceptions in order: of the rules that match a trace, the first decides. Errors and slow
    traces are kept anyway, unless a rule says `never`."""
    policies: list[PolicySettings] = Field(default=[], max_length=50)
    """Further policies of Alloy, for what no rule can say. They keep traces in addition."""
    head_percent: float = Field(default=100, gt=0, le=100)
    """Percent of the traces that the gateway passes on to the samplers, chosen by trace id. Span
    metrics are scaled up again, the service graph isn't. Below 100, errors are lost too."""
    decision_wait_seconds: int = Field(default=30, ge=2, le=600)
    """Seconds from the first span of a trace to its decision. A longer time takes more memory, and
    traces are found later."""
    num_traces: int | None = Field(default=None, ge=100, le=10_000_000)
    """Traces that one sampler keeps in memory. By default from `load`, or 50,000. If more arrive
    within `decisionWaitSeconds`, the oldest are dropped undecided."""
    replicas: Annotated[int, _REPLICAS] = Field(default=2, ge=1, le=50)
    """Number of samplers. All spans of a trace go to the same one."""
    workload: PodSettings = PodSettings()
    """Requests and limits of a sampler. The memory limit is by default from `load`, or 2 GiB."""
    placement: Annotated[PlacementSettings, PLACED] = PlacementSettings()
    """Placement of the samplers; each key replaces that of the stack's `placement`."""
    values: Overrides = Field(default={})
    """Other values of the chart `alloy` for the samplers, merged last: see docs/overrides.md."""

    @property
    def runs(self) -> bool:
        """Whether there are samplers."""
        return self.mode is not SamplingMode.OFF

    @property
    def decides(self) -> bool:
        """Whether the samplers decide what is stored, and write the span metrics."""
        return self.mode is SamplingMode.ON

    def slack_minutes(self, gateway_minutes: int) -> int:
        """Return the age of a span up to which samplers may send it to Tempo; 0 without any.

        The sampler retries too, after the decision, for as long as the gateway.

        Args:
            gateway_minutes: how long the gateway retries.
        """
        if not self.decides:
            return 0
        waited = math.ceil(self.decision_wait_seconds / 60)
        return 2 * gateway_minutes + waited + 1
