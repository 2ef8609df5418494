"""What one environment's account needs once: the state backend, and roles for GitHub's jobs."""

import sys
from pathlib import Path

import pulumi
import pulumi_aws as aws

# Pulumi runs this folder; the packages stand beside it.
sys.path.insert(0, str(Path(__file__).parent.parent))

from bootstrap import wiring
from bootstrap.access.component import DeploymentAccess
from bootstrap.loader import load_bootstrap
from bootstrap.state.component import StateBackend

config = load_bootstrap()
provider = aws.Provider("aws", **config.aws)

state = StateBackend(
    "state", wiring.state_args(config), pulumi.ResourceOptions(providers=[provider])
)
access = DeploymentAccess(
    "access",
    wiring.access_args(config, state.key_arn),
    pulumi.ResourceOptions(providers=[provider]),
)

pulumi.export("backendUrl", state.backend_url)
pulumi.export("secretsProvider", state.secrets_provider)
pulumi.export("previewRoleArn", access.preview_role_arn)
pulumi.export("driftRoleArn", access.drift_role_arn)
pulumi.export("deployRoleArn", access.deploy_role_arn)
