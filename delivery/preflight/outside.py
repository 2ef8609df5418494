"""Checks outside of the cluster: the AWS account, the bucket, repositories and registries."""

from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from components.core.regions import dns_suffix
from delivery.preflight.api import UnknownError
from delivery.preflight.finding import Finding, error, not_checked, ok, warning
from delivery.preflight.sources import Sources
from plan import needs
from plan.diff.kinds import BUCKET

Findings = Iterator[Finding]


def account(its: Sources) -> Findings:
    """Check that the credentials are those of the account in the stack file."""
    wanted = its.plan.settings.cluster.account_id
    found = its.aws("sts", "get-caller-identity")
    who = f"{found['Account']}, as {found['Arn']}"
    if found["Account"] == wanted:
        yield ok(who)
    elif "assumeRoles" in its.plan.recording.one("pulumi:providers:aws").inputs:
        yield not_checked(f"{who}; Pulumi then assumes the role in aws:assumeRoles")
    else:
        yield error(
            f"the credentials are those of account {who}",
            f"use credentials of {wanted}, for example with AWS_PROFILE",
        )


def bucket(its: Sources) -> Findings:
    """Check name and region of the bucket. S3 tells both without credentials."""
    settings = its.plan.settings
    name, region = settings.bucket, settings.cluster.region
    status, headers = its.head(f"https://{name}.s3.{region}.{dns_suffix(region)}/")
    there = headers.get("x-amz-bucket-region", region)
    if status == HTTPStatus.NOT_FOUND:
        if settings.storage.existing:
            yield error(f"there is no bucket {name}", "create it, or set storage.existing: false")
        else:
            yield ok(f"{name} is free")
    elif there != region:
        yield error(
            f"{name} exists in {there}",
            "set storage.bucket to "
            + (f"a bucket in {region}" if settings.storage.existing else "a name that is free"),
        )
    elif settings.storage.existing or its.is_deployed(its.plan.recording.one(BUCKET)):
        yield ok(f"{name} in {region}")
    else:
        yield _other(its, name)


def _other(its: Sources, name: str) -> Finding:
    """Return the finding for a bucket of another owner or another stack."""
    owner = its.plan.settings.cluster.account_id
    try:
        its.aws("s3api", "head-bucket", "--bucket", name, "--expected-bucket-owner", owner)
    except UnknownError as reason:
        forbidden = "(403)" in str(reason)
        of = f"another account than {owner}" if forbidden else f"an unknown account: {reason}"
        text = f"{name} exists in {of}"
    else:
        text = f"{name} exists in this account"
    return (warning if its.deployed is None else error)(
        text,
        "import it with `make adopt`, set storage.existing: true, or change storage.bucket",
    )


def images(its: Sources) -> Findings:
    """Check that the mirror of the images answers here; whether nodes can pull is unknown."""
    registry = its.plan.settings.charts.image_registry
    if registry is None:
        yield not_checked("nodes pull from docker.io, ghcr.io and quay.io")
        return
    try:
        status, _ = its.head(f"https://{registry.partition('/')[0]}/v2/")
    except UnknownError as reason:
        yield warning(str(reason), "check charts.imageRegistry, and pull an image on a node")
        return
    yield ok(f"{registry} answers {status} here; pulls of the nodes are not checked")


def charts(its: Sources) -> Findings:
    """Check that the repositories of the charts answer."""
    repositories: set[str] = {
        release.inputs.get("repositoryOpts", {}).get("repo") or release.inputs["chart"]
        for release, _ in needs.releases(its.plan)
    }
    failed = False
    for repository in sorted(repositories):
        parts = urlsplit(repository)
        is_oci = parts.scheme == "oci"
        url = f"https://{parts.netloc}/v2/" if is_oci else f"{repository.rstrip('/')}/index.yaml"
        try:
            status, _ = its.head(url)
        except UnknownError as unknown:
            status, reason = 0, str(unknown)
        else:
            reason = f"{url} answers {status}"
        # A registry asks for credentials, which Helm has.
        accepted = (HTTPStatus.OK, *([HTTPStatus.UNAUTHORIZED] if is_oci else []))
        if status not in accepted:
            failed = True
            yield error(reason, "check charts.repository and the network of this machine")
    if not failed:
        yield ok(", ".join(sorted(repositories)))
