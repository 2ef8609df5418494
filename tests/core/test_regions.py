"""Regions: every one has its partition in ARNs and host names, and no other is accepted."""

import json
import re
from importlib import resources
from typing import Any

import pytest

from bootstrap import policies
from bootstrap.names import boundary_arn
from components.checks.validate import validate
from components.core import iam, names
from components.core.regions import (
    PARTITIONS,
    REGIONS,
    Partition,
    S3Endpoint,
    dns_suffix,
    partition,
    s3_endpoints,
    s3_host,
)
from components.identity import policies as identity
from components.identity.role import role_arn
from components.identity.settings import IdentitySettings
from components.storage import policies as storage
from components.tempo.component import TempoArgs
from components.tempo.config import s3
from tests.sweep import sweep

ACCOUNT = "111122223333"


def recorded() -> dict[str, dict[str, Any]]:
    """Return the partitions of the locked botocore by id."""
    file = resources.files("botocore") / "data/partitions.json"
    return {p["id"]: p for p in json.loads(file.read_text(encoding="utf-8"))["partitions"]}


def test_the_list_is_botocores() -> None:
    listed = {p.name: (p.dns_suffix, set(p.regions)) for p in PARTITIONS}
    assert listed == {
        name: (
            its["outputs"]["dnsSuffix"],
            {region for region in its["regions"] if not region.endswith("-global")},
        )
        for name, its in recorded().items()
    }


@sweep("its", PARTITIONS, ids=lambda its: its.name)
def test_a_prefix_tells_the_partition_as_botocores_pattern_does(its: Partition) -> None:
    pattern = recorded()[its.name]["regionRegex"]
    assert [r for r in REGIONS if partition(r) == its.name] == list(its.regions)
    assert all(re.match(pattern, region) for region in its.regions)
    # A region that AWS has not opened yet.
    assert partition(f"{its.prefix or 'eu-'}{'de-' * (its.name == 'aws-eusc')}west-9") == its.name


@sweep("region", REGIONS)
def test_every_arn_and_host_is_of_the_regions_partition(region: str) -> None:
    where = {"region": region, "account_id": ACCOUNT}
    pod = {"namespace": "tracing", "service_account": "tempo"}
    cluster = {"name": "c", "region": region, "accountId": ACCOUNT}
    stack, _ = validate({"environment": {"name": "qa"}, "cluster": cluster})
    issuer = f"https://oidc.eks.{region}.{dns_suffix(region)}/id/A"
    made = [
        names.cluster_arn(**where, cluster="c"),
        boundary_arn(stack),
        policies.read_stack(stack),
        policies.write_stack(stack),
        role_arn(IdentitySettings(), role_name="r", **where),
        identity.pod_identity_trust(cluster="c", **where, **pod),
        identity.irsa_trust(oidc_issuer=issuer, **where, **pod),
        iam.document(*identity.bucket_access("traces", region=region)),
        names.bucket_arn("traces", region=region),
        storage.tls_only("traces", region=region),
        storage.key(**where),
        policies.github_trust(
            repository="o/r",
            environment="qa",
            region=region,
            account_id=where["account_id"],
        ),
    ]
    arns = [found for text in made for found in re.findall(r"arn:([^:\"]+):", text)]
    assert len(arns) >= len(made)
    assert set(arns) == {partition(region)}
    s3_host = f"s3.{region}.{dns_suffix(region)}"
    tempo = TempoArgs(namespace="tracing", bucket="traces", region=region, cluster_name="c")
    assert s3(tempo)["endpoint"] == s3_host
    via = identity.key_access("k", region=region)[0]["Condition"]
    assert s3_host in via["StringEquals"]["kms:ViaService"]


def recorded_s3(region: str) -> dict[frozenset[str], str] | None:
    """Return botocore's hosts of S3 by what they support; None if it doesn't list the region."""
    file = resources.files("botocore") / "data/endpoints.json"
    data = {p["partition"]: p for p in json.loads(file.read_text(encoding="utf-8"))["partitions"]}
    s3_of = data[partition(region)]["services"].get("s3", {})
    if (listed := s3_of.get("endpoints", {}).get(region)) is None:
        return None
    variants = [*s3_of.get("defaults", {}).get("variants", []), *listed.get("variants", [])]
    return {
        frozenset(each["tags"]): each["hostname"].format(
            service="s3", region=region, dnsSuffix=each.get("dnsSuffix")
        )
        for each in variants
    }


@sweep("region", REGIONS)
def test_s3_has_the_endpoints_of_botocore(region: str) -> None:
    if (hosts := recorded_s3(region)) is None:
        return
    for kind in (S3Endpoint.FIPS, S3Endpoint.DUALSTACK):
        assert (kind in s3_endpoints(region)) == (frozenset({kind.value}) in hosts)
    for kind in s3_endpoints(region)[1:]:
        both = kind is S3Endpoint.FIPS_DUALSTACK
        tags = frozenset({"fips", "dualstack"} if both else {kind.value})
        assert s3_host(region, kind) == hosts[tags]


def test_tempo_uses_the_endpoint_that_is_set() -> None:
    def section(kind: S3Endpoint) -> dict[str, Any]:
        args = TempoArgs(
            namespace="tracing",
            bucket="traces",
            region="us-east-1",
            cluster_name="c",
            s3_endpoint=kind,
        )
        return s3(args)

    assert section(S3Endpoint.FIPS)["endpoint"] == "s3-fips.us-east-1.amazonaws.com"
    assert "enable_dual_stack" not in section(S3Endpoint.FIPS)
    assert section(S3Endpoint.DUALSTACK)["endpoint"] == "s3.dualstack.us-east-1.amazonaws.com"
    assert section(S3Endpoint.DUALSTACK)["enable_dual_stack"] is True


@pytest.mark.parametrize(
    ("region", "kind", "accepted"),
    [
        ("eu-west-1", "dualstack", True),
        ("eu-west-1", "fips", False),
        ("us-gov-west-1", "fipsDualstack", True),
        ("eusc-de-east-1", "dualstack", False),
    ],
)
def test_an_endpoint_that_a_region_lacks_is_refused(region: str, kind: str, accepted: bool) -> None:
    found = problems(region, storage={"s3Endpoint": kind})
    assert [*found] == ([] if accepted else ["storage.s3Endpoint"])


def problems(region: str, **groups: Any) -> dict[str, str]:
    """Return the messages of a stack file's problems by key."""
    cluster = {"name": "c", "region": region, "accountId": ACCOUNT, "kubeContext": "c"}
    groups["cluster"] = {**cluster, **groups.get("cluster", {})}
    _, found = validate({"environment": {"name": "qa"}, **groups})
    return {problem.key: problem.message for problem in found}


@sweep("region", REGIONS)
def test_every_region_is_accepted(region: str) -> None:
    assert problems(region) == {}


@pytest.mark.parametrize(
    ("region", "near"),
    [
        ("eu-west-9", "eu-west-"),
        ("eu-wst-1", "eu-west-1"),
        ("EU-WEST-1", "eu-west-1"),
        ("us-east1", "us-east-1"),
        ("eu-west-1a", "eu-west-1"),
        ("us-iso-east-9", "us-iso-east-1"),
        ("us-gov-east", "us-gov-east-1"),
    ],
)
def test_an_invented_region_is_refused_with_the_nearest(region: str, near: str) -> None:
    message = problems(region)["cluster.region"]
    allowed = "must be the name of an AWS region, for example eu-west-1; did you mean "
    assert message.startswith(f"{allowed}{near}")
    assert message[len(allowed) : -1] in REGIONS


@pytest.mark.parametrize("region", ["frankfurt", "", "moon"])
def test_no_region_is_suggested_where_none_is_near(region: str) -> None:
    message = problems(region)["cluster.region"]
    assert message == "must be the name of an AWS region, for example eu-west-1"


@sweep("region", [p.regions[0] for p in PARTITIONS])
def test_an_issuer_of_eks_is_of_the_clusters_region(region: str) -> None:
    own = f"https://oidc.eks.{region}.{dns_suffix(region)}/id/A"
    assert problems(region, cluster={"oidcIssuer": own}) == {}
    for wrong in (
        own.replace(region, "eu-west-3"),
        own.replace(dns_suffix(region), "amazonaws.example"),
    ):
        assert list(problems(region, cluster={"oidcIssuer": wrong})) == ["cluster.oidcIssuer"]
    elsewhere = "https://issuer.example.com/c"
    assert problems(region, cluster={"oidcIssuer": elsewhere}) == {}
