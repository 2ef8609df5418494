"""ARNs of the roles of pods, known at preview."""

from typing import Any

from ..core.regions import partition
from .settings import IdentitySettings


def role_arn(settings: IdentitySettings, *, role_name: str, region: str, account_id: str) -> str:
    """Return the ARN of the role of some pods: an existing role or the one that the stack makes.

    Helm values need it at preview for the annotation of the service account.
    """
    return settings.role_arn or f"arn:{partition(region)}:iam::{account_id}:role/{role_name}"


def irsa_annotation(role: str | None) -> dict[str, Any]:
    """Return the annotations of a service account in Helm values, if it has a role with IRSA."""
    return {"annotations": {"eks.amazonaws.com/role-arn": role}} if role else {}
