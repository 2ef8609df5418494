"""Trust policies and permissions of Tempo's role."""

from collections.abc import Sequence

from ..core import iam
from ..core.names import bucket_arn, cluster_arn
from ..core.regions import dns_suffix

#: Audience of the tokens that EKS gives to pods, in every partition (EKS user guide, IRSA).
IRSA_AUDIENCE = "sts.amazonaws.com"

#: Actions of Tempo 2.10.8 on objects (tempodb/backend/s3): PUT, multipart uploads, which the client
#: aborts on failure, GET and DELETE. Compaction copies `meta.json` with its tags.
OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:GetObjectTagging",
    "s3:PutObjectTagging",
)
#: Actions that S3 requires of a caller for SSE-KMS: a data key to write, decryption to read and to
#: complete a multipart upload.
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def pod_identity_trust(
    *, cluster: str, region: str, account_id: str, namespace: str, service_account: str
) -> str:
    """Return a trust policy for EKS Pod Identity.

    All clusters of all accounts share one service principal. The session tags that EKS sets (EKS
    user guide, "Enable or disable session tags") limit the trust to one service account of one
    cluster.
    """
    session_tags = {
        "aws:RequestTag/eks-cluster-arn": cluster_arn(
            region=region, account_id=account_id, cluster=cluster
        ),
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }
    return iam.document(
        iam.statement(
            "OnePodIdentityOfOneCluster",
            # EKS sets session tags when it assumes the role.
            ["sts:AssumeRole", "sts:TagSession"],
            principal={"Service": "pods.eks.amazonaws.com"},
            condition={"StringEquals": session_tags},
        )
    )


def irsa_trust(
    *, oidc_issuer: str, region: str, account_id: str, namespace: str, service_account: str
) -> str:
    """Return a trust policy for IAM roles for service accounts (IRSA)."""
    return iam.web_identity_trust(
        "OneServiceAccountOfOneCluster",
        issuer=oidc_issuer.removeprefix("https://").rstrip("/"),
        claims={
            "aud": IRSA_AUDIENCE,
            "sub": f"system:serviceaccount:{namespace}:{service_account}",
        },
        region=region,
        account_id=account_id,
    )


def bucket_access(bucket: str, *, region: str) -> list[iam.Statement]:
    """Return the statements that let Tempo use its bucket."""
    arn = bucket_arn(bucket, region=region)
    return [
        # Tempo lists the bucket at start. Without this permission, S3 also answers 403 instead of
        # 404 for a missing object, which Tempo treats as an error.
        iam.statement("ListBlocks", "s3:ListBucket", resource=arn),
        iam.statement("ReadAndWriteBlocks", OBJECT_ACTIONS, resource=f"{arn}/*"),
    ]


def key_access(
    key_arns: iam.Names | None, *, previous: Sequence[str] = (), region: str
) -> list[iam.Statement]:
    """Return the statements that let Tempo use the KMS keys of its bucket, only through S3.

    `previous` keys encrypt older objects: Tempo only decrypts with them.
    """
    # In China, services use both domains.
    services = sorted({f"s3.{region}.amazonaws.com", f"s3.{region}.{dns_suffix(region)}"})
    current = [key_arns] if isinstance(key_arns, str) else key_arns or ()
    older = [key for key in previous if key not in current]
    used: list[tuple[str, Sequence[str], iam.Names | None]] = [
        ("EncryptAndDecryptBlocks", KEY_ACTIONS, key_arns),
        ("DecryptOlderBlocks", ["kms:Decrypt"], older),
    ]
    through_s3 = {"StringEquals": {"kms:ViaService": services}}
    return [
        iam.statement(sid, actions, resource=keys, condition=through_s3)
        for sid, actions, keys in used
        if keys
    ]
