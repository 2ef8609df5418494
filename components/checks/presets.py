"""Defaults by tier: the models' own defaults suit production, the presets relax them."""

from typing import Any

from ..core.tier import TIERS, Tier

#: Values under those of the stack file, by group, as they would be written there.
PRESETS: dict[Tier, dict[str, dict[str, Any]]] = {
    Tier.EPHEMERAL: {
        "storage": {"protect": False, "forceDestroy": True},
        "beyla": {"namespaces": ["*"]},
        "charts": {"atomic": False},
    },
    Tier.DEVELOPMENT: {
        "storage": {"protect": False},
        "beyla": {"namespaces": ["*"]},
        "charts": {"atomic": False},
    },
    Tier.STAGING: {
        "storage": {"protect": False},
        "charts": {"atomic": False},
    },
    Tier.PRODUCTION: {},
}


def with_presets(groups: dict[str, Any]) -> dict[str, Any]:
    """Return the groups of a stack file with the presets of its tier under them.

    Values that are of the wrong kind stay as they are: validation reports them.
    """
    environment = groups.get("environment")
    if not isinstance(environment, dict):
        return groups
    given: dict[str, Any] = environment  # pyright: ignore[reportUnknownVariableType]
    name = given.get("name")
    by_name = TIERS.get(name, Tier.PRODUCTION) if isinstance(name, str) else Tier.PRODUCTION
    tier = given.get("tier", by_name)
    merged = {**groups, "environment": {"tier": tier, **given}}
    if tier not in PRESETS:
        return merged
    for group, preset in PRESETS[Tier(tier)].items():
        own: Any = merged.get(group, {})
        if isinstance(own, dict):
            merged[group] = {**preset, **own}
    return merged
