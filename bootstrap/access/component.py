"""DeploymentAccess: the roles by which GitHub's jobs preview and deploy one environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.core.names import boundary
from components.core.regions import partition

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
    """GitHub environment whose jobs deploy; `-preview` and `-drift` are added for the others."""
    provider_exists: bool
    """The account has an identity provider for GitHub already."""
    stack: StackNames
    """What the tracing stack makes."""
    makes_boundary: bool
    """Make the permissions boundary that `stack` names; otherwise it exists."""
    kms_key_arn: str | None
    """ARN of a given key of the trace bucket."""
    previous_kms_key_arns: Sequence[str]
    """ARNs of keys that older objects of the trace bucket are encrypted with."""
    project: str
    """Pulumi project of the tracing stack."""
    referenced_projects: Sequence[str]
    """Projects whose outputs the tracing stack reads."""
    state_bucket: str
    """Name of the bucket with Pulumi's state."""
    state_key_arn: pulumi.Input[str]
    """ARN of the key of that bucket and of the secrets in the state."""
    cluster_namespaces: Sequence[str] | None
    """Namespaces of the cluster that preview and drift read in; None where access to the cluster is
    given by somebody else."""
    tags: Mapping[str, str]
    """Tags for all that is made."""


class DeploymentAccess(pulumi.ComponentResource):
    """Three roles for GitHub's jobs, without keys: to preview, to look for drift, to deploy.

    A job gets a role by the GitHub environment that it runs in; drift is looked for on main alone.
    """

    preview_role_arn: pulumi.Output[str]
    """ARN of the role that previews: it reads, but no Secret of the cluster."""
    drift_role_arn: pulumi.Output[str]
    """ARN of the role that looks for drift: it reads, Secrets of the stack's namespaces too."""
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
        github = args.github_environment
        roles = {
            "preview": self._role("preview", f"{github}-preview", needed),
            "drift": self._role("drift", f"{github}-drift", needed, main_only=True),
            "deploy": self._role("deploy", github, needed),
        }
        self._permissions(roles)
        if args.cluster_namespaces is not None:
            self._cluster_access(roles, args.cluster_namespaces)
        self.preview_role_arn = roles["preview"].arn
        self.drift_role_arn = roles["drift"].arn
        self.deploy_role_arn = roles["deploy"].arn
        self.register_outputs(
            {
                "previewRoleArn": self.preview_role_arn,
                "driftRoleArn": self.drift_role_arn,
                "deployRoleArn": self.deploy_role_arn,
            }
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
            policy=policies.boundary(
                args.stack,
                kms_key_arn=args.kms_key_arn,
                previous_kms_key_arns=args.previous_kms_key_arns,
            ),
            tags=dict(args.tags),
            opts=self._options(),
        )

    def _role(
        self,
        purpose: str,
        github_environment: str,
        needed: Sequence[pulumi.Resource],
        *,
        main_only: bool = False,
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
                main_only=main_only,
            ),
            max_session_duration=SESSION_SECONDS,
            tags=dict(args.tags),
            opts=self._options(needed),
        )

    def _permissions(self, roles: Mapping[str, aws.iam.Role]) -> None:
        """Let all roles read, and the one that deploys write."""
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
        for purpose, role in roles.items():
            self._policy(purpose, role, "read-state", read_state)
            self._policy(purpose, role, "read-stack", policies.read_stack(args.stack))
        deploy = roles["deploy"]
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

    def _cluster_access(self, roles: Mapping[str, aws.iam.Role], namespaces: Sequence[str]) -> None:
        """Let the roles into the cluster, as EKS access entries.

        Deployment makes namespaces and ClusterRoles, which takes an administrator. A preview
        compares with the state and needs no Secret; what it may not try on the API server it takes
        from its inputs. A refresh reads Helm's releases, which are Secrets, and custom resources,
        which only the admin's view has.
        """
        scope = aws.eks.AccessPolicyAssociationAccessScopeArgs
        in_namespaces = scope(type="namespace", namespaces=list(namespaces))
        for purpose, policy, access in (
            ("preview", "AmazonEKSViewPolicy", in_namespaces),
            ("drift", "AmazonEKSAdminViewPolicy", in_namespaces),
            ("deploy", "AmazonEKSClusterAdminPolicy", scope(type="cluster")),
        ):
            role = roles[purpose]
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
