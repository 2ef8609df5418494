"""The policies: each finds what it is there for, and nothing in what the stack makes."""

from pathlib import Path

import pytest
from hypothesis import given

from components.core.helm import Chart
from components.core.tier import Tier
from components.settings import TracingSettings
from plan import policies
from plan.write import documents as written
from policy.rules import RULES, UNKNOWN, Before, Level, Violation, violations
from policy.rules.releases import containers
from tests.contracts.check import contract
from tests.policy.cases import CASES, Case, Documents, documents, one, setting
from tests.properties import examples
from tests.stack.test_stack_settings import Tree, build
from tests.stack.valid_settings import valid_groups
from tests.stack.variants import PINNED, PROGRAMS, recorded
from tests.sweep import sweep

ROOT = Path(__file__).parents[2]
STACKS = {
    "dev": Tier.DEVELOPMENT,
    "local": Tier.EPHEMERAL,
    "prod": Tier.PRODUCTION,
    "staging": Tier.STAGING,
}
NAMES = [rule.name for rule in RULES]


def asked(found: Documents, *, before: float | None = None, without: str = "") -> list[Violation]:
    """Ask all policies, or all but one, about a production stack."""
    rules = [rule for rule in RULES if rule.name != without]
    known = Before(retention_hours=before)
    return violations(policies.resources(found), Tier.PRODUCTION, known, rules=rules)


@pytest.mark.parametrize("stack", STACKS)
def test_the_stacks_violate_nothing(stack: str) -> None:
    assert policies.ask(documents(stack), STACKS[stack]) == []


@sweep("case", CASES, ids=lambda c: f"{c.rule}: {c.how}")
def test_a_violation_is_found_by_its_policy_and_by_no_other(case: Case) -> None:
    found = asked(case.resources(), before=case.before)
    assert {v.rule for v in found} == {case.rule}
    assert asked(case.resources(), before=case.before, without=case.rule) == []


def test_every_policy_has_a_case_that_violates_it() -> None:
    assert {case.rule for case in CASES} == set(NAMES)
    assert len(set(NAMES)) == len(NAMES)


@sweep("name", PROGRAMS)
@sweep("preview", [True, False], ids=["preview", "update"])
def test_no_variant_of_the_stack_violates_anything(name: str, preview: bool) -> None:
    assert policies.ask(written(recorded(name, preview=preview)), _tier(name)) == []


def _tier(name: str) -> Tier:
    return STACKS.get(name, Tier.PRODUCTION if name == "distributed-irsa" else Tier.DEVELOPMENT)


@examples(8)
@given(groups=valid_groups())
def test_no_settings_can_violate_anything_but_the_buckets_protection(groups: Tree) -> None:
    settings = TracingSettings.model_validate(groups)
    found = policies.ask(written(build(settings, preview=True)), settings.environment.tier)
    unprotected = settings.environment.tier is Tier.PRODUCTION and not settings.storage.protect
    own = unprotected and not settings.storage.existing
    assert [v.rule for v in found] == (["bucket-unprotected"] if own else [])


def test_what_is_not_known_yet_is_not_judged() -> None:
    found = documents("prod")
    for resource in found:
        keep = {"bucket": UNKNOWN} if "s3/" in resource["type"] else {}
        if resource["type"].endswith(":Release"):
            keep = {k: v for k, v in resource["inputs"].items() if k != "values"}
            keep |= {"values": UNKNOWN}
        resource["inputs"] = dict.fromkeys(resource["inputs"], UNKNOWN) | keep
    assert asked(found) == []


def test_beyla_may_do_what_it_needs() -> None:
    found = documents("prod")
    values = one(found, "beyla-release")["inputs"]["values"]
    values |= {"privileged": True, "hostPID": True}
    assert asked(found) == []


def test_retention_may_be_halved_and_grow() -> None:
    for before in (1, 336, 672, None):
        assert asked(documents("prod"), before=before) == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_retention_so_far_is_read_from_the_resources_of_before(stack: str) -> None:
    shorter = documents(stack)
    release = one(shorter, "tempo-release")["inputs"]
    path = "tempo/retention" if stack == "dev" else "compactor/config/compaction/block_retention"
    setting("tempo-release", f"values/{path}", "24h")(shorter)
    assert release["chart"] == ("tempo" if stack == "dev" else "tempo-distributed")
    [found] = policies.ask(shorter, STACKS[stack], documents(stack))
    hours = 72 if stack == "dev" else 336
    assert found.rule == "retention-shortened"
    assert found.message == f"traces are kept for 24 hours, so far for {hours}: less than half"


def test_levels_follow_the_tier() -> None:
    found = documents("prod")
    one(found, "storage-bucket")["protect"] = False
    one(found, "beyla-release")["inputs"]["maxHistory"] = 0
    found.remove(one(found, "storage-tls-only"))
    levels = {tier: {v.rule: v.level for v in policies.ask(found, tier)} for tier in reversed(Tier)}
    strict = dict.fromkeys(
        ("bucket-plain-http", "bucket-unprotected", "release-unlimited-history"), Level.MANDATORY
    )
    assert levels[Tier.PRODUCTION] == strict
    del strict["bucket-unprotected"]
    assert levels[Tier.STAGING] == strict
    assert levels[Tier.DEVELOPMENT] == strict | {"release-unlimited-history": Level.ADVISORY}
    assert levels[Tier.EPHEMERAL] == {"release-unlimited-history": Level.ADVISORY}
    in_order = [v.level for v in policies.ask(found, Tier.DEVELOPMENT)]
    assert in_order == [Level.MANDATORY, Level.ADVISORY]


@pytest.mark.parametrize("chart", PINNED, ids=lambda chart: chart.name)
def test_limits_are_asked_of_every_container_that_a_chart_can_run(chart: Chart) -> None:
    found = containers(chart.name)
    keys = contract(f"{chart.name}-{chart.version}")["keys"]
    assert set(found) <= set(keys)
    assert {switch for switch, _ in found.values()} <= {"", *keys}


def test_containers_are_those_that_the_charts_have() -> None:
    """Always, by a switch that is on or off, by replicas, and by the switch of another one."""
    assert dict(containers("alloy")) == {
        "alloy.resources": ("", False),
        "configReloader.resources": ("configReloader.enabled", True),
    }
    assert containers("beyla")["k8sCache.resources"] == ("k8sCache.replicas", False)
    distributed = containers("tempo-distributed")
    assert distributed["compactor.resources"] == ("compactor.replicas", True)
    assert distributed["backendWorker.resources"] == ("backendScheduler.enabled", False)
    assert "enterpriseGateway.resources" not in distributed
    assert containers("tempo*") == {}
