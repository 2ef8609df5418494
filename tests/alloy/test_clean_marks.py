"""Redaction searches one text for fixed strings first: none that a rule would find may lack one."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.alloy.clean import statements
from components.alloy.clean.settings import RedactionRuleSettings, RedactionSettings

_NO_RULE = dict.fromkeys(RedactionRuleSettings.model_fields, False)


def marked(text: str, *, texts: bool = False, **rules: bool) -> bool:
    """Return whether a text has a mark of some rules, as the collector's library finds it."""
    settings = RedactionSettings(rules=RedactionRuleSettings(**{**_NO_RULE, **rules}))
    marks = statements._TEXT_MARKS if texts else ()  # pyright: ignore[reportPrivateUsage]
    glob = statements._marks(settings, marks)  # pyright: ignore[reportPrivateUsage]
    _, *parts = glob[1:-1].split(",")
    found = (".*".join(map(re.escape, part.split("*"))) for part in parts)
    return any(re.search(one, text.lower(), re.DOTALL) for one in found)


def matching(pattern: str) -> st.SearchStrategy[str]:
    # Hypothesis adds a line feed in front of `$`.
    ascii_text = st.characters(codec="ascii")
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True, alphabet=ascii_text)


#: The rule, its pattern, and whether it is for texts only.
_PATTERNS: list[Any] = [
    *(("formats", pattern, False) for pattern in statements._TOKENS),  # pyright: ignore
    ("pem", statements._PRIVATE_KEY, False),  # pyright: ignore[reportPrivateUsage]
    ("urls", statements._USER, False),  # pyright: ignore[reportPrivateUsage]
    ("urls", statements.QUERY, False),
    ("assignments", f"(?i)(?:{statements._ASSIGNED})[:=]", True),  # pyright: ignore
    ("assignments", f"(?i)(?:{statements._ASSIGNED_LINES})[:=]", True),  # pyright: ignore
]


@pytest.mark.parametrize(("rule", "pattern", "texts"), _PATTERNS)
@given(data=st.data())
def test_what_a_rule_finds_is_marked(
    rule: str, pattern: str, texts: bool, data: st.DataObject
) -> None:
    assert marked(data.draw(matching(pattern)), texts=texts, **{rule: True})


_NAMES = [
    *(
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "jwt",
        "credential",
        "credentials",
    ),
    *(
        f"{kind}{between}key{end}"
        for kind in ("api", "access", "private", "secret", "encryption", "signing", "account")
        for between in ("", ".", "_", "-")
        for end in ("", "id", ".id", "_id", "-id")
    ),
]


@pytest.mark.parametrize(
    ("rule", "ends", "names"),
    [
        ("headers", statements.HEADER_NAMES, ["authorization", "cookie"]),
        ("names", statements.SENSITIVE_NAMES, _NAMES),
    ],
)
def test_a_secret_name_is_marked(rule: str, ends: str, names: list[str]) -> None:
    for name in (spelled for one in names for spelled in (one, one.upper(), one.title())):
        assert re.search(f"(?i)(?:{ends})$", name)
        assert marked(f"http.x.{name}=a b", **{rule: True}), name
        # OTTL's ToKeyValueString puts names with a blank or an equals sign into quotes.
        assert marked(f'"my {name}"=a b', **{rule: True})


@pytest.mark.parametrize(
    "text",
    [
        "GET /products/{id} http.request.method=GET http.route=/products/{id} url.scheme=http",
        "SELECT orders-db db.system.name=postgresql peer.service=orders-db server.port=5432",
        'db.query.text="SELECT a, b FROM t WHERE email = ? AND id IN (?, ?)"',
        "user.id=17 session.id=00112233 url.full=https://shop.example/a user_agent.original=curl",
    ],
)
def test_a_usual_span_is_not_marked(text: str) -> None:
    assert not marked(text, headers=True, names=True, urls=True, formats=True, pem=True)
