"""A rehearsal counts redactions by rule and attribute."""

from collections import Counter
from collections.abc import Mapping

import pytest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from components.alloy.clean.replay import Cleaning
from components.alloy.clean.settings import RedactionSettings
from components.alloy.pipeline import config
from components.alloy.settings import AlloySettings
from plan.rehearse import report
from plan.rehearse.collectors import Tier
from plan.rehearse.compare import NO_RULE, compare
from plan.rehearse.otlp import Source, Trace, add_attributes
from plan.rehearse.run import Rehearsal, Traffic, rehearse
from tests.alloy import corpus
from tests.alloy.cases import arguments
from tests.alloy.gateway import needs_alloy
from tests.plan.rehearse.test_rehearsal_report import rehearsal

SETTINGS = AlloySettings.model_validate(
    {
        "redaction": {
            "attributes": [
                {"name": "user.email"},
                {"name": "user.phone", "action": "hash"},
            ],
            "patterns": [{"name": "employee", "pattern": "EMP-[0-9]{6}"}],
            "kept": ["page.token"],
            "rules": {"cardNumbers": True},
            "hashKey": {"secret": "redaction"},
        },
        "routes": {"templates": ["/shops/{shop}/cart"]},
        "limits": {"valueBytes": 64},
    },
    by_alias=True,
    by_name=False,
)
CLEANING = Cleaning(redaction=SETTINGS.redaction, limits=SETTINGS.limits, routes=SETTINGS.routes)
#: Where, name and value of what each rule redacts, by the rules.
EACH: Mapping[tuple[str, ...], tuple[str, str, str]] = {
    ("headers",): ("span", "http.request.header.cookie", "id=1"),
    ("names",): ("span", "db.password", "hunter2"),
    ("attributes",): ("span", "user.email", "jo@example.com"),
    ("formats",): ("span", "note", f"key {corpus.AWS_KEY}."),
    ("pem",): ("event", "tls.content", corpus.PEM),
    ("urls",): ("span", "http.target", "/login?password=a&b=c"),
    ("assignments",): ("event", "exception.message", "login with password=a failed"),
    ("cardNumbers",): ("span", "card", "pay 4111 1111 1111 1111 now"),
    ("patterns: employee",): ("span", "by", "EMP-123456"),
    ("sqlLiterals",): ("span", "db.query.text", "select 1"),
    ("routes.ids",): ("span", "http.route", "/orders/17"),
    ("routes.templates",): ("span", "name", "GET /shops/berlin/cart"),
    ("limits.valueBytes",): ("span", "text", "x" * 65),
    # Two secrets in one value, and a text that two rules match: the first has replaced it.
    ("formats", "urls"): ("span", "url.full", f"https://bob:pass@h/a?x={corpus.JWT}"),
    ("names ",): ("span", "api.token", corpus.JWT),
}


def traffic() -> Traffic:
    source = Source(Resource(), InstrumentationScope(name="test"))
    add_attributes(source.resource.attributes, {"service.name": "shop"})
    traces: list[Trace] = []
    for number, (where, name, value) in enumerate(EACH.values(), 1):
        now = 1_700_000_000_000_000_000
        span = Span(name="call", kind=Span.SPAN_KIND_SERVER, start_time_unix_nano=now)
        span.trace_id, span.span_id = number.to_bytes(16, "big"), number.to_bytes(8, "big")
        span.end_time_unix_nano = now + 1
        if name == "name":
            span.name = value
        else:
            target = span.events.add(name="e") if where == "event" else span
            add_attributes(target.attributes, {name: value, "page.token": "p-2"})
        traces.append(Trace([(source, span)]))
    return Traffic(name="Traffic", traces=traces, per_second=1000)


@needs_alloy
def test_each_rule_is_counted_once() -> None:
    args = arguments(settings=SETTINGS, trust_unidentified=True)
    tier = Tier(name="alloy", config=config(args), environment={"REDACTION_HASH_KEY": ""})

    result = rehearse([tier], traffic(), "no Tempo", CLEANING)

    assert result.compared.spans.kept == len(EACH)
    assert result.compared.rules == Counter(
        (rule.strip(), where, name) for rules, (where, name, _) in EACH.items() for rule in rules
    )


@pytest.mark.parametrize(
    ("where", "cases"),
    [
        ("span", [*corpus.ATTRIBUTES, *corpus.SPAN_ATTRIBUTES, corpus.PRESIGNED]),
        ("event", corpus.ATTRIBUTES),
        ("resource", [*corpus.ATTRIBUTES, *corpus.RESOURCE_ATTRIBUTES]),
        ("span", [corpus.Case("name", sent, arrives) for sent, arrives in corpus.NAMES]),
        ("span", [corpus.Case("status.message", *text) for text in corpus.TEXTS]),
        ("event", [corpus.Case("exception.message", *text) for text in corpus.TEXTS]),
    ],
)
def test_the_rules_make_the_same_as_alloy(where: str, cases: list[corpus.Case]) -> None:
    """tests/alloy/test_clean.py sends the same corpus through a real Alloy."""
    its = AlloySettings()
    cleaning = Cleaning(redaction=its.redaction, limits=its.limits, routes=its.routes)
    for case in cases:
        *_, (_, arrives) = [("", case.sent), *cleaning.changes(where, case.key, case.sent)]
        assert arrives == case.arrives


def test_a_change_that_no_rule_explains_has_none() -> None:
    def changed(sent: str, arrives: str, name: str = "note") -> Counter[tuple[str, str, str]]:
        source = Source(Resource(), InstrumentationScope())
        before, after = Span(span_id=b"1"), Span(span_id=b"1")
        add_attributes(before.attributes, {name: sent})
        if arrives:
            add_attributes(after.attributes, {name: arrives})
        return compare([Trace([(source, before)])], [(source, after)], "", CLEANING).rules

    assert changed("a", "b") == {(NO_RULE, "span", "note"): 1}
    # A rule would make another text of it: a module has changed it too.
    assert changed(corpus.AWS_KEY, "REDACTED and more") == {(NO_RULE, "span", "note"): 1}
    assert changed("a", "") == {(NO_RULE, "span", "note"): 1}
    assert changed("a", "a") == {}


def test_removed_attributes_have_their_rule() -> None:
    listed = RedactionSettings(allowed=["shop.*"])
    cleaning = Cleaning(redaction=listed, limits=SETTINGS.limits, routes=SETTINGS.routes)

    assert cleaning.removal("span", "note") == "allowed"
    assert cleaning.removal("span", "shop.note") is None
    assert cleaning.removal("span", "service.name") is None


def test_the_report_has_rules_and_attributes() -> None:
    result: Rehearsal = rehearsal(100)
    result.compared.rules[("formats", "span", "note")] = 3
    result.compared.rules[(NO_RULE, "event", "x")] = 1
    side = report.Side(name="working tree", result=result, month=None)
    traffic = Traffic(name="Traffic", traces=[], per_second=100)

    text = report.markdown("dev", traffic, [side])

    assert "| `formats` | `note` | span | 3 |" in text
    assert f"| {NO_RULE} | `x` | event | 1 |" in text
    assert '"rule": "formats"' in report.as_json("dev", traffic, [side])
