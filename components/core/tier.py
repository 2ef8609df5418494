"""What an environment's data is worth. Of the standard library alone: the policy pack reads it."""

from enum import StrEnum


class Tier(StrEnum):
    """How much an environment's data is worth; presets follow from it."""

    EPHEMERAL = "ephemeral"
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


#: Tier of an environment by its name, where the stack file gives none. Any other name is treated as
#: production: to forget a line must never cost data.
TIERS = {
    "local": Tier.EPHEMERAL,
    "dev": Tier.DEVELOPMENT,
    "development": Tier.DEVELOPMENT,
    "staging": Tier.STAGING,
    "stage": Tier.STAGING,
}
#: Names that promise production data.
PRODUCTION_NAMES = ("prod", "production")
