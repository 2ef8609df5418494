"""Imports what the plan of dev uses of the SDKs, and exits: the baseline of its time.

The SDKs load a group whole with its first name, so one name of each group is enough.
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
    *(common, dashboard, heatmap, nodegraph, prometheus, stat, table, tempo, text, timeseries),
    *(pulumi.ComponentResource, pydantic.BaseModel, pydantic.Field, yaml.SafeLoader),
    *(aws.Provider, aws.eks.PodIdentityAssociation, aws.iam.Role, aws.s3.Bucket),
    *(kubernetes.Provider, kubernetes.apiextensions.CustomResource, kubernetes.core.v1.ConfigMap),
    *(kubernetes.helm.v3.Release, kubernetes.meta.v1.ObjectMetaArgs),
    kubernetes.networking.v1.NetworkPolicy,
)
