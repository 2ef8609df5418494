"""Redaction, drop rules and templates: what a stack file can't say, and what the plan warns of."""

from typing import Any

import pytest

from components.checks.clean import clean_notices
from components.checks.validate import parse_settings, validate
from components.core.re2 import wrong
from tests.checks.test_rules import stack_file
from tests.sweep import sweep

METRICS = {"metrics": {"url": "http://m", "remoteWriteUrl": "http://m/write"}}
ROLE = "arn:aws:iam::123456789012:role/logs"
AWS = {"auth": "sigv4", "sigv4": {"region": "eu-west-1", "roleArn": ROLE}}
TENANTS: dict[str, Any] = {"tenants": [{"name": "a", "values": ["a"]}], "default": "a"}
KEY = {"secret": "redaction"}
TAGS = {"service.name": "service", "shop": "shop"}
LOGS = {"logs": {"otlpUrl": "http://l/otlp"}}
SLO: dict[str, Any] = {
    "name": "carts",
    "owner": "shop",
    "objective": 99,
    "availability": {"service": "cart", "namespace": "shop", "operation": "GET /cart/17"},
}


def hashed(**more: Any) -> dict[str, Any]:
    return {"redaction": {"attributes": [{"name": "user.email", "action": "hash"}], **more}}


#: Settings of Alloy, other groups, the key that is reported, and part of the message.
REFUSED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (hashed(), {}, "alloy.redaction.attributes[0].action", "openssl rand -hex 32"),
    (
        {"redaction": {"attributes": [{"name": "u.*", "action": "hash"}], "hashKey": KEY}},
        {},
        "alloy.redaction.attributes[0].name",
        "must be the whole name",
    ),
    ({"redaction": {"hashKey": KEY}}, {}, "alloy.redaction.hashKey", "has no effect"),
    (
        {"redaction": {"attributes": [{"name": "http.*"}]}},
        {},
        "alloy.redaction.attributes[0].name",
        "selects http.route, which metrics, dashboards or links need",
    ),
    (
        {"redaction": {"attributes": [{"name": "service.name"}]}},
        {},
        "alloy.redaction.attributes[0].name",
        "selects service.name",
    ),
    (
        {"redaction": {"attributes": [{"name": "shop.*"}]}},
        {"tempo": {"spanMetrics": {"dimensions": ["shop.tier"]}}},
        "alloy.redaction.attributes[0].name",
        "selects shop.tier, which tempo.spanMetrics.dimensions uses",
    ),
    (
        {"redaction": {"allowed": ["url.*"]}},
        {"tempo": {"spanMetrics": {"dimensions": ["shop.tier"]}}},
        "alloy.redaction.allowed",
        "lacks shop.tier, which tempo.spanMetrics.dimensions uses: add it",
    ),
    (
        {"redaction": {"allowed": ["url.*"]}},
        {"backends": {"logs": {"otlpUrl": "http://l", "labels": {"tags": TAGS}}}},
        "alloy.redaction.allowed",
        "lacks shop, which backends.logs.labels uses",
    ),
    (
        {"redaction": {"enabled": False, "allowed": ["a"]}},
        {},
        "alloy.redaction.allowed",
        "has no effect with alloy.redaction.enabled: false",
    ),
    ({}, {"slos": [SLO]}, "slos[0].availability.operation", "use GET /cart/{id}"),
    (
        {"limits": {"valueBytes": 1_000_000}},
        {},
        "alloy.limits.valueBytes",
        "the size at which Tempo truncates values",
    ),
    ({"drop": [{}]}, {}, "alloy.drop[0]", "matches every span"),
    ({"drop": [{"service": "*"}]}, {}, "alloy.drop[0]", "matches every span"),
    ({"drop": [{"route": "internal"}]}, {}, "alloy.drop[0].route", "a path with a slash in front"),
    (
        {"redaction": {"patterns": [{"name": "a", "pattern": "(?=x)y"}]}},
        {},
        "alloy.redaction.patterns[0].pattern",
        "has (?=, a lookahead or lookbehind, which RE2 doesn't have: use the syntax of RE2",
    ),
    ({"routes": {"templates": ["/a/b"]}}, {}, "alloy.routes.templates[0]", "/shops/{shop}/cart"),
    (
        {
            "redaction": {"allowed": ["url.*"]},
            "sampling": {
                "mode": "on",
                "rules": [
                    {
                        "name": "paid",
                        "attribute": {"key": "shop.plan", "value": "a"},
                        "always": True,
                    }
                ],
            },
        },
        {},
        "alloy.redaction.allowed",
        "lacks shop.plan, which alloy.sampling.rules[0].attribute uses",
    ),
    (
        {"redaction": {"attributes": [{"name": "shop.*"}]}},
        {"tenancy": {"mode": "byAttribute", "attribute": "shop.team", **TENANTS}},
        "alloy.redaction.attributes[0].name",
        "selects shop.team, which tenancy.attribute uses",
    ),
    ({"spanLogs": True}, {}, "alloy.spanLogs", "needs a backend for the lines"),
    ({"podLogs": {"enabled": True}}, {}, "alloy.podLogs.enabled", "needs a backend"),
    (
        {"podLogs": {"enabled": True}},
        {"backends": {"logs": {"otlpUrl": "http://l/otlp", "labels": "podLogs"}}},
        "backends.logs.labels",
        "is for lines of another collector",
    ),
    (
        {"podLogs": {"enabled": True}},
        {"backends": {"logs": {"otlpUrl": "https://l.example.com", **AWS}}},
        "alloy.podLogs.enabled",
        "can't sign requests for AWS",
    ),
    ({"redaction": {"allowed": ["*"]}}, {}, "alloy.redaction.allowed[0]", "customer.*"),
]


@sweep(("alloy", "others", "key", "message"), REFUSED, ids=lambda case: f"{case[2]}: {case[3]}")
def test_what_leads_nowhere_or_takes_what_others_need_is_refused(
    alloy: dict[str, Any], others: dict[str, Any], key: str, message: str
) -> None:
    groups = stack_file(alloy=alloy, backends=METRICS)
    for group, values in others.items():
        groups[group] = values if isinstance(values, list) else {**groups.get(group, {}), **values}
    found = {problem.key: problem.message for problem in validate(groups)[1]}

    assert key in found
    assert message in found[key]
    assert len(found) == 1


def test_what_the_example_sets_is_accepted() -> None:
    alloy = {
        **hashed(hashKey={"secret": "redaction"}, allowed=["url.*", "shop.tier"]),
        "drop": [{"service": "load-*"}, {"route": "/internal/*"}],
    }
    tempo = {"spanMetrics": {"dimensions": ["shop.tier"]}}

    assert validate(stack_file(alloy=alloy, tempo=tempo, backends={**METRICS, **LOGS}))[1] == []


@pytest.mark.parametrize(
    ("groups", "notice"),
    [
        (
            {"tempo": {"spanMetrics": {"dimensions": ["url.full"]}}},
            "url.full has a value for",
        ),
        ({"tempo": {"spanMetrics": {"dimensions": ["user.id"]}}}, "user.id has a value for"),
        (
            {"alloy": {"redaction": {"enabled": False}}},
            "secrets in attributes and log bodies",
        ),
        ({"alloy": {"routes": {"ids": False}}}, "each id in a span name"),
    ],
)
def test_the_plan_warns(groups: dict[str, Any], notice: str) -> None:
    [found] = clean_notices(parse_settings(stack_file(backends=METRICS, **groups)))

    assert notice in found


def test_the_plan_warns_of_an_slo_whose_spans_are_dropped() -> None:
    slo = {**SLO, "availability": {"service": "cart", "namespace": "shop"}}
    groups = {**stack_file(alloy={"drop": [{"service": "c*"}]}, backends=METRICS), "slos": [slo]}
    [found] = clean_notices(parse_settings(groups))

    assert "alloy.drop[0] drops all spans of cart, which the SLO carts counts" in found


@sweep(
    ("pattern", "what"),
    [
        ("EMP-[0-9]{6}", None),
        ("(?i)x", None),
        (r"\pL+\z", None),
        ("[[:alpha:]]+x", None),
        ("[(?=]x", None),
        (r"\Qa.b\E", None),
        ("(?P<n>x)(?<m>y)", None),
        (r"\\1x", None),
        ("(?<!a)b", "lookbehind"),
        (r"(a)\1", "reference"),
        ("a++", "possessive"),
        ("a{2000}", "1000 times"),
        (r"a\Z", "escape"),
        ("[a-z", "isn't a regular expression"),
        ("x*", "empty string"),
        ("a|", "empty string"),
    ],
    ids=str,
)
def test_a_pattern_must_be_one_of_re2(pattern: str, what: str | None) -> None:
    found = wrong(pattern)
    assert (found is None) is (what is None)
    assert (what or "") in (found or "")
