"""Reads the prices: plan/cost/prices.yaml."""

import datetime
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from components.checks import Problem, SettingsError

FILE = Path(__file__).with_name("prices.yaml")


class Unit(StrEnum):
    """Billed units, by name in prices.yaml."""

    S3_WRITES = "s3WritesPer1000"
    S3_READS = "s3ReadsPer1000"
    KMS_KEY = "kmsKeyMonth"
    KMS_REQUESTS = "kmsRequestsPer10000"
    VOLUME = "volumeGibMonth"
    CPU = "cpuCoreHour"
    MEMORY = "memoryGibHour"


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, allow_inf_nan=False
    )


class Tier(_Model):
    """Monthly price of a GiB in S3 up to an amount; the last tier has no limit."""

    up_to_gib: int | None = Field(default=None, gt=0)
    usd: float = Field(ge=0)


class _Offer(_Model):
    """Prices from one source."""

    source: str = Field(pattern=r"^https://\S+$")
    date: datetime.date
    storage_tiers: list[Tier] = Field(default=[])
    usd: dict[Unit, Annotated[float, Field(ge=0)]] = Field(default={})


@dataclass(frozen=True, kw_only=True)
class Prices:
    """The prices of one region in USD.

    Attributes:
        storage_tiers: monthly prices of a GiB in S3, from the first tier to the last.
    """

    usd: dict[Unit, float]
    storage_tiers: list[Tier]
    oldest: datetime.date
    newest: datetime.date

    def storage(self, gib: float) -> float:
        """Return the monthly price of an amount in S3, tier by tier."""
        total, below = 0.0, 0
        for tier in self.storage_tiers:
            end = gib if tier.up_to_gib is None else min(gib, tier.up_to_gib)
            total += max(0.0, end - below) * tier.usd
            below = tier.up_to_gib or below
        return total


@cache
def load(file: Path = FILE) -> dict[str, Prices]:
    """Return the prices by region; a SettingsError lists every problem of the file."""
    try:
        offers = TypeAdapter(dict[str, list[_Offer]]).validate_python(
            yaml.safe_load(file.read_text(encoding="utf-8"))
        )
    except yaml.YAMLError as error:
        raise SettingsError(file.name, [Problem(key=file.name, message=str(error))]) from None
    except ValidationError as error:
        found = [
            Problem(key=".".join(str(part) for part in e["loc"]), message=e["msg"])
            for e in error.errors()
        ]
        raise SettingsError(file.name, found) from None
    problems = [p for region, its in offers.items() for p in _problems(region, its)]
    if problems:
        raise SettingsError(file.name, problems)
    return {region: _merged(its) for region, its in offers.items()}


def _problems(region: str, offers: list[_Offer]) -> list[Problem]:
    counts = Counter(unit for offer in offers for unit in offer.usd)
    found = [
        Problem(key=f"{region}.{unit}", message=f"needs one price, has {counts[unit]}")
        for unit in Unit
        if counts[unit] != 1
    ]
    lists = [offer.storage_tiers for offer in offers if offer.storage_tiers]
    if len(lists) != 1:
        message = f"needs one list of tiers, has {len(lists)}"
        return [*found, Problem(key=f"{region}.storageTiers", message=message)]
    *ends, last = [tier.up_to_gib for tier in lists[0]]
    if last is not None or None in ends or ends != sorted(set(ends), key=lambda end: end or 0):
        message = "each tier must end above the one before, and the last have no upToGib"
        found.append(Problem(key=f"{region}.storageTiers", message=message))
    return found


def _merged(offers: list[_Offer]) -> Prices:
    days = [offer.date for offer in offers]
    return Prices(
        usd={unit: price for offer in offers for unit, price in offer.usd.items()},
        storage_tiers=[tier for offer in offers for tier in offer.storage_tiers],
        oldest=min(days),
        newest=max(days),
    )
