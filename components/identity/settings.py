"""Settings of Tempo's AWS identity."""

from enum import StrEnum

from ..platform.arn import PolicyArn, RoleArn
from ..platform.base import Settings
from ..platform.texts import RoleName


class IdentityMode(StrEnum):
    """How Tempo's pods get AWS credentials."""

    POD_IDENTITY = "podIdentity"
    IRSA = "irsa"
    NONE = "none"


class IdentitySettings(Settings):
    """How Tempo's pods get AWS credentials; never by static keys."""

    mode: IdentityMode = IdentityMode.POD_IDENTITY
    """`podIdentity` (EKS Pod Identity, the agent add-on must run), `irsa` (needs
    `cluster.oidcIssuer`) or `none` (an S3 stand-in on a laptop)."""
    role_name: RoleName | None = None
    """Name of the IAM role to make; by default `tracing-<environment>-<cluster>-tempo`."""
    role_arn: RoleArn | None = None
    """ARN of an existing role to use instead of making one; its permissions and trust are its
    owner's."""
    permissions_boundary_arn: PolicyArn | None = None
    """ARN of a permissions boundary to put on the role, where the account demands one."""
