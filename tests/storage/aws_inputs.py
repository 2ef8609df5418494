"""Checks recorded inputs against the types of the installed pulumi-aws, nested ones too."""

# pyright: reportPrivateUsage=false

import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pulumi_aws as aws
from pulumi import _types as sdk_types

from plan.recorder import UNKNOWN, Resource

#: The arguments of each AWS resource that the stack and `bootstrap` make.
ARGS: dict[str, type] = {
    "aws:s3/bucket:Bucket": aws.s3.BucketArgs,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": aws.s3.BucketPublicAccessBlockArgs,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": aws.s3.BucketOwnershipControlsArgs,
    # The plain name is taken by an old input of the bucket itself.
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        aws.s3.BucketServerSideEncryptionConfigurationInitArgs
    ),
    "aws:s3/bucketPolicy:BucketPolicy": aws.s3.BucketPolicyArgs,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        aws.s3.BucketLifecycleConfigurationArgs
    ),
    "aws:s3/bucketVersioning:BucketVersioning": aws.s3.BucketVersioningInitArgs,
    "aws:kms/key:Key": aws.kms.KeyArgs,
    "aws:kms/alias:Alias": aws.kms.AliasArgs,
    "aws:iam/role:Role": aws.iam.RoleArgs,
    "aws:iam/rolePolicy:RolePolicy": aws.iam.RolePolicyArgs,
    "aws:iam/policy:Policy": aws.iam.PolicyArgs,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": aws.iam.OpenIdConnectProviderArgs,
    "aws:eks/accessEntry:AccessEntry": aws.eks.AccessEntryArgs,
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": aws.eks.AccessPolicyAssociationArgs,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": aws.eks.PodIdentityAssociationArgs,
}


def problems(resource: Resource) -> list[str]:
    """Return what is wrong with a resource's inputs: names and kinds of value that AWS lacks."""
    return _object_problems(ARGS[resource.type], resource.inputs, resource.name)


def _object_problems(args: type, inputs: Mapping[str, Any], at: str) -> list[str]:
    known = sdk_types.input_type_types(args)
    found: list[str] = []
    for key, value in inputs.items():
        where = f"{at}.{key}"
        if key not in known:
            found.append(f"{where}: no such input of {args.__name__}")
        elif value != UNKNOWN:
            found += _value_problems(known[key], value, where)
    return found


def _value_problems(hint: Any, value: Any, where: str) -> list[str]:
    choices = list(_choices(hint))
    if isinstance(value, Mapping):
        nested = [choice for choice in choices if sdk_types.is_input_type(choice)]
        if nested:
            return _object_problems(nested[0], cast(Mapping[str, Any], value), where)
        plain = any(issubclass(typing.get_origin(c) or c, Mapping) for c in choices)
        return [] if plain else [f"{where}: an object does not belong here"]
    if isinstance(value, list):
        lists = [c for c in choices if issubclass(typing.get_origin(c) or c, Sequence)]
        items = [item for c in lists for item in typing.get_args(c)]
        if not items:
            return [f"{where}: a list does not belong here"]
        each = enumerate(cast(list[Any], value))
        return [p for i, v in each for p in _value_problems(items[0], v, f"{where}[{i}]")]
    return [] if type(value) in choices else [f"{where}: {value!r} is not one of {choices}"]


def _choices(hint: Any) -> Iterator[Any]:
    """Unfold unions down to the classes that a plain value may be of."""
    if typing.get_origin(hint) is typing.Union:
        for choice in typing.get_args(hint):
            yield from _choices(choice)
    else:
        yield hint
