"""Tiers of environments. Only imports the standard library: the policy pack reads this module."""

from enum import StrEnum


class Tier(StrEnum):
    """Value of an environment's data, which selects presets."""

    EPHEMERAL = "ephemeral"
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


#: Default tier by the environment's name. Any other name is production: a forgotten line must never
#: cost data.
TIERS = {
    "local": Tier.EPHEMERAL,
    "dev": Tier.DEVELOPMENT,
    "development": Tier.DEVELOPMENT,
    "staging": Tier.STAGING,
    "stage": Tier.STAGING,
}
#: Names of production environments.
PRODUCTION_NAMES = ("prod", "production")
