"""Amazon Managed Prometheus: its URLs, and what a writer must be allowed to do there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..core import iam
from ..core.regions import REGIONS, dns_suffix, partition
from .settings import Auth, SignInSettings, WriterSettings

#: Name of the service in signatures.
SERVICE = "aps"
_HOST = re.compile(r"aps-workspaces(-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<suffix>.+)")
_PATH = re.compile(r"/workspaces/(?P<id>ws-[0-9a-f-]+)(/.*)?")


@dataclass(frozen=True)
class Workspace:
    """A workspace, as its URL names it."""

    region: str
    id: str

    def arn(self, account_id: str) -> str:
        """Return its ARN (service authorization reference of Amazon Managed Prometheus)."""
        where = f"{partition(self.region)}:{SERVICE}:{self.region}:{account_id}"
        return f"arn:{where}:workspace/{self.id}"


def is_amazon(url: str) -> bool:
    """Return whether a URL leads to Amazon Managed Prometheus, correct or not."""
    return (urlsplit(url).hostname or "").startswith("aps-workspaces")


def workspace(url: str) -> Workspace | None:
    """Return the workspace that a URL leads to; None if it names none."""
    parts = urlsplit(url)
    host, path = _HOST.fullmatch(parts.hostname or ""), _PATH.fullmatch(parts.path)
    if parts.scheme != "https" or not host or not path or host["region"] not in REGIONS:
        return None
    region = host["region"]
    return Workspace(region, path["id"]) if host["suffix"] == dns_suffix(region) else None


def region(url: str, its: SignInSettings) -> str | None:
    """Return the region to sign for: that of the settings, or of the workspace."""
    found = workspace(url)
    return its.sigv4.region or (found.region if found else None)


def permissions(
    writers: Iterable[tuple[str, WriterSettings]], *, account_id: str
) -> list[iam.Statement]:
    """Return the statements that let a role write to the backends with signed requests.

    Args:
        writers: URLs and how to sign in there.
        account_id: AWS account of the workspaces that need no other role, 12 digits.
    """
    arns: dict[str, list[str]] = {"aps:RemoteWrite": [], "sts:AssumeRole": []}
    for url, its in writers:
        if its.sign_in is not Auth.SIGV4:
            continue
        if its.sigv4.role_arn:
            arns["sts:AssumeRole"].append(its.sigv4.role_arn)
        elif found := workspace(url):
            arns["aps:RemoteWrite"].append(found.arn(account_id))
    sids = {"aps:RemoteWrite": "WriteMetrics", "sts:AssumeRole": "AssumeRolesThatWrite"}
    return [
        iam.statement(sids[action], action, resource=list(dict.fromkeys(resources)))
        for action, resources in arns.items()
        if resources
    ]
