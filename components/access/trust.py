"""Who may take a role: the jobs of one GitHub environment of one repository."""

import json

from ..platform.regions import partition

#: Issuer of the tokens of GitHub's jobs (GitHub docs, "OpenID Connect reference").
ISSUER = "token.actions.githubusercontent.com"
#: Audience of a token for AWS, as aws-actions/configure-aws-credentials asks for.
AUDIENCE = "sts.amazonaws.com"


def provider_arn(*, region: str, account_id: str) -> str:
    """Return the ARN of GitHub's identity provider in an account; there is one at most."""
    return f"arn:{partition(region)}:iam::{account_id}:oidc-provider/{ISSUER}"


def github_trust(*, repository: str, environment: str, region: str, account_id: str) -> str:
    """Return a trust policy for the jobs of one GitHub environment.

    A token names the environment instead of the branch, so that who may take the role is decided
    by the protection rules of that environment: reviewers, branches.

    Args:
        repository: `owner/name`, or with ids `owner@123/name@456`, as the token's subject has it.
        environment: name of the GitHub environment.
        region: an AWS region of the account, for the partition.
        account_id: AWS account of role and identity provider, 12 digits.

    Returns:
        The policy as JSON.
    """
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OneEnvironmentOfOneRepository",
                    "Effect": "Allow",
                    "Principal": {"Federated": provider_arn(region=region, account_id=account_id)},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {
                        "StringEquals": {
                            f"{ISSUER}:aud": AUDIENCE,
                            f"{ISSUER}:sub": f"repo:{repository}:environment:{environment}",
                        }
                    },
                }
            ],
        }
    )
