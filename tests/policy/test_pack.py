"""The policy pack says of a stack what the plan says of it."""

import json
import re
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from components.core.tier import Tier
from plan import policies
from policy.rules import RULES, Violation
from policy.rules.retention import DEPLOYED_HOURS, SHORTENED
from tests.policy import pack
from tests.policy.cases import CASES, documents
from tests.policy.pack import Pack
from tests.policy.test_policies import STACKS

ROOT = Path(__file__).parents[2]
_MISSING = pack.missing()
needs_the_pack = pytest.mark.skipif(_MISSING is not None, reason=_MISSING or "")


@pytest.fixture(scope="module")
def production() -> Generator[Pack]:
    with pack.running({"tracing:environment": json.dumps({"name": "prod"})}) as found:
        yield found


def same(found: list[Violation], planned: list[Violation]) -> bool:
    return Counter(found) == Counter(planned)


@needs_the_pack
def test_every_violation_is_told_as_the_plan_tells_it(production: Pack) -> None:
    known = documents("prod")
    assert production.ask(known) == []
    for case in CASES:
        production.configure({SHORTENED: {DEPLOYED_HOURS: case.before}} if case.before else {})
        found = production.ask(case.resources(), None if case.before else known)
        if case.before is None:
            assert same(found, policies.ask(case.resources(), Tier.PRODUCTION)), case
        assert {v.rule for v in found} == {case.rule}, case


@needs_the_pack
def test_a_resource_that_the_command_leaves_out_violates_nothing(production: Pack) -> None:
    """The engine passes no inputs for a resource that `--exclude` keeps from being created."""
    known = documents("prod")
    production.configure({})
    for left_out in known:
        empty = {**left_out, "inputs": dict[str, Any]()}
        found = [empty if r is left_out else r for r in known]
        assert production.ask(found, known) == [], left_out["urn"]


TIERS = {
    **{json.dumps({"name": stack}): tier for stack, tier in STACKS.items()},
    '{"name": "qa"}': Tier.PRODUCTION,
    '{"name": "qa", "tier": "development"}': Tier.DEVELOPMENT,
    '{"name": "dev", "tier": "production"}': Tier.PRODUCTION,
    '{"name": "dev", "tier": "precious"}': Tier.PRODUCTION,
    '{"name": ["dev"]}': Tier.PRODUCTION,
    "{}": Tier.PRODUCTION,
    "dev": Tier.PRODUCTION,
}


@needs_the_pack
def test_the_levels_are_those_of_the_programs_tier(production: Pack) -> None:
    expected = [{rule.name: rule.levels[tier] for rule in RULES} for tier in TIERS.values()]
    assert pack.levels(list(TIERS)) == expected
    assert production.levels() == expected[list(TIERS.values()).index(Tier.PRODUCTION)]


def test_the_pack_has_the_stacks_version_of_pulumi() -> None:
    def pinned(file: str) -> str:
        [found] = re.findall(r"^pulumi==\S+$", (ROOT / file).read_text(), re.MULTILINE)
        return found

    assert pinned("policy/requirements.in") == pinned("requirements.in")
