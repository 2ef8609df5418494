"""The tracing stack of one environment: configuration in, resources and exports out."""

import pulumi
import pulumi_aws as aws

from components.core.providers import kubernetes_provider
from components.stack import TracingStack, TracingStackArgs
from config import load_config

config = load_config()

stack = TracingStack(
    "tracing",
    TracingStackArgs(
        settings=config.settings,
        metrics_password=config.metrics_password,
        logs_password=config.logs_password,
        profiles_password=config.profiles_password,
        alloy_modules=config.alloy_modules,
    ),
    pulumi.ResourceOptions(
        providers=[
            aws.Provider("aws", **config.aws),
            kubernetes_provider("kubernetes", config.settings.cluster),
        ]
    ),
)

pulumi.export("otlpGrpcEndpoint", stack.otlp_grpc_endpoint)
pulumi.export("otlpHttpEndpoint", stack.otlp_http_endpoint)
pulumi.export("tempoQueryUrl", stack.tempo_query_url)
pulumi.export("traceBucketName", stack.trace_bucket_name)
pulumi.export("tempoRoleArn", stack.tempo_role_arn)
pulumi.export("tempoDatasourceUid", stack.tempo_datasource_uid)
pulumi.export("namespace", stack.namespace)
pulumi.export("tracesUrl", stack.traces_url)
pulumi.export("instrumentation", stack.instrumentation)
