"""Imports what the plan of dev uses of the SDKs, and exits: the baseline of its time.

The names are those that components/, config/ and plan/ touch for that stack. The SDKs load a group
whole with its first name, so a missing name of a group would change nothing.
"""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pydantic
import yaml
from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    nodegraph,
    prometheus,
    stat,
    table,
    tempo,
    text,
    timeseries,
)

USED = (
    common,
    dashboard,
    heatmap,
    nodegraph,
    prometheus,
    stat,
    table,
    tempo,
    text,
    timeseries,
    pulumi.ComponentResource,
    pydantic.BaseModel,
    pydantic.ConfigDict,
    pydantic.Field,
    pydantic.ValidationError,
    pydantic.ValidationInfo,
    pydantic.field_validator,
    yaml.SafeLoader,
    yaml.SafeDumper,
    aws.Provider,
    aws.ProviderArgs,
    aws.eks.PodIdentityAssociation,
    aws.iam.Role,
    aws.iam.RolePolicy,
    aws.s3.Bucket,
    aws.s3.BucketLifecycleConfiguration,
    aws.s3.BucketLifecycleConfigurationRuleArgs,
    aws.s3.BucketOwnershipControls,
    aws.s3.BucketPolicy,
    aws.s3.BucketPublicAccessBlock,
    aws.s3.BucketServerSideEncryptionConfiguration,
    kubernetes.Provider,
    kubernetes.apiextensions.CustomResource,
    kubernetes.core.v1.ConfigMap,
    kubernetes.core.v1.Namespace,
    kubernetes.helm.v3.Release,
    kubernetes.helm.v3.RepositoryOptsArgs,
    kubernetes.meta.v1.ObjectMetaArgs,
    kubernetes.networking.v1.NetworkPolicy,
)
