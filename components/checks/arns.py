"""Rules about ARNs: partition, region and account fit the cluster."""

from collections.abc import Iterator

from ..core.problem import Problem, problem
from ..core.regions import partition
from ..identity.settings import IdentityMode
from ..settings import TracingSettings


def arns(settings: TracingSettings) -> Iterator[Problem]:
    """Each ARN is one that AWS accepts for a cluster in this region and account.

    A KMS key and, with IRSA, a role may belong to another account.
    """
    cluster, identity = settings.cluster, settings.identity
    iam = f"arn:{partition(cluster.region)}:iam::"
    own = f"{iam}{cluster.account_id}:"
    kms = f"arn:{partition(cluster.region)}:kms:{cluster.region}:"
    pod_identity = identity.mode is IdentityMode.POD_IDENTITY
    for key, arn, starts, why in (
        (
            "storage.kmsKeyArn",
            settings.storage.kms_key_arn,
            [kms],
            "S3 uses a key of the bucket's region, which is cluster.region",
        ),
        *(
            (
                f"storage.previousKmsKeyArns[{place}]",
                arn,
                [kms],
                "S3 uses a key of the bucket's region, which is cluster.region",
            )
            for place, arn in enumerate(settings.storage.previous_kms_key_arns)
        ),
        (
            "identity.roleArn",
            identity.role_arn,
            [own] if pod_identity else [iam],
            "Pod Identity uses a role of cluster.accountId"
            if pod_identity
            else f"the partition of cluster.region {cluster.region}",
        ),
        (
            "identity.permissionsBoundaryArn",
            identity.permissions_boundary_arn,
            [own, f"{iam}aws:"],
            "IAM accepts a policy of the role's account, which is cluster.accountId, or of AWS",
        ),
    ):
        if arn and not arn.startswith(tuple(starts)):
            yield problem(key, arn, f"must begin with {' or '.join(starts)} ({why})")
