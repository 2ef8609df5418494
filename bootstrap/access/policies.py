"""What preview and deployment may do, as JSON: the state, and what a tracing stack makes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.core.names import cluster_arn
from components.core.regions import partition
from components.identity.policies import bucket_access, key_statements
from components.storage.policies import bucket_arn

from . import actions

#: Folders of Pulumi's state in a bucket (pulumi, `pkg/backend/diy`), in `.pulumi/`; a lock is under
#: the organisation, which a bucket always calls `organization`.
STACKS, WRITTEN = "stacks", ("stacks", "history", "backups", "locks/organization")


@dataclass(frozen=True, kw_only=True)
class StackNames:
    """What a tracing stack makes in AWS, by name; a key or role that it does not make is None.

    Attributes:
        region: AWS region of all of it.
        account_id: AWS account of all of it, 12 digits.
        cluster: name of the EKS cluster.
        bucket: name of the trace bucket.
        makes_bucket: whether the stack makes that bucket.
        bucket_may_go: whether deletion of the bucket is allowed.
        key_alias: alias of the bucket's own KMS key, `alias/...`.
        role: name of Tempo's role.
        role_arn: ARN of the role that Tempo gets, made by the stack or not.
        boundary_arn: ARN of the permissions boundary that a role which it makes must have.
        tags: tags that tell the key from others.
    """

    region: str
    account_id: str
    cluster: str
    bucket: str
    makes_bucket: bool
    bucket_may_go: bool
    key_alias: str | None
    role: str | None
    role_arn: str | None
    boundary_arn: str | None
    tags: Mapping[str, str]

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of something of the stack's account; IAM's ARNs have no region."""
        region = "" if service == "iam" else self.region
        return f"arn:{partition(self.region)}:{service}:{region}:{self.account_id}:{resource}"


def read_state(
    bucket: str, key_arn: str, *, region: str, project: str, referenced: Sequence[str]
) -> str:
    """Return a policy for reading the state of a project, which is all that a preview does.

    A preview takes no lock and writes nothing (pulumi, `diyBackend.Preview`).

    Args:
        bucket: name of the state bucket.
        key_arn: ARN of the key for the bucket and for the secrets in the state.
        region: AWS region of the bucket.
        project: Pulumi project whose state it is.
        referenced: projects whose outputs are read too (`pulumi.StackReference`).
    """
    arn = bucket_arn(bucket, region=region)
    projects = [project, *(name for name in referenced if name != project)]
    return _document(
        _allow("FindState", ["s3:ListBucket"], arn),
        _allow(
            "ReadState",
            ["s3:GetObject"],
            f"{arn}/.pulumi/meta.yaml",
            *(f"{arn}/.pulumi/{STACKS}/{name}/*" for name in projects),
        ),
        _allow("DecryptState", ["kms:Decrypt"], key_arn),
    )


def write_state(bucket: str, key_arn: str, *, region: str, project: str) -> str:
    """Return a policy for writing the state of a project, with its locks; see `read_state`.

    The state of `bootstrap` itself, in the same bucket, stays out of reach: who could write it
    could have an administrator delete or change what it describes.
    """
    arn = bucket_arn(bucket, region=region)
    return _document(
        _allow(
            "WriteState",
            # An upload in parts is aborted when it fails.
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            *(f"{arn}/.pulumi/{folder}/{project}/*" for folder in WRITTEN),
        ),
        # To encrypt is for secrets of a new stack, a data key for the bucket.
        _allow("EncryptState", ["kms:Encrypt", "kms:GenerateDataKey"], key_arn),
    )


def read_stack(stack: StackNames) -> str:
    """Return a policy for looking at what the stack made: refresh, drift, import."""
    statements = [
        _allow("FindCluster", ["eks:DescribeCluster"], _cluster(stack)),
        _allow("ReadAssociation", actions.ASSOCIATION_READ, _associations(stack)),
    ]
    if stack.makes_bucket:
        bucket = bucket_arn(stack.bucket, region=stack.region)
        statements.append(_allow("ReadBucket", actions.BUCKET_READ, bucket))
    if stack.role:
        role = stack.arn("iam", f"role/{stack.role}")
        statements.append(_allow("ReadRole", actions.ROLE_READ, role))
    if stack.key_alias:
        statements += [
            # A list of aliases can't be had in part.
            _allow("FindAlias", ["kms:ListAliases"], "*"),
            _allow(
                "ReadKey", actions.KEY_READ, stack.arn("kms", "key/*"), condition=_tagged(stack)
            ),
        ]
    return _document(*statements)


def write_stack(stack: StackNames) -> str:
    """Return a policy for making and changing what the stack makes, beside `read_stack`.

    Names are exact. Tempo's role can be given nothing that the permissions boundary does not admit,
    and be passed to EKS pods only.
    """
    statements = [
        _allow("Associate", actions.ASSOCIATION_CREATE, _cluster(stack)),
        _allow("ChangeAssociation", actions.ASSOCIATION_WRITE, _associations(stack)),
    ]
    if stack.role_arn:
        passed = {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}}
        statements += [
            _allow("PassRole", ["iam:PassRole"], stack.role_arn, condition=passed),
            # EKS looks at the role that it is passed.
            _allow("LookAtPassedRole", ["iam:GetRole"], stack.role_arn),
        ]
    if stack.makes_bucket:
        deletion = actions.BUCKET_DELETE if stack.bucket_may_go else ()
        bucket = bucket_arn(stack.bucket, region=stack.region)
        statements.append(_allow("WriteBucket", (*actions.BUCKET_WRITE, *deletion), bucket))
    if stack.role:
        role = stack.arn("iam", f"role/{stack.role}")
        bounded = {"StringEquals": {"iam:PermissionsBoundary": stack.boundary_arn}}
        statements += [
            _allow("WriteBoundedRole", actions.ROLE_WRITE_WITHIN_BOUNDARY, role, condition=bounded),
            _allow("WriteRole", actions.ROLE_WRITE, role),
        ]
    if stack.key_alias:
        statements += _write_key(stack, stack.key_alias)
    return _document(*statements)


def boundary(
    stack: StackNames, *, kms_key_arn: str | None, previous_kms_key_arns: Sequence[str]
) -> str:
    """Return the permissions boundary of Tempo's role: the most that its policies can give it.

    Args:
        stack: names of what the stack makes.
        kms_key_arn: ARN of a given key of the bucket; by default any key of the account, for the
            key that the stack makes has no ARN yet. A key's own policy decides too.
        previous_kms_key_arns: ARNs of keys that older objects are encrypted with.
    """
    bucket = json.loads(bucket_access(stack.bucket, region=stack.region))["Statement"]
    key = kms_key_arn or stack.arn("kms", "key/*")
    keys = key_statements(key, previous=previous_kms_key_arns, region=stack.region)
    return _document(*bucket, *keys)


def _tagged(stack: StackNames) -> dict[str, dict[str, str]]:
    """Return the condition that a resource has the stack's tags."""
    return {"StringEquals": {f"aws:ResourceTag/{k}": v for k, v in stack.tags.items()}}


def _write_key(stack: StackNames, alias: str) -> list[dict[str, Any]]:
    """Return the statements for the bucket's own key, which has no name to be told by.

    Its tags tell it. They are given when it is made, so who makes it must be allowed to give them;
    a key that has other values in them already is out of reach. Another key without them could be
    tagged, but not administered: policy, deletion and disabling are an administrator's.
    """
    keys = stack.arn("kms", "key/*")
    given = {f"aws:RequestTag/{k}": v for k, v in stack.tags.items()}
    own = {f"aws:ResourceTag/{k}": v for k, v in stack.tags.items()}
    return [
        _allow("MakeKey", ["kms:CreateKey"], "*", condition={"StringEquals": given}),
        _allow(
            "TagKey",
            ["kms:TagResource"],
            keys,
            condition={"StringEquals": given, "StringEqualsIfExists": own},
        ),
        _allow("WriteKey", actions.KEY_WRITE, keys, condition=_tagged(stack)),
        _allow("NameKey", actions.ALIAS_WRITE, keys, condition=_tagged(stack)),
        _allow("WriteAlias", actions.ALIAS_WRITE, stack.arn("kms", alias)),
    ]


def _cluster(stack: StackNames) -> str:
    return cluster_arn(region=stack.region, account_id=stack.account_id, cluster=stack.cluster)


def _associations(stack: StackNames) -> str:
    return stack.arn("eks", f"podidentityassociation/{stack.cluster}/*")


def _allow(
    sid: str, its: Sequence[str], *resources: str, condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a statement that allows actions on resources."""
    statement = {"Sid": sid, "Effect": "Allow", "Action": its, "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


def _document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
