"""ARN of Tempo's role, known at preview."""

from ..core.regions import partition
from .settings import IdentitySettings


def role_arn(settings: IdentitySettings, *, role_name: str, region: str, account_id: str) -> str:
    """Return the ARN of the role of Tempo's pods: an existing role or the one that the stack makes.

    Helm values need it at preview for the annotation of the service account.
    """
    return settings.role_arn or f"arn:{partition(region)}:iam::{account_id}:role/{role_name}"
