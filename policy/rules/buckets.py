"""Policies of S3 buckets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import levels
from .reading import at, is_kind, items, mapping, statements
from .rule import UNKNOWN, Before, Finding, Resource, Rule

_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
#: Canned ACLs that permit access from outside the account (S3 User Guide, "Canned ACL").
_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
_ALGORITHMS = ("AES256", "aws:kms", "aws:kms:dsse")


def _buckets(resources: Sequence[Resource]) -> list[Resource]:
    return [r for r in resources if is_kind(r, "s3/bucket")]


def _of(bucket: Resource, resources: Sequence[Resource], kind: str) -> list[Resource]:
    """Return the configuration of a bucket: by its name or, if unknown, by dependency."""
    name = bucket.inputs.get("bucket")
    return [
        r
        for r in resources
        if is_kind(r, kind)
        and (
            r.inputs.get("bucket") == name
            if name not in (None, UNKNOWN) and r.inputs.get("bucket") != UNKNOWN
            else bucket.urn in r.dependencies
        )
    ]


def _public(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for bucket in _buckets(resources):
        blocks = _of(bucket, resources, "s3/bucketPublicAccessBlock")
        if not blocks:
            yield Finding(bucket.urn, "has no public access block")
        for block in blocks:
            open_ = [b for b in _BLOCKS if block.inputs.get(b) not in (True, UNKNOWN)]
            if open_:
                yield Finding(block.urn, f"must be true: {', '.join(open_)}")
    for resource in resources:
        if is_kind(resource, "s3/bucket", "s3/bucketAcl"):
            acl = resource.inputs.get("acl")
            if acl in _PUBLIC_ACLS:
                yield Finding(resource.urn, f"has the ACL {acl}")
        elif is_kind(resource, "s3/bucketPolicy"):
            for statement in statements(resource.inputs.get("policy")):
                if statement.get("Effect") == "Allow" and _is_anyone(statement):
                    actions = ", ".join(map(str, items(statement.get("Action"))))
                    what = actions or "every action but some"
                    yield Finding(resource.urn, f"allows everyone {what}")


def _is_anyone(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    return (
        "*" in items(principal)
        or "*" in items(mapping(principal).get("AWS"))
        or "NotPrincipal" in statement
    )


def _unencrypted(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for bucket in _buckets(resources):
        found = _of(bucket, resources, "s3/bucketServerSideEncryptionConfiguration")
        if not found:
            yield Finding(bucket.urn, "has no encryption configuration")
        for configuration in found:
            path = "applyServerSideEncryptionByDefault.sseAlgorithm"
            for rule in items(configuration.inputs.get("rules")) or [{}]:
                algorithm = at(rule, path, "nothing")
                if algorithm not in (*_ALGORITHMS, UNKNOWN):
                    yield Finding(configuration.urn, f"encrypts with {algorithm}")


def _plain_http(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for bucket in _buckets(resources):
        policies = _of(bucket, resources, "s3/bucketPolicy")
        unknown = any(p.inputs.get("policy") == UNKNOWN for p in policies)
        name = bucket.inputs.get("bucket")
        denied = any(
            _denies_plain_http(statement, name)
            for policy in policies
            for statement in statements(policy.inputs.get("policy"))
        )
        if not unknown and not denied:
            yield Finding(
                bucket.urn, "has no policy that denies requests without TLS, to bucket and objects"
            )


def _denies_plain_http(statement: Mapping[str, Any], bucket: object) -> bool:
    conditions = [at(statement, f"Condition.{operator}") for operator in ("Bool", "BoolIfExists")]
    secure = [str(mapping(c).get("aws:SecureTransport")).lower() for c in conditions]
    covered = [str(r) for r in items(statement.get("Resource"))]
    name = bucket if isinstance(bucket, str) and bucket != UNKNOWN else ""
    all_of_it = all(any(r.endswith(end) for r in covered) for end in (name, f"{name}/*"))
    return (
        statement.get("Effect") == "Deny"
        and _is_anyone(statement)
        and "s3:*" in items(statement.get("Action"))
        and "false" in secure
        and ("*" in covered or all_of_it)
    )


def _unprotected(resources: Sequence[Resource], _: Before) -> Iterator[Finding]:
    for bucket in _buckets(resources):
        if not bucket.protect:
            yield Finding(bucket.urn, "is not protected: Pulumi may delete or replace it")


RULES = (
    Rule(
        name="bucket-public",
        what="No bucket is public.",
        why="Spans contain URLs, user ids and database statements.",
        fix="Keep all four public access blocks, and grant access to named IAM principals.",
        levels=levels.ALWAYS,
        check=_public,
        whole_stack=True,
    ),
    Rule(
        name="bucket-unencrypted",
        what="Every bucket has an explicit encryption setting.",
        why="An explicit setting can be audited and doesn't depend on a default.",
        fix="Set storage.encryption to sse-s3 or sse-kms.",
        levels=levels.ALWAYS,
        check=_unencrypted,
        whole_stack=True,
    ),
    Rule(
        name="bucket-plain-http",
        what="Every bucket denies requests without TLS.",
        why="A client with a wrong endpoint would send traces unencrypted.",
        fix="Keep the bucket policy that denies requests with aws:SecureTransport false.",
        levels=levels.ON_AWS,
        check=_plain_http,
        whole_stack=True,
    ),
    Rule(
        name="bucket-unprotected",
        what="The bucket of a production environment is protected.",
        why="A changed name, or a destroy in the wrong terminal, would delete all traces.",
        fix="Remove storage.protect: false.",
        levels=levels.PRODUCTION,
        check=_unprotected,
    ),
)
