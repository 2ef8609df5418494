"""Who may be Tempo's role and what the role may do, as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from ..core.names import cluster_arn
from ..core.regions import dns_suffix, partition

#: Audience of the tokens that EKS gives to pods, in every partition (EKS user guide, IRSA).
IRSA_AUDIENCE = "sts.amazonaws.com"

#: What Tempo 2.10.8 calls on objects (tempodb/backend/s3): PUT and multipart uploads, which its
#: client aborts when they fail; GET; DELETE; and for blocks that are compacted a copy of their
#: `meta.json`, which reads and writes tags too.
OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:GetObjectTagging",
    "s3:PutObjectTagging",
)
#: What S3 asks of a caller for SSE-KMS: a data key to write, decryption to read and to complete a
#: multipart upload.
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def pod_identity_trust(
    *, cluster: str, region: str, account_id: str, namespace: str, service_account: str
) -> str:
    """Return a trust policy for EKS Pod Identity.

    The service principal is the same for all clusters of all accounts. The session tags that EKS
    sends (EKS user guide, "Enable or disable session tags") limit it to this cluster and to this
    one service account.

    Args:
        cluster: name of the EKS cluster.
        region: AWS region of the cluster.
        account_id: AWS account of the cluster, 12 digits.
        namespace: namespace of the service account.
        service_account: name of the service account.

    Returns:
        The policy as JSON.
    """
    return _document(
        {
            "Sid": "OnePodIdentityOfOneCluster",
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            # EKS assumes the role with session tags, which is an action of its own.
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "StringEquals": {
                    "aws:RequestTag/eks-cluster-arn": cluster_arn(
                        region=region, account_id=account_id, cluster=cluster
                    ),
                    "aws:RequestTag/kubernetes-namespace": namespace,
                    "aws:RequestTag/kubernetes-service-account": service_account,
                }
            },
        }
    )


def irsa_trust(
    *, oidc_issuer: str, region: str, account_id: str, namespace: str, service_account: str
) -> str:
    """Return a trust policy for IAM roles for service accounts (IRSA).

    Args:
        oidc_issuer: URL of the cluster's OIDC issuer; IAM must know it as an identity provider.
        region: AWS region of the cluster.
        account_id: AWS account of the identity provider, 12 digits.
        namespace: namespace of the service account.
        service_account: name of the service account.

    Returns:
        The policy as JSON.
    """
    issuer = oidc_issuer.removeprefix("https://").rstrip("/")
    provider = f"arn:{partition(region)}:iam::{account_id}:oidc-provider/{issuer}"
    return _document(
        {
            "Sid": "OneServiceAccountOfOneCluster",
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{issuer}:aud": IRSA_AUDIENCE,
                    f"{issuer}:sub": f"system:serviceaccount:{namespace}:{service_account}",
                }
            },
        }
    )


def bucket_access(bucket: str, *, region: str) -> str:
    """Return a policy for what Tempo calls on its bucket.

    Args:
        bucket: name of the bucket.
        region: AWS region of the bucket.

    Returns:
        The policy as JSON.
    """
    arn = f"arn:{partition(region)}:s3:::{bucket}"
    return _document(
        {
            # Without it Tempo does not start, and S3 would answer 403 instead of 404 for an object
            # that is not there, which Tempo takes for an error.
            "Sid": "ListBlocks",
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": arn,
        },
        {
            "Sid": "ReadAndWriteBlocks",
            "Effect": "Allow",
            "Action": OBJECT_ACTIONS,
            "Resource": f"{arn}/*",
        },
    )


def key_access(key_arn: str | None, *, previous: Sequence[str] = (), region: str) -> str:
    """Return a policy for the use of the bucket's KMS keys, through S3 only.

    Args:
        key_arn: ARN of the key; None where S3 manages the keys of new objects.
        previous: ARNs of keys that older objects are encrypted with, to read them.
        region: AWS region of the bucket and its keys.

    Returns:
        The policy as JSON.
    """
    statements = key_statements(key_arn, previous=previous, region=region)
    return _document(*statements)


def key_statements(
    key_arn: str | None, *, previous: Sequence[str], region: str
) -> list[dict[str, Any]]:
    """Return the statements of `key_access`; the boundary of the role has the same."""
    # In China both forms of a service's name are in use.
    services = sorted({f"s3.{region}.amazonaws.com", f"s3.{region}.{dns_suffix(region)}"})
    older = [key for key in previous if key != key_arn]
    used: list[tuple[str, Sequence[str], str | list[str] | None]] = [
        ("EncryptAndDecryptBlocks", KEY_ACTIONS, key_arn),
        ("DecryptOlderBlocks", ["kms:Decrypt"], older),
    ]
    return [
        {
            "Sid": sid,
            "Effect": "Allow",
            "Action": its,
            "Resource": keys,
            "Condition": {"StringEquals": {"kms:ViaService": services}},
        }
        for sid, its, keys in used
        if keys
    ]


def _document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
