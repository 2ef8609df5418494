"""AWS partitions and regions."""

import difflib
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from .base import explained
from .texts import Text


@dataclass(frozen=True, kw_only=True)
class Partition:
    """An AWS partition: regions that share accounts, ARNs and an endpoint domain."""

    name: str
    """Second part of each ARN, for example `aws-cn`."""
    dns_suffix: str
    """Domain of the service endpoints."""
    prefix: str
    """Common prefix of the region names; empty for `aws`."""
    regions: tuple[str, ...]
    """Names of the regions."""


#: Recorded from botocore 1.44.5 (data/partitions.json) on 2026-11-29. A test compares this list
#: with the botocore of requirements-dev.txt, so a botocore update that adds a region fails until
#: the region is added here.
PARTITIONS = (
    Partition(
        name="aws",
        dns_suffix="amazonaws.com",
        prefix="",
        regions=(
            "af-south-1",
            *("ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
            *("ap-south-1", "ap-south-2"),
            *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
            *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
            *("ca-central-1", "ca-west-1"),
            *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
            *("eu-west-1", "eu-west-2", "eu-west-3"),
            "il-central-1",
            *("me-central-1", "me-south-1", "me-west-1"),
            "mx-central-1",
            *("sa-east-1", "sa-west-1"),
            *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
        ),
    ),
    Partition(
        name="aws-cn",
        dns_suffix="amazonaws.com.cn",
        prefix="cn-",
        regions=("cn-north-1", "cn-northwest-1"),
    ),
    Partition(
        name="aws-eusc", dns_suffix="amazonaws.eu", prefix="eusc-", regions=("eusc-de-east-1",)
    ),
    Partition(
        name="aws-iso",
        dns_suffix="c2s.ic.gov",
        prefix="us-iso-",
        regions=("us-iso-east-1", "us-iso-west-1"),
    ),
    Partition(
        name="aws-iso-b",
        dns_suffix="sc2s.sgov.gov",
        prefix="us-isob-",
        regions=("us-isob-east-1", "us-isob-west-1"),
    ),
    Partition(
        name="aws-iso-e",
        dns_suffix="cloud.adc-e.uk",
        prefix="eu-isoe-",
        regions=("eu-isoe-west-1",),
    ),
    Partition(
        name="aws-iso-f",
        dns_suffix="csp.hci.ic.gov",
        prefix="us-isof-",
        regions=("us-isof-east-1", "us-isof-south-1"),
    ),
    Partition(
        name="aws-us-gov",
        dns_suffix="amazonaws.com",
        prefix="us-gov-",
        regions=("us-gov-east-1", "us-gov-west-1"),
    ),
)

#: All regions of all partitions.
REGIONS = tuple(region for partition in PARTITIONS for region in partition.regions)


def partition(region: str) -> str:
    """Return the partition of a region, the second part of its ARNs."""
    return _partition(region).name


def dns_suffix(region: str) -> str:
    """Return the domain of the AWS endpoints in a region."""
    return _partition(region).dns_suffix


class S3Endpoint(StrEnum):
    """Which of a region's endpoints of S3 is used."""

    STANDARD = "standard"
    DUALSTACK = "dualstack"
    FIPS = "fips"
    FIPS_DUALSTACK = "fipsDualstack"


#: Regions and partitions with an endpoint of S3 for FIPS 140, and partitions with one for IPv4 and
#: IPv6. Recorded from botocore 1.44.5 (data/endpoints.json).
_FIPS = ("ca-", "us-east-", "us-west-", "us-gov-", "us-iso-", "us-isob-east-")
_DUALSTACK = ("aws", "aws-cn", "aws-us-gov")


def s3_endpoints(region: str) -> list[S3Endpoint]:
    """Return the kinds of S3 endpoints that a region has."""
    fips, dual = region.startswith(_FIPS), partition(region) in _DUALSTACK
    return [
        S3Endpoint.STANDARD,
        *([S3Endpoint.DUALSTACK] if dual else []),
        *([S3Endpoint.FIPS] if fips else []),
        *([S3Endpoint.FIPS_DUALSTACK] if fips and dual else []),
    ]


def s3_host(region: str, endpoint: S3Endpoint) -> str:
    """Return the host name of S3 in a region."""
    service = "s3-fips" if endpoint in (S3Endpoint.FIPS, S3Endpoint.FIPS_DUALSTACK) else "s3"
    dual = endpoint in (S3Endpoint.DUALSTACK, S3Endpoint.FIPS_DUALSTACK)
    return f"{service}{'.dualstack' if dual else ''}.{region}.{dns_suffix(region)}"


def _partition(region: str) -> Partition:
    """Match by prefix, so that components accept regions newer than the list."""
    aws, *others = PARTITIONS
    return next((p for p in others if region.startswith(p.prefix)), aws)


_NAME = Text("the name of an AWS region", "eu-west-1")


def _known(region: str) -> str:
    if region in REGIONS:
        return region
    near = difflib.get_close_matches(region.lower(), REGIONS, n=1)
    raise explained(f"must be {_NAME}" + (f"; did you mean {near[0]}?" if near else ""))


#: Name of an AWS region.
Region = Annotated[
    str, _NAME, AfterValidator(_known), Field(json_schema_extra={"enum": [*REGIONS]})
]
