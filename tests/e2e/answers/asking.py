"""Asks the backends what the panels ask, and says what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from components.telemetry.metrics import Label, ServiceGraphMetric
from tests.e2e.answers import grafana, known
from tests.e2e.answers.backends import Prometheus, RefusedError, Tempo
from tests.e2e.answers.grafana import Range, Value
from tests.e2e.answers.questions import Language, Question, Setting


class Outcome(StrEnum):
    """What came of a query."""

    DATA = "data"
    #: It found nothing, and must not.
    EMPTY = "empty"
    #: It found nothing, as it should in a healthy system.
    HEALTHY = "healthy-empty"
    #: What would write its series cannot run here.
    ABSENT = "not evaluated"
    #: There is no such backend here.
    SKIPPED = "skipped"
    #: A backend does not take it.
    REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """What came of a query, and why.

    Attributes:
        question: the query.
        outcome: what came of it.
        reason: why, unless there are data.
        setting: how the filters were set.
        text: the query as it was sent.
    """

    question: Question
    outcome: Outcome
    reason: str = ""
    setting: Setting = Setting.ALL
    text: str = ""

    @property
    def wrong(self) -> bool:
        """Whether it must not be so."""
        return self.outcome in {Outcome.EMPTY, Outcome.REFUSED}


@dataclass(frozen=True)
class Backends:
    """Whom to ask, and which programs do not run here."""

    prometheus: Prometheus
    tempo: Tempo
    absent: known.Absent

    def answer(
        self, question: Question, setting: Setting, values: Mapping[str, Value], within: Range
    ) -> Answer:
        """Return what comes of a query with variables set and over a time range."""
        if question.language in {Language.LOGQL, Language.PROFILES}:
            return Answer(question, Outcome.SKIPPED, f"no backend for {question.language} here")
        sent = ""
        reasons: list[str] = []
        try:
            for text in question.texts:
                sent = _filled(question.language, text, values, within)
                if reason := self._why_not(question, sent, within):
                    reasons.append(reason)
        except RefusedError as error:
            return Answer(question, Outcome.REFUSED, str(error), setting, sent)
        if not reasons:
            return Answer(question, Outcome.DATA, "", setting, sent)
        reason = "; ".join(reasons)
        if program := self.absent.program(sent):
            return Answer(question, Outcome.ABSENT, f"needs {program}", setting, sent)
        if why := known.healthy(question):
            return Answer(question, Outcome.HEALTHY, why, setting, sent)
        return Answer(question, Outcome.EMPTY, reason, setting, sent)

    def _why_not(self, question: Question, text: str, within: Range) -> str:
        """Return why a query finds nothing; nothing where it finds something."""
        match question.language:
            case Language.TRACEQL:
                found = self.tempo.ask(text, question.limit, within)
                return "" if found else "no such span"
            case Language.SERVICE_GRAPH:
                for metric in (ServiceGraphMetric.REQUESTS, ServiceGraphMetric.SERVER_SUM):
                    by = f"{Label.CLIENT}, {Label.SERVER}"
                    expr = f"sum by ({by}) (rate({metric}{text}[{within.seconds}s]))"
                    if not self.prometheus.instant(expr, within.end):
                        return self.prometheus.why_empty(expr, within)
                return ""
            case _:
                return self._why_not_promql(question, text, within)

    def _why_not_promql(self, question: Question, text: str, within: Range) -> str:
        its = self.prometheus
        if question.exemplars and text.endswith(" < 0"):
            # It is there for its exemplars, which are those of kept traces.
            return "" if its.exemplars(text, within) else "no exemplars"
        found = its.instant(text, within.end) if question.instant else its.graph(text, within)
        if not found:
            return its.why_empty(text, within)
        if question.exemplars and not its.exemplars(text, within):
            return "series, but no exemplars"
        return ""


def _filled(language: Language, text: str, values: Mapping[str, Value], within: Range) -> str:
    if language is Language.PROMQL:
        return grafana.promql(text, values, within)
    return grafana.plain(text, values, within)
