"""Settings of the AWS identities of Tempo and Alloy."""

from enum import StrEnum
from typing import Annotated

from ..core.arn import PolicyArn, RoleArn
from ..core.base import Settings
from ..core.on_change import OnChange
from ..core.texts import RoleName

_CREDENTIALS = OnChange(
    happens="Running pods keep credentials of the old role.",
    do="Restart them after `up`.",
    section="credentials.md#aws-identity",
)
_BOUNDARY = OnChange(
    happens="The roles lose at once what the new boundary doesn't allow.",
    do="It must allow the bucket, its keys and the workspaces that metrics are written to: "
    "run `make bootstrap` first.",
    section="credentials.md#aws-identity",
)


class IdentityMode(StrEnum):
    """How pods get AWS credentials."""

    POD_IDENTITY = "podIdentity"
    IRSA = "irsa"
    NONE = "none"


class IdentitySettings(Settings):
    """How pods get AWS credentials; never by static keys."""

    mode: Annotated[IdentityMode, _CREDENTIALS] = IdentityMode.POD_IDENTITY
    """`podIdentity` (EKS Pod Identity, the agent add-on must run), `irsa` (needs
    `cluster.oidcIssuer`) or `none` (an S3 emulator on a laptop)."""
    role_name: Annotated[RoleName | None, _CREDENTIALS] = None
    """Name of the IAM role that the stack creates; by default
    `tracing-<environment>-<cluster>-tempo`."""
    role_arn: Annotated[RoleArn | None, _CREDENTIALS] = None
    """ARN of an existing role to use instead. You manage its permissions and trust policy."""
    alloy_role_name: Annotated[RoleName | None, _CREDENTIALS] = None
    """Name of the IAM role that the stack creates for Alloy if a backend has `auth: sigv4`; by
    default `tracing-<environment>-<cluster>-alloy`."""
    alloy_role_arn: Annotated[RoleArn | None, _CREDENTIALS] = None
    """ARN of an existing role to use for Alloy instead."""
    permissions_boundary_arn: Annotated[PolicyArn | None, _BOUNDARY] = None
    """ARN of the roles' permissions boundary. The deploy role of `make bootstrap` requires one."""

    @property
    def of_alloy(self) -> "IdentitySettings":
        """The settings of Alloy's identity, with the keys of Tempo's."""
        its = {"role_name": self.alloy_role_name, "role_arn": self.alloy_role_arn}
        return self.model_copy(update=its)

    @property
    def has_agent(self) -> bool:
        """Whether pods get credentials from the EKS Pod Identity agent on their node."""
        return self.mode is IdentityMode.POD_IDENTITY

    @property
    def makes_role(self) -> bool:
        """Whether the stack makes the role."""
        return self.mode is not IdentityMode.NONE and self.role_arn is None
