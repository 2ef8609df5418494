"""Who may take a role: the jobs of one GitHub environment of one repository."""

import json
import re

from components.core.helm import DEPLOY_MINUTES
from components.core.regions import partition

#: Issuer of the tokens of GitHub's jobs (GitHub docs, "OpenID Connect reference").
ISSUER = "token.actions.githubusercontent.com"
#: Audience of a token for AWS, as aws-actions/configure-aws-credentials asks for.
AUDIENCE = "sts.amazonaws.com"


def provider_arn(*, region: str, account_id: str) -> str:
    """Return the ARN of GitHub's identity provider in an account; there is one at most."""
    return f"arn:{partition(region)}:iam::{account_id}:oidc-provider/{ISSUER}"


#: How long credentials of a job last, in seconds: as long as the longest job, which deploys.
SESSION_SECONDS = DEPLOY_MINUTES * 60
#: Branch that is deployed, and the workflow that deploys a stack from it.
BRANCH = "refs/heads/main"
DEPLOY_WORKFLOW = ".github/workflows/deploy-stack.yml"


def github_trust(
    *,
    repository: str,
    environment: str,
    region: str,
    account_id: str,
    workflow: str | None = None,
    main_only: bool = False,
) -> str:
    """Return a trust policy for the jobs of one GitHub environment.

    A token's subject names the environment instead of the branch, so that the protection rules of
    that environment decide who may take the role: reviewers, branches. With a workflow, the trust
    does not depend on these rules alone: branch and workflow must be right as well.

    Args:
        repository: `owner/name`, or with ids `owner@123/name@456`, as the token's subject has it.
        environment: name of the GitHub environment.
        workflow: path of the only workflow that may take the role, run from `main`; by default any.
        main_only: whether the job must run from `main`, by any workflow.
        region: an AWS region of the account, for the partition.
        account_id: AWS account of role and identity provider, 12 digits.

    Returns:
        The policy as JSON.
    """
    claims = {
        f"{ISSUER}:aud": AUDIENCE,
        f"{ISSUER}:sub": f"repo:{repository}:environment:{environment}",
    }
    if main_only or workflow is not None:
        claims[f"{ISSUER}:ref"] = BRANCH
    if workflow is not None:
        # These claims have names without ids, whatever the subject has.
        plain = re.sub(r"@\d+", "", repository)
        claims[f"{ISSUER}:job_workflow_ref"] = f"{plain}/{workflow}@{BRANCH}"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OneEnvironmentOfOneRepository",
                    "Effect": "Allow",
                    "Principal": {"Federated": provider_arn(region=region, account_id=account_id)},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {"StringEquals": claims},
                }
            ],
        }
    )
