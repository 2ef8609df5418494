"""The ARN of Tempo's role, known before the role exists."""

from ..core.regions import partition
from .settings import IdentitySettings


def role_arn(settings: IdentitySettings, *, role_name: str, region: str, account_id: str) -> str:
    """Return the ARN of the role that Tempo's pods get: the existing one or the one to be made.

    Helm values need it at preview, for the service account's annotation.

    Args:
        settings: settings of the identity.
        role_name: name of the role to be made.
        region: AWS region of the cluster.
        account_id: AWS account of the role to be made, 12 digits.
    """
    return settings.role_arn or f"arn:{partition(region)}:iam::{account_id}:role/{role_name}"
