"""IAM policies of the roles for GitHub's jobs, and the permissions boundary of Tempo's role.

The actions are those that pulumi-aws calls on the resources of a tracing stack. They come from the
provider that pulumi-aws is built on (terraform-provider-aws 6, `internal/service/{s3,iam,eks}`);
their names come from AWS's service authorization reference.
"""

import re
from collections.abc import Sequence

from components.backends import amazon
from components.core import iam
from components.core.helm import DEPLOY_MINUTES
from components.core.names import bucket_arn, cluster_arn
from components.core.regions import partition
from components.identity.policies import bucket_access, key_access
from components.identity.role import role_arn
from components.identity.settings import IdentityMode
from components.settings import TracingSettings

#: Issuer of the tokens of GitHub's jobs (GitHub docs, "OpenID Connect reference").
ISSUER = "token.actions.githubusercontent.com"
#: Audience that aws-actions/configure-aws-credentials requests.
AUDIENCE = "sts.amazonaws.com"
#: Lifetime of a job's credentials in seconds: that of the longest job, which deploys.
SESSION_SECONDS = DEPLOY_MINUTES * 60
#: Branch that is deployed, and the workflow that deploys a stack from it.
BRANCH = "refs/heads/main"
DEPLOY_WORKFLOW = ".github/workflows/deploy-stack.yml"

#: Folders in `.pulumi/` of a bucket that holds Pulumi's state (pulumi, `pkg/backend/diy`). Locks
#: are below the organization, which is always called `organization` in a bucket.
STACKS, WRITTEN = "stacks", ("stacks", "history", "backups", "locks/organization")

#: A read of `aws.s3.Bucket` reads everything that can be set on a bucket.
BUCKET_READ = (
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    # Required by HeadBucket. It reveals names of objects, not their content.
    "s3:ListBucket",
    "s3:ListTagsForResource",
)
BUCKET_WRITE = (
    "s3:CreateBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
BUCKET_DELETE = ("s3:DeleteBucket",)

ROLE_READ = (
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
)
#: Actions that the condition iam:PermissionsBoundary applies to.
ROLE_WRITE_WITHIN_BOUNDARY = (
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
ROLE_WRITE = (
    "iam:DeleteRole",
    # Called before a role is deleted.
    "iam:ListInstanceProfilesForRole",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)

ASSOCIATION_READ = ("eks:DescribePodIdentityAssociation",)
#: Authorized on the cluster; the other actions on the association.
ASSOCIATION_CREATE = ("eks:CreatePodIdentityAssociation",)
ASSOCIATION_WRITE = (
    "eks:DeletePodIdentityAssociation",
    "eks:TagResource",
    "eks:UntagResource",
    "eks:UpdatePodIdentityAssociation",
)


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

    The subject of a token names the environment instead of the branch, so the environment's
    protection rules decide which jobs may assume the role. `workflow`, the path of the only one
    that may, and `main_only` add conditions that hold without these rules. The repository is
    `owner/name`, or has ids as in the token's subject: `owner@123/name@456`.
    """
    claims = {"aud": AUDIENCE, "sub": f"repo:{repository}:environment:{environment}"}
    if main_only or workflow is not None:
        claims["ref"] = BRANCH
    if workflow is not None:
        # This claim has no ids, even if the subject has.
        plain = re.sub(r"@\d+", "", repository)
        claims["job_workflow_ref"] = f"{plain}/{workflow}@{BRANCH}"
    return iam.web_identity_trust(
        "OneEnvironmentOfOneRepository",
        issuer=ISSUER,
        claims=claims,
        region=region,
        account_id=account_id,
    )


def read_state(
    bucket: str, key_arn: str, *, region: str, project: str, referenced: Sequence[str]
) -> str:
    """Return a policy for reading the state of a project, which is all that a preview needs.

    A preview takes no lock and writes nothing (pulumi, `diyBackend.Preview`). `referenced` are the
    projects whose outputs are read (`pulumi.StackReference`).
    """
    arn = bucket_arn(bucket, region=region)
    projects = [project, *(name for name in referenced if name != project)]
    folders = [f"{arn}/.pulumi/{STACKS}/{name}/*" for name in projects]
    return iam.document(
        iam.statement("FindState", ["s3:ListBucket"], resource=[arn]),
        iam.statement(
            "ReadState", ["s3:GetObject"], resource=[f"{arn}/.pulumi/meta.yaml", *folders]
        ),
        iam.statement("DecryptState", ["kms:Decrypt"], resource=[key_arn]),
    )


def write_state(bucket: str, key_arn: str, *, region: str, project: str) -> str:
    """Return a policy for writing and locking the state of a project; see `read_state`.

    It excludes the state of `bootstrap` in the same bucket: with write access to that state, a job
    could make an administrator's next `make bootstrap` delete or change what it describes.
    """
    arn = bucket_arn(bucket, region=region)
    return iam.document(
        iam.statement(
            "WriteState",
            # A failed multipart upload is aborted.
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            resource=[f"{arn}/.pulumi/{folder}/{project}/*" for folder in WRITTEN],
        ),
        # Encrypt is for the secrets of a new stack, GenerateDataKey for the bucket.
        iam.statement("EncryptState", ["kms:Encrypt", "kms:GenerateDataKey"], resource=[key_arn]),
    )


def read_stack(tracing: TracingSettings) -> str:
    """Return a policy for reading a tracing stack's resources: refresh, drift, import."""
    statements = [
        iam.statement("FindCluster", ["eks:DescribeCluster"], resource=[_cluster(tracing)])
    ]
    if tracing.identity.mode is IdentityMode.POD_IDENTITY:
        statements.append(
            iam.statement("ReadAssociation", ASSOCIATION_READ, resource=[_associations(tracing)])
        )
    if not tracing.storage.existing:
        statements.append(iam.statement("ReadBucket", BUCKET_READ, resource=[_bucket(tracing)]))
    if made := _roles(tracing, made=True):
        statements.append(iam.statement("ReadRole", ROLE_READ, resource=made))
    return iam.document(*statements)


def write_stack(tracing: TracingSettings) -> str:
    """Return a policy for creating and changing a tracing stack's resources; see `read_stack`.

    Names are exact. Pods' roles can get no permission beyond their boundary and can be passed only
    to EKS pods. There is no permission on KMS keys: a key has no name in advance, and the tags that
    `kms:CreateKey` sets need `kms:TagResource` on every key of the account, which would let the
    role claim other keys (AWS KMS developer guide, "Controlling access to tags").
    """
    statements: list[iam.Statement] = []
    if tracing.identity.mode is IdentityMode.POD_IDENTITY:
        passed = {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}}
        role, associations = _roles(tracing), [_associations(tracing)]
        statements += [
            iam.statement("Associate", ASSOCIATION_CREATE, resource=[_cluster(tracing)]),
            iam.statement("ChangeAssociation", ASSOCIATION_WRITE, resource=associations),
            iam.statement("PassRole", ["iam:PassRole"], resource=role, condition=passed),
            # EKS reads the role that it is passed.
            iam.statement("LookAtPassedRole", ["iam:GetRole"], resource=role),
        ]
    if not tracing.storage.existing:
        deletion = () if tracing.storage.protect else BUCKET_DELETE
        actions = (*BUCKET_WRITE, *deletion)
        statements.append(iam.statement("WriteBucket", actions, resource=[_bucket(tracing)]))
    if role := _roles(tracing, made=True):
        boundary = tracing.identity.permissions_boundary_arn or ""
        bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
        statements += [
            iam.statement(
                "WriteBoundedRole", ROLE_WRITE_WITHIN_BOUNDARY, resource=role, condition=bounded
            ),
            iam.statement("WriteRole", ROLE_WRITE, resource=role),
        ]
    return iam.document(*statements)


def boundary(tracing: TracingSettings, *, trace_key_arn: str | None) -> str:
    """Return the permissions boundary of Tempo's and Alloy's roles: the most that they can allow.

    `trace_key_arn` is the key that `bootstrap` makes; None if it makes none.
    """
    storage, region = tracing.storage, tracing.cluster.region
    keys = list(dict.fromkeys(key for key in (storage.kms_key_arn, trace_key_arn) if key))
    return iam.document(
        *bucket_access(tracing.bucket, region=region),
        *key_access(keys, previous=storage.previous_kms_key_arns, region=region),
        *amazon.permissions(
            tracing.backends.writers.values(), account_id=tracing.cluster.account_id
        ),
    )


def _bucket(tracing: TracingSettings) -> str:
    return bucket_arn(tracing.bucket, region=tracing.cluster.region)


def _roles(tracing: TracingSettings, *, made: bool = False) -> list[str]:
    """Return the ARNs of the roles of Tempo and, if it has one, Alloy.

    Args:
        tracing: settings of the tracing stack.
        made: only those that the stack makes.
    """
    its = [(tracing.identity, tracing.role_name)]
    if tracing.alloy_has_role:
        its.append((tracing.identity.of_alloy, tracing.alloy_role_name))
    where = {"region": tracing.cluster.region, "account_id": tracing.cluster.account_id}
    return [
        role_arn(identity, role_name=name, **where)
        for identity, name in its
        if identity.makes_role or not made
    ]


def _cluster(tracing: TracingSettings) -> str:
    cluster = tracing.cluster
    return cluster_arn(region=cluster.region, account_id=cluster.account_id, cluster=cluster.name)


def _associations(tracing: TracingSettings) -> str:
    cluster = tracing.cluster
    where = f"arn:{partition(cluster.region)}:eks:{cluster.region}:{cluster.account_id}"
    return f"{where}:podidentityassociation/{cluster.name}/*"
