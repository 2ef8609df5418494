"""docs/policies.md lists the policies as they are."""

import re
from pathlib import Path

from components.core.tier import Tier
from policy.rules import RULES, Level, Rule

DOCUMENT = Path(__file__).parents[2] / "docs" / "policies.md"


def level(rule: Rule) -> str:
    """Return a rule's levels in words."""
    words = {level: [str(t) for t in Tier if rule.levels[t] is level] for level in Level}
    [most] = [found for found, tiers in words.items() if str(Tier.PRODUCTION) in tiers]
    others = [f"{found} in {' and '.join(t)}" for found, t in words.items() if found is not most]
    rest = [text for text in others if not text.endswith(" in ")]
    if rule.levels[Tier.STAGING] is Level.OFF:
        return f"{most} in production only"
    return "; ".join([f"{most}", *rest])


def expected() -> str:
    rows = [(f"`{rule.name}`", rule.what, rule.why, level(rule)) for rule in RULES]
    lines = [" | ".join(row) for row in [("policy", "requirement", "reason", "level"), *rows]]
    return "\n".join([f"| {lines[0]} |", "|---|---|---|---|", *(f"| {x} |" for x in lines[1:])])


def test_the_document_lists_the_policies() -> None:
    found = re.search(
        r"<!-- policies -->\n(.*?)\n<!-- /policies -->", DOCUMENT.read_text(), re.DOTALL
    )
    assert found is not None
    assert found[1] == expected(), f"docs/policies.md must hold:\n{expected()}"
