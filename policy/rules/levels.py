"""What a violation does in which environment: the one place that says so."""

from collections.abc import Mapping
from typing import Final

from components.core.tier import Tier

from .rule import Level

#: What would hurt others, or open data to them, is wrong everywhere.
ALWAYS: Final[Mapping[Tier, Level]] = dict.fromkeys(Tier, Level.MANDATORY)

#: The same, but a stand-in for S3 on a laptop speaks plain HTTP.
ON_AWS: Final[Mapping[Tier, Level]] = {**ALWAYS, Tier.EPHEMERAL: Level.OFF}

#: What hurts the stack itself may be tried out where little is lost.
UPSTREAM: Final[Mapping[Tier, Level]] = {
    Tier.EPHEMERAL: Level.ADVISORY,
    Tier.DEVELOPMENT: Level.ADVISORY,
    Tier.STAGING: Level.MANDATORY,
    Tier.PRODUCTION: Level.MANDATORY,
}

#: Traces that somebody still needs: production's, and elsewhere a word is enough.
KEPT_TRACES: Final[Mapping[Tier, Level]] = {
    Tier.EPHEMERAL: Level.OFF,
    Tier.DEVELOPMENT: Level.ADVISORY,
    Tier.STAGING: Level.ADVISORY,
    Tier.PRODUCTION: Level.MANDATORY,
}

#: Only production's bucket is protected by default.
PRODUCTION: Final[Mapping[Tier, Level]] = {
    **dict.fromkeys(Tier, Level.OFF),
    Tier.PRODUCTION: Level.MANDATORY,
}
