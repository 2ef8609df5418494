"""WorkloadIdentity: the IAM role of Tempo's or Alloy's pods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from ..backends import amazon
from ..backends.settings import BackendSettings
from ..core import iam
from ..core.names import TEMPO_SERVICE_ACCOUNT
from ..core.outputs import register
from . import policies
from .settings import IdentityMode, IdentitySettings


@dataclass(frozen=True, kw_only=True)
class WorkloadIdentityArgs:
    """Arguments of WorkloadIdentity.

    Raises:
        ValueError: mode `irsa` needs `oidc_issuer` to make a role.
    """

    settings: IdentitySettings = IdentitySettings()
    """Settings of the identity. The mode must be `podIdentity` or `irsa`."""
    role_name: str
    """Name of the role to make."""
    cluster_name: str
    """Name of the EKS cluster."""
    region: str
    """AWS region of cluster and bucket."""
    account_id: str
    """AWS account of cluster and role, 12 digits."""
    oidc_issuer: str | None = None
    """URL of the cluster's OIDC issuer, required with mode `irsa`."""
    namespace: str
    """Namespace of the service account."""
    service_account: str = TEMPO_SERVICE_ACCOUNT
    """Name of the service account of the pods."""
    bucket: str | None = None
    """Name of the trace bucket; None if the pods don't use it."""
    backends: BackendSettings = BackendSettings()
    """Backends that the pods write to. Those with `auth: sigv4` are allowed."""
    kms_key_arn: pulumi.Input[str] | None = None
    """ARN of the bucket's KMS key; None if S3 manages the keys."""
    previous_kms_key_arns: Sequence[str] = ()
    """ARNs of keys that encrypt older objects of the bucket."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tags of role and association."""

    def __post_init__(self) -> None:
        its = self.settings
        if its.mode is IdentityMode.IRSA and its.role_arn is None and self.oidc_issuer is None:
            raise ValueError("IRSA needs the URL of the cluster's OIDC issuer")


class WorkloadIdentity(pulumi.ComponentResource):
    """AWS credentials for pods without static keys: a role that only they can assume.

    Pods get credentials when they start, so start them after this component is complete.

    Inputs without a setting are reached with `transforms`: see docs/reuse.md.
    """

    role_arn: pulumi.Output[str]
    """ARN of the role."""

    def __init__(
        self, name: str, args: WorkloadIdentityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("tracing:index:WorkloadIdentity", name, {}, opts)
        self._name = name
        self._args = args
        permissions: list[pulumi.Resource] = []
        if args.settings.role_arn is not None:
            self.role_arn = pulumi.Output.from_input(args.settings.role_arn)
        else:
            self._role = aws.iam.Role(
                f"{name}-role",
                name=args.role_name,
                description=f"Tempo in EKS cluster {args.cluster_name}: "
                f"traces in S3 bucket {args.bucket}"
                if args.bucket
                else f"Service account {args.namespace}/{args.service_account} in EKS cluster "
                f"{args.cluster_name}",
                assume_role_policy=_trust(args),
                permissions_boundary=args.settings.permissions_boundary_arn,
                tags=dict(args.tags),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.role_arn = self._role.arn
            permissions = self._permissions()
        if args.settings.mode is IdentityMode.POD_IDENTITY:
            aws.eks.PodIdentityAssociation(
                f"{name}-association",
                cluster_name=args.cluster_name,
                namespace=args.namespace,
                service_account=args.service_account,
                role_arn=self.role_arn,
                # The role's trust policy requires the session tags.
                disable_session_tags=False,
                tags=dict(args.tags),
                # Pods may start once the association exists, so permissions come first.
                opts=pulumi.ResourceOptions(parent=self, depends_on=permissions),
            )
        register(self)

    def _permissions(self) -> list[pulumi.Resource]:
        """Make the role's policies.

        The key has a separate one, because the ARN of a new key is unknown at preview.
        """
        name, args = self._name, self._args
        its = {
            "bucket-access": policies.bucket_access(args.bucket, region=args.region)
            if args.bucket
            else [],
            "backend-access": amazon.permissions(
                args.backends.writers.values(), account_id=args.account_id
            ),
        }
        made: list[pulumi.Resource] = [
            aws.iam.RolePolicy(
                f"{name}-{policy}",
                name=policy,
                role=self._role.name,
                policy=iam.document(*statements),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for policy, statements in its.items()
            if statements
        ]
        if args.kms_key_arn is not None or args.previous_kms_key_arns:
            made.append(
                aws.iam.RolePolicy(
                    f"{name}-key-access",
                    name="key-access",
                    role=self._role.name,
                    policy=pulumi.Output.from_input(args.kms_key_arn).apply(
                        lambda arn: iam.document(
                            *policies.key_access(
                                arn, previous=args.previous_kms_key_arns, region=args.region
                            )
                        )
                    ),
                    opts=pulumi.ResourceOptions(parent=self),
                )
            )
        return made


def _trust(args: WorkloadIdentityArgs) -> str:
    if args.settings.mode is IdentityMode.POD_IDENTITY:
        return policies.pod_identity_trust(
            cluster=args.cluster_name,
            region=args.region,
            account_id=args.account_id,
            namespace=args.namespace,
            service_account=args.service_account,
        )
    return policies.irsa_trust(
        oidc_issuer=args.oidc_issuer or "",
        region=args.region,
        account_id=args.account_id,
        namespace=args.namespace,
        service_account=args.service_account,
    )
