"""Trust policies of the roles: jobs of one GitHub environment of one repository."""

import pytest

from tests.bootstrap.programs import PURPOSES, REPOSITORY, STACKS, recorded
from tests.identity.policy_check import verdict
from tests.sweep import sweep

ISSUER = "token.actions.githubusercontent.com"
TAKE = "sts:AssumeRoleWithWebIdentity"


def provider(account: str) -> dict[str, str]:
    return {"Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"}


def trust(stack: str, purpose: str) -> str:
    [role] = [
        r for r in recorded(stack).of_type("aws:iam/role:Role") if r.name == f"access-{purpose}"
    ]
    return role.inputs["assumeRolePolicy"]


def token(
    environment: str,
    repository: str = REPOSITORY,
    audience: str = "sts.amazonaws.com",
    ref: str = "refs/heads/main",
    workflow: str = "deploy-stack.yml@refs/heads/main",
) -> dict[str, str]:
    """Return the claims of a token of a job in an environment."""
    return {
        f"{ISSUER}:aud": audience,
        f"{ISSUER}:sub": f"repo:{repository}:environment:{environment}",
        f"{ISSUER}:ref": ref,
        f"{ISSUER}:job_workflow_ref": f"{repository}/.github/workflows/{workflow}",
    }


def answer(purpose: str, context: dict[str, str], account: str = "333333333333") -> str:
    return verdict(
        trust("prod", purpose), action=TAKE, principal=provider(account), context=context
    )


@pytest.mark.parametrize("stack", STACKS)
def test_each_role_is_for_its_own_environment(stack: str) -> None:
    account = {"dev": "1", "staging": "2", "prod": "3"}[stack] * 12
    taken = {
        (purpose, environment)
        for purpose in PURPOSES
        for environment in (f"{s}{suffix}" for s in STACKS for suffix in ("", "-preview", "-drift"))
        if verdict(
            trust(stack, purpose),
            action=TAKE,
            principal=provider(account),
            context=token(environment),
        )
        == "allow"
    }
    assert taken == {
        ("preview", f"{stack}-preview"),
        ("drift", f"{stack}-drift"),
        ("deploy", stack),
    }


def test_drift_detection_runs_only_on_main() -> None:
    assert answer("drift", token("prod-drift")) == "allow"
    assert answer("preview", token("prod-preview", ref="refs/heads/topic")) == "allow"
    for ref in ("refs/heads/topic", "refs/pull/7/merge", "refs/tags/main", "main"):
        assert answer("drift", token("prod-drift", ref=ref)) == "nothing"
    unnamed = {k: v for k, v in token("prod-drift").items() if not k.endswith(":ref")}
    assert answer("drift", unnamed) == "nothing"


@sweep(
    "context",
    [
        token("prod", repository="example/fork"),
        token("prod", repository="eve/tracing"),
        token("prod", audience="https://github.com/example"),
        {**token("prod"), f"{ISSUER}:sub": "repo:example/tracing:ref:refs/heads/main"},
        {**token("prod"), f"{ISSUER}:sub": "repo:example/tracing:pull_request"},
        {**token("prod"), f"{ISSUER}:sub": "repo:example/tracing:environment:prod:ref:x"},
        {f"{ISSUER}:aud": "sts.amazonaws.com"},
        {f"{ISSUER}:sub": "repo:example/tracing:environment:prod"},
        # Even without protection rules of the environment, branch and workflow must match.
        token("prod", ref="refs/heads/feature"),
        token("prod", ref="refs/tags/main"),
        token("prod", workflow="deploy-stack.yml@refs/heads/feature"),
        token("prod", workflow="preview.yml@refs/heads/main"),
    ],
    ids=str,
)
def test_other_tokens_are_refused(context: dict[str, str]) -> None:
    assert answer("deploy", token("prod")) == "allow"
    assert answer("deploy", context) == "nothing"
    assert answer("preview", context) == "nothing"
    assert answer("drift", context) == "nothing"


@pytest.mark.parametrize(
    "principal",
    [
        provider("999999999999"),
        {"Federated": "arn:aws:iam::333333333333:oidc-provider/gitlab.com"},
        {"AWS": "arn:aws:iam::333333333333:root"},
        {"Service": "ec2.amazonaws.com"},
    ],
    ids=str,
)
def test_nobody_but_githubs_provider_of_the_account_vouches(principal: dict[str, str]) -> None:
    for action in (TAKE, "sts:AssumeRole"):
        said = verdict(
            trust("prod", "deploy"), action=action, principal=principal, context=token("prod")
        )
        assert said == "nothing"
