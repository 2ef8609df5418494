"""The APIs of Prometheus and Tempo, as Grafana asks them."""

import json
import math
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import promql_parser

from tests.e2e.answers.grafana import Range

_SECONDS = 30
#: The end of a TraceQL query that makes metrics of spans.
_METRICS = re.compile(r"\|\s*(rate|compare|\w+_over_time)\s*\(")


class RefusedError(Exception):
    """A backend does not take a query; its words."""


@dataclass(frozen=True)
class Prometheus:
    """Prometheus at a URL."""

    url: str

    def instant(self, expr: str, at: float) -> list[Any]:
        """Return the series of an expression at a time, those with a number."""
        answer = self._ask("query", query=expr, time=at)
        if answer["resultType"] == "scalar":
            return [answer["result"]]
        return [one for one in answer["result"] if _is_number(one["value"])]

    def graph(self, expr: str, within: Range) -> list[Any]:
        """Return the series of an expression over a range, those with a number.

        The last point is at the end of the range, as with Grafana's refresh.
        """
        start = within.end - within.seconds // within.step * within.step
        answer = self._ask("query_range", query=expr, start=start, end=within.end, step=within.step)
        return [one for one in answer["result"] if any(_is_number(v) for v in one["values"])]

    def exemplars(self, expr: str, within: Range) -> list[Any]:
        """Return the exemplars of an expression's series."""
        found = self._ask("query_exemplars", query=expr, start=within.start, end=within.end)
        return [exemplar for one in found for exemplar in one["exemplars"]]

    def values(self, label: str, selector: str, within: Range) -> list[str]:
        """Return the values of a label, of the series of a selector."""
        given: dict[str, Any] = {"start": within.start, "end": within.end}
        if selector:
            given["match[]"] = selector
        return self._ask(f"label/{label}/values", **given)

    def why_empty(self, expr: str, within: Range) -> str:
        """Return why an expression may come to nothing."""
        for selector in selectors(expr):
            if not self._ask("series", **{"match[]": selector, "start": within.start, "limit": 1}):
                return f"no series {selector}"
        return "there are series, but the expression comes to nothing"

    def alerts(self, state: str) -> set[str]:
        """Return the names of the alerts that are `pending` or `firing`."""
        found = self._ask("alerts")["alerts"]
        return {one["labels"]["alertname"] for one in found if one["state"] == state}

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules, with what came of their last evaluation."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _ask(self, path: str, **given: Any) -> Any:
        return _answer(f"{self.url}/api/v1/{path}?{urlencode(given)}")["data"]


@dataclass(frozen=True)
class Tempo:
    """Tempo at a URL."""

    url: str

    def ask(self, query: str, limit: int, within: Range) -> list[Any]:
        """Return the traces that a query finds, or the series that it makes."""
        given: dict[str, Any] = {"q": query, "start": int(within.start), "end": int(within.end)}
        if not _METRICS.search(query):
            found = _answer(f"{self.url}/api/search?{urlencode({**given, 'limit': limit})}")
            return found.get("traces", [])
        step = f"{max(within.step, within.seconds // 200)}s"
        url = f"{self.url}/api/metrics/query_range?{urlencode({**given, 'step': step})}"
        series = _answer(url).get("series", [])
        return [one for one in series if any(s.get("value") for s in one.get("samples", []))]

    def trace(self, trace_id: str) -> bool:
        """Tell whether a trace is there."""
        return bool(_answer(f"{self.url}/api/v2/traces/{trace_id}").get("trace"))

    def values(self, tag: str, within: Range) -> list[str]:
        """Return the values of a tag."""
        given = {"start": int(within.start), "end": int(within.end)}
        found = _answer(f"{self.url}/api/v2/search/tag/{tag}/values?{urlencode(given)}")
        return [one["value"] for one in found.get("tagValues", [])]


def selectors(expr: str) -> list[str]:
    """Return the selectors of an expression."""
    found: list[str] = []

    def visit(node: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(str(node).split(" offset ")[0])
        return True

    promql_parser.walk(promql_parser.parse(expr), visit)
    return found


def _is_number(point: list[Any]) -> bool:
    return not math.isnan(float(point[1]))


def _answer(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310
            return cast(dict[str, Any], json.load(answer))
    except urllib.error.HTTPError as error:
        raise RefusedError(f"{error.code}: {error.read().decode(errors='replace')[:300]}") from None
    except (OSError, ValueError) as error:
        raise RefusedError(str(error)) from None
