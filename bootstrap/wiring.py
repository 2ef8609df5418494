"""From both stack files' settings to the components' arguments."""

from pathlib import Path

import pulumi

from bootstrap.access.component import DeploymentAccessArgs
from bootstrap.access.policies import StackNames
from bootstrap.loader import PROJECT, BootstrapConfig, makes_role, tracing_settings
from bootstrap.state.component import StateBackendArgs, backend_url
from components.checks import SettingsError
from components.core import names
from components.identity.role import role_arn
from components.identity.settings import IdentityMode
from components.settings import TracingSettings
from components.storage.settings import Encryption
from components.wiring import tags as stack_tags
from config.loader import PROJECT as TRACING


def tags(tracing: TracingSettings) -> dict[str, str]:
    """Return the tags of what is made here.

    They tell it from what the tracing stack makes: who deploys that may change a KMS key with the
    tracing stack's tags, and must not change the state's.
    """
    return {**stack_tags(tracing), "managed-by": PROJECT}


def state_args(config: BootstrapConfig) -> StateBackendArgs:
    """Return the arguments of the state backend."""
    environment, cluster = config.tracing.environment.name, config.tracing.cluster
    return StateBackendArgs(
        bucket=_state_bucket(config.tracing),
        key_alias=names.state_key_alias(environment=environment),
        region=cluster.region,
        account_id=cluster.account_id,
        tags=tags(config.tracing),
    )


def access_args(config: BootstrapConfig, state_key_arn: pulumi.Input[str]) -> DeploymentAccessArgs:
    """Return the arguments of the roles."""
    tracing = config.tracing
    stack = stack_names(tracing)
    own_boundary = names.boundary_arn(
        environment=tracing.environment.name,
        account_id=tracing.cluster.account_id,
        region=tracing.cluster.region,
    )
    reference = tracing.cluster.stack_reference
    return DeploymentAccessArgs(
        environment=tracing.environment.name,
        repository=config.settings.repository,
        github_environment=config.stack,
        provider_exists=config.settings.github_provider_exists,
        stack=stack,
        makes_boundary=stack.boundary_arn == own_boundary,
        kms_key_arn=tracing.storage.kms_key_arn,
        previous_kms_key_arns=tracing.storage.previous_kms_key_arns,
        project=TRACING,
        referenced_projects=[reference.split("/")[1]] if reference else [],
        state_bucket=_state_bucket(tracing),
        state_key_arn=state_key_arn,
        cluster_namespaces=tracing.object_namespaces if config.settings.cluster_access else None,
        tags=tags(tracing),
    )


def stack_names(tracing: TracingSettings) -> StackNames:
    """Return the names of what the tracing stack makes with these settings."""
    storage, identity, cluster = tracing.storage, tracing.identity, tracing.cluster
    makes_key = (
        storage.encryption is Encryption.SSE_KMS
        and storage.kms_key_arn is None
        and not storage.existing
    )
    own_tags = stack_tags(tracing)
    return StackNames(
        region=cluster.region,
        account_id=cluster.account_id,
        cluster=cluster.name,
        bucket=tracing.bucket,
        makes_bucket=not storage.existing,
        bucket_may_go=not storage.protect,
        key_alias=f"alias/{tracing.bucket}" if makes_key else None,
        role=tracing.role_name if makes_role(tracing) else None,
        role_arn=role_arn(
            identity,
            role_name=tracing.role_name,
            region=cluster.region,
            account_id=cluster.account_id,
        )
        if identity.mode is IdentityMode.POD_IDENTITY
        else None,
        boundary_arn=identity.permissions_boundary_arn,
        tags={key: own_tags[key] for key in ("environment", "managed-by")},
    )


def state_url(root: Path, stack: str) -> str:
    """Return the URL of the state backend of a stack.

    Args:
        root: folder of the tracing stack's Pulumi.yaml.
        stack: name of the stack.

    Raises:
        SettingsError: with every problem of the stack file.
    """
    tracing, wrong = tracing_settings(root, stack)
    if wrong:
        raise SettingsError(f"Pulumi.{stack}.yaml", wrong)
    return backend_url(_state_bucket(tracing), region=tracing.cluster.region)


def _state_bucket(tracing: TracingSettings) -> str:
    cluster = tracing.cluster
    return names.state_bucket(
        environment=tracing.environment.name,
        account_id=cluster.account_id,
        region=cluster.region,
    )
