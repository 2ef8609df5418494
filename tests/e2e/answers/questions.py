"""The queries in dashboards, and the choices that their variables offer."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast
from urllib.parse import unquote

from tests.e2e.answers import grafana
from tests.e2e.answers.backends import Prometheus, RefusedError, Tempo
from tests.e2e.answers.grafana import AllValue, Range, Value

Json = dict[str, Any]

_LABEL_VALUES = re.compile(r"label_values\((?:(?P<selector>.*),\s*)?(?P<label>\w+)\)\s*", re.DOTALL)
#: A link into Explore, and what only a click can fill in.
_EXPLORE = re.compile(r"explore\?schemaVersion=1&panes=([^&\s)]+)")
_CLICKED = re.compile(r"\$\{__(value|data|field|trace)")
_QUERY_RESULT = re.compile(r"query_result\((?P<expr>.*)\)\s*", re.DOTALL)


class Language(StrEnum):
    """What a query is written in."""

    PROMQL = "PromQL"
    TRACEQL = "TraceQL"
    SERVICE_GRAPH = "service graph"
    LOGQL = "LogQL"
    PROFILES = "profiles"


class Setting(StrEnum):
    """How the filters of a dashboard are set."""

    ALL = "all"
    ONE = "one"
    SEVERAL = "several"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One query of a panel.

    Attributes:
        dashboard: uid of the dashboard.
        panel: title of the panel.
        ref: letter of the query.
        language: what it is written in.
        texts: the query; a service graph may have several selectors.
        instant: asks for the end of the range alone.
        exemplars: asks for exemplars too.
        limit: traces at most.
    """

    dashboard: str
    panel: str
    ref: str
    language: Language
    texts: tuple[str, ...]
    instant: bool
    exemplars: bool
    limit: int

    @property
    def name(self) -> str:
        """Where it stands."""
        return f"{self.dashboard} / {self.panel} / {self.ref}"


def panels(dashboard: Json) -> Iterator[Json]:
    """Yield the panels of a dashboard, those of closed rows too; no rows."""
    for one in cast(list[Json], dashboard["panels"]):
        if one["type"] == "row":
            yield from one.get("panels") or []
        else:
            yield one


def questions(dashboard: Json, panel: Json) -> list[Question]:
    """Return the queries of a panel.

    Raises:
        ValueError: a query is of a kind that this does not know.
    """
    return [
        _question(dashboard["uid"], panel["title"], target)
        for target in cast(list[Json], panel.get("targets") or [])
    ]


def links(dashboard: Json, values: Mapping[str, Value], within: Range) -> list[Question]:
    """Return the queries that Explore opens with, from the bar and from texts.

    Raises:
        RefusedError: Explore could not read such a link.
    """
    bar = cast(list[Json], dashboard.get("links") or [])
    texts = [(link["title"], link.get("url") or "") for link in bar]
    texts += [(p["title"], str(p.get("options", {}).get("content", ""))) for p in panels(dashboard)]
    found: list[Question] = []
    for title, text in texts:
        for match in _EXPLORE.finditer(text):
            if _CLICKED.search(match[1]):
                continue
            # As in a browser: variables first, then the address is decoded.
            decoded = unquote(grafana.plain(match[1], values, within))
            try:
                panes: Json = json.loads(decoded)
            except ValueError:
                raise RefusedError(f"link in {title}: {decoded}") from None
            targets = [target for pane in panes.values() for target in pane["queries"]]
            found += [_question(dashboard["uid"], f"link in {title}", one) for one in targets]
    return found


def choices(
    dashboard: Json,
    setting: Setting,
    preferred: Mapping[str, list[str]],
    prometheus: Prometheus,
    tempo: Tempo,
    within: Range,
) -> tuple[dict[str, Value], list[str]]:
    """Set the variables of a dashboard as somebody would, from what they offer.

    Args:
        dashboard: the dashboard.
        setting: how to set those that take several values or all.
        preferred: values to take where they are offered.
        prometheus: where the values come from.
        tempo: where the values of others come from.
        within: the time range.

    Returns:
        The values, and the queries of variables that offer nothing.
    """
    values: dict[str, Value] = {}
    empty: list[str] = []
    for variable in cast(list[Json], dashboard.get("templating", {}).get("list", [])):
        name = variable["name"]
        offered = _offered(variable, values, prometheus, tempo, within)
        if not offered:
            empty.append(f"${name}: {variable.get('query')}")
        wanted = [v for v in preferred.get(name, []) if v in offered] or offered[:2] or [""]
        multi = bool(variable.get("multi"))
        if setting is Setting.ALL and variable.get("includeAll"):
            its = variable.get("allValue")
            values[name] = AllValue(its) if its else offered
        elif multi:
            values[name] = wanted if setting is Setting.SEVERAL else wanted[:1]
        else:
            values[name] = wanted[0]
    return values, empty


def _offered(
    variable: Json,
    values: Mapping[str, Value],
    prometheus: Prometheus,
    tempo: Tempo,
    within: Range,
) -> list[str]:
    query = variable.get("query", "")
    kind = variable["type"]
    if kind in {"custom", "interval"}:
        # The one that the dashboard opens with comes first.
        default = variable.get("current", {}).get("value")
        listed = [one.strip().split(" : ")[-1] for one in query.split(",")]
        return [default, *listed] if isinstance(default, str) and default else listed
    if kind != "query":
        return [query]
    given: Json = cast(Json, query) if isinstance(query, dict) else {"query": query}
    if variable["datasource"]["type"] == "tempo":
        return tempo.values(given["label"], within)
    text = grafana.promql(given["query"], values, within)
    if match := _LABEL_VALUES.fullmatch(text):
        return prometheus.values(match["label"], match["selector"] or "", within)
    if match := _QUERY_RESULT.fullmatch(text):
        found = prometheus.instant(match["expr"], within.end)
        pattern = variable.get("regex", "").strip("/")
        texts = [str(one["metric"]) for one in found]
        return [m[1] for t in texts if (m := re.search(pattern, t))] if pattern else texts
    raise RefusedError(f"variable {variable['name']}: {text}")


def _question(uid: str, panel: str, target: Json) -> Question:
    language, texts = _what(target)
    return Question(
        dashboard=uid,
        panel=panel,
        ref=target["refId"],
        language=language,
        texts=texts,
        instant=bool(target.get("instant")),
        exemplars=bool(target.get("exemplar")),
        limit=target.get("limit") or 20,
    )


def _what(target: Json) -> tuple[Language, tuple[str, ...]]:
    match target["datasource"]["type"]:
        case "prometheus":
            return Language.PROMQL, (target["expr"],)
        case "tempo" if target["queryType"] == "serviceMap":
            given = target["serviceMapQuery"]
            return Language.SERVICE_GRAPH, (given,) if isinstance(given, str) else tuple(given)
        case "tempo" if target["queryType"] == "traceql":
            return Language.TRACEQL, (target["query"],)
        case "loki":
            return Language.LOGQL, (target["expr"],)
        case "grafana-pyroscope-datasource":
            return Language.PROFILES, (target["labelSelector"],)
        case other:
            raise ValueError(f"a query of {other}: {target}")
