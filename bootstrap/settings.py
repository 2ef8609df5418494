"""Settings of `bootstrap` that the tracing stack does not have."""

from typing import Annotated

from pydantic import Field

from components.core.base import Settings
from components.core.texts import Text

#: GitHub's names of owners and repositories, with the ids that it can put into tokens.
Repository = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9])*(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$"),
    Text("owner and name of a GitHub repository", "example/tracing"),
]


class BootstrapSettings(Settings):
    """The repository that deploys, and what the account already has."""

    repository: Repository
    """GitHub repository that deploys, `owner/name`. If GitHub puts ids into the subject of its
    tokens, `owner@123/name@456`."""
    github_provider_exists: bool = False
    """Whether the account already has an identity provider for GitHub; it can have only one."""
    cluster_access: bool = True
    """Whether to let the roles into the EKS cluster with access entries. The cluster must exist and
    accept them (authentication mode `API` or `API_AND_CONFIG_MAP`)."""
    trace_key: bool = False
    """Whether to make a KMS key for the trace bucket. Its ARN is the output `traceKeyArn`, for
    `storage.kmsKeyArn` of the tracing stack. The key is never deleted."""
