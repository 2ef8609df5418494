"""Units of values, with decimals, the scale of an idle graph, and the width of a column."""

from dataclasses import dataclass

from ..core.units import MIB


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit of Grafana, and how its values are shown.

    Attributes:
        name: Grafana's name of the unit.
        decimals: decimals of a value; None lets Grafana choose by its size.
        soft_max: minimum upper end of a graph's axis. Without one, Grafana draws a graph of zeros
            up to 100, which is 10,000 % of a share.
        width: width in pixels of a table's column of such values.
    """

    name: str
    decimals: int | None = None
    soft_max: float = 1
    width: int = 90


REQUESTS = Unit(name="reqps", width=100)
SPANS = Unit(name="count:spans/s", width=130)
TRACES = Unit(name="count:traces/s", width=130)
DOLLARS = Unit(name="currencyUSD", decimals=2, width=100)
SAMPLES = Unit(name="count:samples/s")
ATTRIBUTES = Unit(name="count:attributes/s")
EVENTS = Unit(name="count:events/s")
TRACES_PER_MINUTE = Unit(name="count:traces/min")
LINES_PER_MINUTE = Unit(name="count:lines/min")
BLOCKS_PER_HOUR = Unit(name="count:blocks/h", decimals=0, soft_max=5)
ERRORS_PER_HOUR = Unit(name="count:errors/h", decimals=0, soft_max=5)
#: Whole things, of which there are few.
COUNT = Unit(name="none", decimals=0, soft_max=5, width=75)
#: Whole things, of which there may be millions.
MANY = Unit(name="short", soft_max=10)
#: An index or a factor: Apdex, a burn rate, calls for each request.
FACTOR = Unit(name="none", decimals=2, width=75)
CORES = Unit(name="count:cores", decimals=2, soft_max=0.1)
SECONDS = Unit(name="s", soft_max=0.1)
BYTES = Unit(name="bytes", soft_max=MIB, width=100)
BYTES_PER_SECOND = Unit(name="binBps", soft_max=1024)
#: Share that should be 0: a hundredth of a percent is visible.
FAILED = Unit(name="percentunit", decimals=2, soft_max=0.1, width=80)
#: Share that should be near 1: an objective of 99.95 % and one of 99.999 % differ.
KEPT = Unit(name="percentunit", decimals=3, width=95)
#: How full something is.
USED = Unit(name="percentunit", decimals=0, width=90)
#: Share of an error budget that is left.
BUDGET = Unit(name="percentunit", decimals=1, width=100)
#: Milliseconds since 1970.
DATE = Unit(name="dateTimeAsIso", width=160)
