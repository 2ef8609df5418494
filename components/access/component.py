"""DeploymentAccess: the roles by which GitHub's jobs preview and deploy one environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..platform.names import boundary
from ..platform.regions import partition
from . import policies
from .policies import StackNames
from .trust import AUDIENCE, DEPLOY_WORKFLOW, ISSUER, SESSION_SECONDS, github_trust


@dataclass(frozen=True, kw_only=True)
class DeploymentAccessArgs:
    """What DeploymentAccess needs to know."""

    environment: str
    """Name of the environment, for the names of roles and boundary."""
    repository: str
    """GitHub repository, `owner/name` or with ids `owner@123/name@456`."""
    github_environment: str
    """GitHub environment whose jobs deploy; those of the same with `-preview` preview."""
    provider_exists: bool
    """The account has an identity provider for GitHub already."""
    stack: StackNames
    """What the tracing stack makes."""
    makes_boundary: bool
    """Make the permissions boundary that `stack` names; otherwise it exists."""
    kms_key_arn: str | None
    """ARN of a given key of the trace bucket."""
    project: str
    """Pulumi project of the tracing stack."""
    referenced_projects: Sequence[str]
    """Projects whose outputs the tracing stack reads."""
    state_bucket: str
    """Name of the bucket with Pulumi's state."""
    state_key_arn: pulumi.Input[str]
    """ARN of the key of that bucket and of the secrets in the state."""
    cluster_namespaces: Sequence[str] | None
    """Namespaces of the cluster that a preview reads in; None where access to the cluster is
    given by somebody else."""
    tags: Mapping[str, str]
    """Tags for all that is made."""


class DeploymentAccess(pulumi.ComponentResource):
    """Two roles for GitHub's jobs, without keys: one that reads, one that deploys.

    A job gets a role by the GitHub environment that it runs in.
    """

    preview_role_arn: pulumi.Output[str]
    """ARN of the role that reads."""
    deploy_role_arn: pulumi.Output[str]
    """ARN of the role that deploys."""

    def __init__(
        self, name: str, args: DeploymentAccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("tracing:index:DeploymentAccess", name, {}, opts)
        self._name = name
        self._args = args
        needed = self._identity_provider()
        if args.makes_boundary:
            self._boundary()
        preview = self._role("preview", f"{args.github_environment}-preview", needed)
        deploy = self._role("deploy", args.github_environment, needed)
        self._permissions(preview, deploy)
        if args.cluster_namespaces is not None:
            self._cluster_access(preview, deploy, args.cluster_namespaces)
        self.preview_role_arn = preview.arn
        self.deploy_role_arn = deploy.arn
        self.register_outputs(
            {"previewRoleArn": self.preview_role_arn, "deployRoleArn": self.deploy_role_arn}
        )

    def _options(self, after: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _identity_provider(self) -> list[pulumi.Resource]:
        if self._args.provider_exists:
            return []
        provider = aws.iam.OpenIdConnectProvider(
            f"{self._name}-github",
            url=f"https://{ISSUER}",
            client_id_lists=[AUDIENCE],
            tags=dict(self._args.tags),
            opts=self._options(),
        )
        return [provider]

    def _boundary(self) -> None:
        args = self._args
        aws.iam.Policy(
            f"{self._name}-boundary",
            name=boundary(environment=args.environment),
            description=f"The most that Tempo's role may do, in S3 bucket {args.stack.bucket}",
            policy=policies.boundary(args.stack, kms_key_arn=args.kms_key_arn),
            tags=dict(args.tags),
            opts=self._options(),
        )

    def _role(
        self, purpose: str, github_environment: str, needed: Sequence[pulumi.Resource]
    ) -> aws.iam.Role:
        args = self._args
        return aws.iam.Role(
            f"{self._name}-{purpose}",
            name=f"tracing-{args.environment}-{purpose}",
            description=f"GitHub environment {github_environment} of {args.repository}",
            assume_role_policy=github_trust(
                repository=args.repository,
                environment=github_environment,
                region=args.stack.region,
                account_id=args.stack.account_id,
                workflow=DEPLOY_WORKFLOW if purpose == "deploy" else None,
            ),
            max_session_duration=SESSION_SECONDS,
            tags=dict(args.tags),
            opts=self._options(needed),
        )

    def _permissions(self, preview: aws.iam.Role, deploy: aws.iam.Role) -> None:
        """Give both roles what a preview needs, and the one that deploys the rest."""
        args = self._args
        region, state_key = args.stack.region, pulumi.Output.from_input(args.state_key_arn)
        read_state = state_key.apply(
            lambda key: policies.read_state(
                args.state_bucket,
                key,
                region=region,
                project=args.project,
                referenced=args.referenced_projects,
            )
        )
        write_state = state_key.apply(
            lambda key: policies.write_state(
                args.state_bucket, key, region=region, project=args.project
            )
        )
        for purpose, role in (("preview", preview), ("deploy", deploy)):
            self._policy(purpose, role, "read-state", read_state)
            self._policy(purpose, role, "read-stack", policies.read_stack(args.stack))
        self._policy("deploy", deploy, "write-state", write_state)
        self._policy("deploy", deploy, "write-stack", policies.write_stack(args.stack))

    def _policy(
        self, purpose: str, role: aws.iam.Role, policy: str, document: pulumi.Input[str]
    ) -> None:
        aws.iam.RolePolicy(
            f"{self._name}-{purpose}-{policy}",
            name=policy,
            role=role.name,
            policy=document,
            opts=self._options(),
        )

    def _cluster_access(
        self, preview: aws.iam.Role, deploy: aws.iam.Role, namespaces: Sequence[str]
    ) -> None:
        """Let both roles into the cluster, as EKS access entries.

        Deployment makes namespaces and ClusterRoles, which takes an administrator. A preview reads
        Secrets too, in the stack's namespaces: Helm keeps what it installed in them.
        """
        scope = aws.eks.AccessPolicyAssociationAccessScopeArgs
        for purpose, role, policy, access in (
            (
                "preview",
                preview,
                "AmazonEKSAdminViewPolicy",
                scope(type="namespace", namespaces=list(namespaces)),
            ),
            ("deploy", deploy, "AmazonEKSClusterAdminPolicy", scope(type="cluster")),
        ):
            entry = aws.eks.AccessEntry(
                f"{self._name}-{purpose}-cluster",
                cluster_name=self._args.stack.cluster,
                principal_arn=role.arn,
                tags=dict(self._args.tags),
                opts=self._options(),
            )
            aws.eks.AccessPolicyAssociation(
                f"{self._name}-{purpose}-cluster-policy",
                cluster_name=self._args.stack.cluster,
                principal_arn=role.arn,
                policy_arn=f"arn:{partition(self._args.stack.region)}:eks::aws:cluster-access-policy/{policy}",
                access_scope=access,
                opts=self._options([entry]),
            )
