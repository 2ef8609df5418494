import json
from typing import Any

import pytest

from components.identity import policies
from tests.identity.policy_check import verdict
from tests.sweep import sweep

REGION, ACCOUNT = "eu-west-1", "111122223333"
EKS = {"Service": "pods.eks.amazonaws.com"}
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
PROVIDER = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"}

#: What EKS sends for a pod of Tempo.
POD = {
    "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/apps",
    "aws:RequestTag/kubernetes-namespace": "tracing",
    "aws:RequestTag/kubernetes-service-account": "tempo",
    "aws:RequestTag/kubernetes-pod-name": "tempo-0",
}
#: What the token of a pod of Tempo says.
TOKEN = {
    f"{ISSUER}:aud": "sts.amazonaws.com",
    f"{ISSUER}:sub": "system:serviceaccount:tracing:tempo",
}


def pod_identity(region: str = REGION) -> str:
    return policies.pod_identity_trust(
        cluster="apps",
        region=region,
        account_id=ACCOUNT,
        namespace="tracing",
        service_account="tempo",
    )


def irsa(issuer: str = f"https://{ISSUER}", region: str = REGION) -> str:
    return policies.irsa_trust(
        oidc_issuer=issuer,
        region=region,
        account_id=ACCOUNT,
        namespace="tracing",
        service_account="tempo",
    )


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession"])
def test_eks_may_take_the_role_for_tempo(action: str) -> None:
    assert verdict(pod_identity(), action=action, principal=EKS, context=POD) == "allow"


@sweep(
    "change",
    [
        {"aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/other"},
        {"aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:eu-north-1:{ACCOUNT}:cluster/apps"},
        {"aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:{REGION}:999999999999:cluster/apps"},
        {"aws:RequestTag/kubernetes-namespace": "default"},
        {"aws:RequestTag/kubernetes-service-account": "tempo-canary"},
    ],
    ids=str,
)
@sweep("action", ["sts:AssumeRole", "sts:TagSession"])
def test_eks_may_not_take_the_role_for_anything_else(action: str, change: dict[str, str]) -> None:
    context = {**POD, **change}
    assert verdict(pod_identity(), action=action, principal=EKS, context=context) == "nothing"


@pytest.mark.parametrize(
    "missing", [key for key in POD if key != "aws:RequestTag/kubernetes-pod-name"]
)
def test_a_request_that_does_not_say_whom_it_is_for_is_refused(missing: str) -> None:
    context = {key: value for key, value in POD.items() if key != missing}
    answer = verdict(pod_identity(), action="sts:AssumeRole", principal=EKS, context=context)
    assert answer == "nothing"


@pytest.mark.parametrize(
    "principal",
    [{"Service": "ec2.amazonaws.com"}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, PROVIDER],
    ids=str,
)
def test_nobody_but_eks_may_take_the_role(principal: dict[str, str]) -> None:
    answer = verdict(pod_identity(), action="sts:AssumeRole", principal=principal, context=POD)
    assert answer == "nothing"


def test_a_token_of_tempo_is_taken() -> None:
    answer = verdict(
        irsa(), action="sts:AssumeRoleWithWebIdentity", principal=PROVIDER, context=TOKEN
    )
    assert answer == "allow"


@pytest.mark.parametrize(
    "change",
    [
        {f"{ISSUER}:sub": "system:serviceaccount:tracing:tempo-canary"},
        {f"{ISSUER}:sub": "system:serviceaccount:default:tempo"},
        {f"{ISSUER}:sub": "system:serviceaccount:tracing:*"},
        {f"{ISSUER}:aud": "vault"},
    ],
    ids=str,
)
def test_any_other_token_is_refused(change: dict[str, str]) -> None:
    answer = verdict(
        irsa(),
        action="sts:AssumeRoleWithWebIdentity",
        principal=PROVIDER,
        context={**TOKEN, **change},
    )
    assert answer == "nothing"


@pytest.mark.parametrize("missing", list(TOKEN))
def test_a_token_without_subject_or_audience_is_refused(missing: str) -> None:
    context = {key: value for key, value in TOKEN.items() if key != missing}
    answer = verdict(
        irsa(), action="sts:AssumeRoleWithWebIdentity", principal=PROVIDER, context=context
    )
    assert answer == "nothing"


def test_a_token_of_another_cluster_is_refused() -> None:
    other = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}2"}
    answer = verdict(irsa(), action="sts:AssumeRoleWithWebIdentity", principal=other, context=TOKEN)
    assert answer == "nothing"


def test_a_slash_at_the_end_of_the_issuer_changes_nothing() -> None:
    assert irsa(f"https://{ISSUER}/") == irsa(f"https://{ISSUER}")


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_trust_speaks_the_language_of_the_partition(region: str, partition: str) -> None:
    statement: dict[str, Any] = json.loads(pod_identity(region))["Statement"][0]
    assert statement["Condition"]["StringEquals"]["aws:RequestTag/eks-cluster-arn"] == (
        f"arn:{partition}:eks:{region}:{ACCOUNT}:cluster/apps"
    )
    federated: str = json.loads(irsa(region=region))["Statement"][0]["Principal"]["Federated"]
    assert federated == f"arn:{partition}:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
