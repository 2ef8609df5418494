"""Settings of `bootstrap`: what no stack file of the tracing stack says."""

from pydantic import Field

from components.core.base import Settings


class BootstrapSettings(Settings):
    """Who deploys, and what the account has already."""

    repository: str = Field(
        pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9])*(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$"
    )
    """GitHub repository that deploys, `owner/name`. Where GitHub puts ids into the subject of its
    tokens, `owner@123/name@456`."""
    github_provider_exists: bool = False
    """Whether the account has an identity provider for GitHub already; it can have one only."""
    cluster_access: bool = True
    """Whether to let the roles into the EKS cluster by access entries. The cluster must exist and
    take them (authentication mode `API` or `API_AND_CONFIG_MAP`)."""
