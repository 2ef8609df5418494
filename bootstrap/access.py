"""DeploymentAccess: the roles with which GitHub's jobs preview and deploy one environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.core.outputs import register
from components.core.regions import partition
from components.settings import TracingSettings
from components.storage.guards import bucket_key
from config.loader import PROJECT as TRACING

from . import names, policies
from .settings import BootstrapSettings


@dataclass(frozen=True, kw_only=True)
class DeploymentAccessArgs:
    """Arguments of DeploymentAccess."""

    settings: BootstrapSettings
    """Settings of the bootstrap stack."""
    tracing: TracingSettings
    """Settings of the tracing stack."""
    github_environment: str
    """GitHub environment whose jobs deploy. Previews run in `<name>-preview`, drift detection in
    `<name>-drift`."""
    state_key_arn: pulumi.Input[str]
    """ARN of the key of the state's bucket and of the secrets in the state."""
    tags: Mapping[str, str]
    """Tags of all resources."""


class DeploymentAccess(pulumi.ComponentResource):
    """Three roles for GitHub's jobs, without static keys: preview, drift detection, deployment.

    A job gets its role from the GitHub environment that it runs in; drift detection runs only on
    main. The component also makes what the deploy role must not make: the permissions boundary of
    Tempo's role and the KMS key of the trace bucket.
    """

    preview_role_arn: pulumi.Output[str]
    """ARN of the role for previews. It reads, but no Secrets of the cluster."""
    drift_role_arn: pulumi.Output[str]
    """ARN of the role for drift detection. It reads, also Secrets of the stack's namespaces."""
    deploy_role_arn: pulumi.Output[str]
    """ARN of the role that deploys."""
    trace_key_arn: pulumi.Output[str] | None
    """ARN of the trace bucket's key; None unless `traceKey` is set."""

    def __init__(
        self, name: str, args: DeploymentAccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("tracing:index:DeploymentAccess", name, {}, opts)
        self._name = name
        self._args = args
        needed = self._identity_provider()
        self.trace_key_arn = self._trace_key() if args.settings.trace_key else None
        self._boundary()
        github = args.github_environment
        roles = {
            "preview": self._role("preview", f"{github}-preview", needed),
            "drift": self._role("drift", f"{github}-drift", needed, main_only=True),
            "deploy": self._role("deploy", github, needed, workflow=policies.DEPLOY_WORKFLOW),
        }
        self._permissions(roles)
        if args.settings.cluster_access:
            self._cluster_access(roles)
        self.preview_role_arn = roles["preview"].arn
        self.drift_role_arn = roles["drift"].arn
        self.deploy_role_arn = roles["deploy"].arn
        register(self)

    def _options(self, after: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _identity_provider(self) -> list[pulumi.Resource]:
        if self._args.settings.github_provider_exists:
            return []
        provider = aws.iam.OpenIdConnectProvider(
            f"{self._name}-github",
            url=f"https://{policies.ISSUER}",
            client_id_lists=[policies.AUDIENCE],
            tags=dict(self._args.tags),
            opts=self._options(),
        )
        return [provider]

    def _trace_key(self) -> pulumi.Output[str]:
        """Make the key. Without it no trace can be read, so it outlives this stack."""
        tracing = self._args.tracing
        key = bucket_key(
            f"{self._name}-trace-key",
            alias=names.trace_key_alias(tracing),
            description=f"Traces in S3 bucket {tracing.bucket}",
            region=tracing.cluster.region,
            account_id=tracing.cluster.account_id,
            tags=self._args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )
        return key.arn

    def _boundary(self) -> None:
        """Make the permissions boundary of Tempo's role, unless the stack file names another."""
        tracing = self._args.tracing
        if tracing.identity.permissions_boundary_arn != names.boundary_arn(tracing):
            return
        aws.iam.Policy(
            f"{self._name}-boundary",
            name=names.boundary(tracing),
            description=f"The most that Tempo's role may do, in S3 bucket {tracing.bucket}",
            policy=pulumi.Output.from_input(self.trace_key_arn).apply(
                lambda key: policies.boundary(tracing, trace_key_arn=key)
            ),
            tags=dict(self._args.tags),
            opts=self._options(),
        )

    def _role(
        self,
        purpose: str,
        github_environment: str,
        needed: Sequence[pulumi.Resource],
        *,
        workflow: str | None = None,
        main_only: bool = False,
    ) -> aws.iam.Role:
        args = self._args
        repository, cluster = args.settings.repository, args.tracing.cluster
        return aws.iam.Role(
            f"{self._name}-{purpose}",
            name=f"tracing-{args.tracing.environment.name}-{purpose}",
            description=f"GitHub environment {github_environment} of {repository}",
            assume_role_policy=policies.github_trust(
                repository=repository,
                environment=github_environment,
                region=cluster.region,
                account_id=cluster.account_id,
                workflow=workflow,
                main_only=main_only,
            ),
            max_session_duration=policies.SESSION_SECONDS,
            tags=dict(args.tags),
            opts=self._options(needed),
        )

    def _permissions(self, roles: Mapping[str, aws.iam.Role]) -> None:
        """Let all roles read, and the deploy role write."""
        args, tracing = self._args, self._args.tracing
        region, bucket = tracing.cluster.region, names.state_bucket(tracing)
        reference = tracing.cluster.stack_reference
        referenced = [reference.split("/")[1]] if reference else []
        state_key = pulumi.Output.from_input(args.state_key_arn)
        read_state = state_key.apply(
            lambda key: policies.read_state(
                bucket, key, region=region, project=TRACING, referenced=referenced
            )
        )
        write_state = state_key.apply(
            lambda key: policies.write_state(bucket, key, region=region, project=TRACING)
        )
        for purpose, role in roles.items():
            self._policy(purpose, role, "read-state", read_state)
            self._policy(purpose, role, "read-stack", policies.read_stack(tracing))
        self._policy("deploy", roles["deploy"], "write-state", write_state)
        self._policy("deploy", roles["deploy"], "write-stack", policies.write_stack(tracing))

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

    def _cluster_access(self, roles: Mapping[str, aws.iam.Role]) -> None:
        """Let the roles into the cluster, with EKS access entries.

        Deployment makes namespaces and ClusterRoles, which takes an administrator. A preview
        compares with the state and needs no Secrets. A refresh reads Helm's releases, which are
        Secrets, and custom resources, which only the admin view includes.
        """
        cluster = self._args.tracing.cluster
        scope = aws.eks.AccessPolicyAssociationAccessScopeArgs
        in_namespaces = scope(
            type="namespace", namespaces=list(self._args.tracing.object_namespaces)
        )
        for purpose, policy, access in (
            ("preview", "AmazonEKSViewPolicy", in_namespaces),
            ("drift", "AmazonEKSAdminViewPolicy", in_namespaces),
            ("deploy", "AmazonEKSClusterAdminPolicy", scope(type="cluster")),
        ):
            role = roles[purpose]
            entry = aws.eks.AccessEntry(
                f"{self._name}-{purpose}-cluster",
                cluster_name=cluster.name,
                principal_arn=role.arn,
                tags=dict(self._args.tags),
                opts=self._options(),
            )
            aws.eks.AccessPolicyAssociation(
                f"{self._name}-{purpose}-cluster-policy",
                cluster_name=cluster.name,
                principal_arn=role.arn,
                policy_arn=f"arn:{partition(cluster.region)}:eks::aws:cluster-access-policy/{policy}",
                access_scope=access,
                opts=self._options([entry]),
            )
