"""One-time AWS account setup for an environment: state backend, and roles for GitHub's jobs."""

import sys
from pathlib import Path

import pulumi
import pulumi_aws as aws

# Pulumi runs this folder; the packages are next to it.
sys.path.insert(0, str(Path(__file__).parent.parent))

from bootstrap.access import DeploymentAccess, DeploymentAccessArgs
from bootstrap.loader import load_bootstrap
from bootstrap.names import state_bucket, state_key_alias
from bootstrap.state import StateBackend, StateBackendArgs

config = load_bootstrap()
options = pulumi.ResourceOptions(providers=[aws.Provider("aws", **config.aws)])

state = StateBackend(
    "state",
    StateBackendArgs(
        bucket=state_bucket(config.tracing),
        key_alias=state_key_alias(config.tracing),
        region=config.tracing.cluster.region,
        account_id=config.tracing.cluster.account_id,
        tags=config.tags,
    ),
    options,
)
access = DeploymentAccess(
    "access",
    DeploymentAccessArgs(
        settings=config.settings,
        tracing=config.tracing,
        github_environment=config.stack,
        state_key_arn=state.key_arn,
        tags=config.tags,
    ),
    options,
)

pulumi.export("backendUrl", state.backend_url)
pulumi.export("secretsProvider", state.secrets_provider)
pulumi.export("previewRoleArn", access.preview_role_arn)
pulumi.export("driftRoleArn", access.drift_role_arn)
pulumi.export("deployRoleArn", access.deploy_role_arn)
if access.trace_key_arn is not None:
    pulumi.export("traceKeyArn", access.trace_key_arn)
