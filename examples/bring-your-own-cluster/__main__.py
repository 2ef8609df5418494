"""A cluster and its tracing in one program.

Helm values must be known at preview, before the cluster exists. Therefore the cluster's name,
region and account are plain values. Its address and certificate are outputs, which only the
Kubernetes provider uses.

The cluster is EKS in Auto Mode: AWS manages nodes, volumes, load balancers and the Pod Identity
agent. The subnets must exist.
"""

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.storage.v1 import StorageClass
from tracing_stack import TracingStack, TracingStackArgs, parse_settings

config = pulumi.Config()
region, account_id = config.require("region"), config.require("accountId")
name = config.require("clusterName")
account = aws.Provider("aws", region=region, allowed_account_ids=[account_id])
on_aws = pulumi.ResourceOptions(provider=account)


attached: list[pulumi.Resource] = []


def role(kind: str, service: str, policies: list[str]) -> aws.iam.Role:
    """Create a role of the cluster with AWS managed policies."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    made = aws.iam.Role(
        f"{kind}-role",
        name=f"{name}-{kind}",
        assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        opts=on_aws,
    )
    for policy in policies:
        attachment = aws.iam.RolePolicyAttachment(
            f"{kind}-{policy}",
            role=made.name,
            policy_arn=f"arn:aws:iam::aws:policy/{policy}",
            opts=on_aws,
        )
        attached.append(attachment)
    return made


managed = ("Cluster", "Compute", "BlockStorage", "LoadBalancing", "Networking")
cluster_role = role("cluster", "eks.amazonaws.com", [f"AmazonEKS{part}Policy" for part in managed])
node_role = role(
    "node",
    "ec2.amazonaws.com",
    ["AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"],
)

cluster = aws.eks.Cluster(
    "cluster",
    name=name,
    role_arn=cluster_role.arn,
    access_config={
        "authentication_mode": "API",
        "bootstrap_cluster_creator_admin_permissions": True,
    },
    bootstrap_self_managed_addons=False,
    compute_config={
        "enabled": True,
        "node_pools": ["general-purpose", "system"],
        "node_role_arn": node_role.arn,
    },
    kubernetes_network_config={"elastic_load_balancing": {"enabled": True}},
    storage_config={"block_storage": {"enabled": True}},
    vpc_config={"subnet_ids": config.require_object("subnetIds")},
    # EKS needs the roles until the cluster is deleted.
    opts=pulumi.ResourceOptions(provider=account, depends_on=attached),
)


def kubeconfig(endpoint: str, authority: str) -> str:
    """Return a kubeconfig that gets a token from the AWS CLI."""
    token = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["eks", "get-token", "--cluster-name", name, "--region", region],
        "interactiveMode": "Never",
    }
    there = {"server": endpoint, "certificate-authority-data": authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": there}],
            "users": [{"name": name, "user": {"exec": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


in_cluster = kubernetes.Provider(
    "kubernetes",
    kubeconfig=pulumi.Output.all(cluster.endpoint, cluster.certificate_authority.data).apply(
        lambda known: kubeconfig(*known)
    ),
    cluster_identifier=cluster.arn,
    enable_config_map_mutable=True,
    enable_secret_mutable=True,
)
volumes = StorageClass(
    "volumes",
    metadata={"name": "auto-ebs"},
    provisioner="ebs.csi.eks.amazonaws.com",
    volume_binding_mode="WaitForFirstConsumer",
    parameters={"type": "gp3", "encrypted": "true"},
    opts=pulumi.ResourceOptions(provider=in_cluster),
)
# A Grafana that is installed here finds the datasources and dashboards.
grafana = Namespace(
    "grafana",
    metadata={"name": "grafana"},
    opts=pulumi.ResourceOptions(provider=in_cluster),
)

tracing = TracingStack(
    "tracing",
    TracingStackArgs(
        settings=parse_settings(
            {
                "environment": {"name": pulumi.get_stack()},
                "cluster": {"name": name, "region": region, "accountId": account_id},
                "tempo": {"storageClass": "auto-ebs"},
                "grafana": {"namespace": "grafana"},
            }
        )
    ),
    pulumi.ResourceOptions(providers=[account, in_cluster], depends_on=[cluster, volumes, grafana]),
)

pulumi.export("otlpGrpcEndpoint", tracing.otlp_grpc_endpoint)
pulumi.export("traceBucketName", tracing.trace_bucket_name)
