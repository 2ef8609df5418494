"""Checks a plan against the policies that `pulumi preview --policy-pack policy` checks."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.core.tier import Tier
from config.markdown import table
from policy.rules import RULES, Before, Level, Resource, Rule, Violation, violations
from policy.rules.retention import DEPLOYED_HOURS, SHORTENED, retention_hours

PACK = Path("policy")
#: Exists once the pack's own virtual environment is complete (`make policy/venv/.policy`).
INSTALLED = PACK / "venv" / ".policy"
CONFIG = Path("build", "policy")


def ask(
    found: Sequence[Mapping[str, Any]], tier: Tier, before: Sequence[Mapping[str, Any]] = ()
) -> list[Violation]:
    """Return the violations of a plan, mandatory ones first.

    Resources are as in plan.json; those of `before`, which are deployed, may be as in a state
    export. Without them, a shorter retention is not detected.
    """
    known = Before(retention_hours=retention_hours(resources(before)))
    return violations(resources(found), tier, known)


def resources(documents: Sequence[Mapping[str, Any]]) -> list[Resource]:
    """Return resources of a plan or of a state as the policies read them."""
    return [
        Resource(
            urn=document["urn"],
            type=document["type"],
            name=_name(document["urn"]),
            inputs=document.get("inputs") or {},
            protect=bool(document.get("protect")),
            dependencies=document.get("dependencies") or (),
        )
        for document in documents
    ]


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def _asked(tier: Tier) -> list[Rule]:
    """Return the policies that a plan alone can be checked against."""
    return [rule for rule in RULES if rule.levels[tier] is not Level.OFF and not rule.compares]


def as_json(found: Sequence[Violation], tier: Tier) -> str:
    """Return the evaluated policies, their levels and the violations as JSON."""
    fixes = {rule.name: rule.fix for rule in RULES}
    document = {
        "tier": tier,
        "asked": {rule.name: rule.levels[tier] for rule in _asked(tier)},
        "violations": [
            {
                "policy": v.rule,
                "level": v.level,
                "urn": v.urn,
                "message": v.message,
                "fix": fixes[v.rule],
            }
            for v in found
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def section(found: Sequence[Violation], tier: Tier) -> str:
    """Return the violations as Markdown."""
    if found:
        rows = [(v.level, v.rule, _name(v.urn), v.message) for v in found]
        shown = table([("level", "policy", "resource", "problem"), *rows], aligned=True)
    else:
        shown = f"No violations of the {len(_asked(tier))} policies that a plan can evaluate."
    later = [f"`{r.name}`" for r in RULES if r.compares and r.levels[tier] is not Level.OFF]
    more = f" {', '.join(later)} compares with the deployed stack: run `make preview`."
    return f"{shown}\n\nReasons and fixes: docs/policies.md.{more if later else ''}"


def refusal(policy: Mapping[str, Any], source: str) -> str | None:
    """Return the error message for violations of mandatory policies in policy.json, or None."""
    wrong = [v for v in policy["violations"] if v["level"] == Level.MANDATORY]
    if not wrong:
        return None
    count = "1 violation" if len(wrong) == 1 else f"{len(wrong)} violations"
    lines = [f"{source}: {count} of mandatory policies; `make up` would be refused."]
    for violation in wrong:
        lines.append(f"\n  {_name(violation['urn'])}: {violation['policy']}")
        lines.append(f"    {violation['message']}")
        lines.append(f"    {violation['fix']}")
    return "\n".join(lines)


def pack_options(cli: str, stack: str, env: Mapping[str, str]) -> list[str]:
    """Return the CLI's options that evaluate the policy pack; none if it is not installed.

    The engine passes a policy the new properties of a resource, not the deployed ones. So what a
    policy needs from the deployed stack is read from its state here and passed as configuration.
    """
    if not INSTALLED.exists():
        return []
    given = ["--policy-pack", str(PACK)]
    hours = _deployed_retention(cli, stack, env)
    if hours is None:
        return given
    CONFIG.mkdir(parents=True, exist_ok=True)
    config = CONFIG / f"{stack}.json"
    config.write_text(json.dumps({SHORTENED: {DEPLOYED_HOURS: hours}}) + "\n", encoding="utf-8")
    return [*given, "--policy-pack-config", str(config)]


def _deployed_retention(cli: str, stack: str, env: Mapping[str, str]) -> float | None:
    """Return the retention in the stack's state; None for a stack that was never deployed."""
    done = subprocess.run(  # noqa: S603 - the CLI that runs next
        [cli, "stack", "export", "--stack", stack], env=env, capture_output=True, text=True
    )
    if done.returncode != 0:
        return None
    state: list[dict[str, Any]] = json.loads(done.stdout)["deployment"].get("resources") or []
    return retention_hours(resources(state))
