"""Levels of policies by tier."""

from collections.abc import Mapping
from typing import Final

from components.core.tier import Tier

from .rule import Level

#: For violations that harm others or expose data.
ALWAYS: Final[Mapping[Tier, Level]] = dict.fromkeys(Tier, Level.MANDATORY)

#: The same, except that an S3 emulator on a laptop uses plain HTTP.
ON_AWS: Final[Mapping[Tier, Level]] = {**ALWAYS, Tier.EPHEMERAL: Level.OFF}

#: For violations that only harm the stack itself.
UPSTREAM: Final[Mapping[Tier, Level]] = {
    **ALWAYS,
    **dict.fromkeys((Tier.EPHEMERAL, Tier.DEVELOPMENT), Level.ADVISORY),
}

#: For the loss of traces.
KEPT_TRACES: Final[Mapping[Tier, Level]] = {
    Tier.EPHEMERAL: Level.OFF,
    Tier.DEVELOPMENT: Level.ADVISORY,
    Tier.STAGING: Level.ADVISORY,
    Tier.PRODUCTION: Level.MANDATORY,
}

#: By default only the bucket of production is protected.
PRODUCTION: Final[Mapping[Tier, Level]] = {
    **dict.fromkeys(Tier, Level.OFF),
    Tier.PRODUCTION: Level.MANDATORY,
}
