"""A bucket for traces, in the stack of a team that runs Tempo itself.

It only uses one component. The bucket is private, encrypted with its own key and readable only over
TLS. Its lifecycle deletes objects that Tempo left behind.
"""

import pulumi
import pulumi_aws as aws
from tracing_stack import Encryption, StorageSettings, TraceStorage, TraceStorageArgs

config = pulumi.Config()
region, account_id = config.require("region"), config.require("accountId")

storage = TraceStorage(
    "traces",
    TraceStorageArgs(
        settings=StorageSettings(encryption=Encryption.SSE_KMS),
        bucket=f"team-traces-{account_id}-{region}",
        region=region,
        account_id=account_id,
        retention_hours=config.require_int("retentionHours"),
        tags={"team": "shop"},
    ),
    pulumi.ResourceOptions(
        providers=[aws.Provider("aws", region=region, allowed_account_ids=[account_id])]
    ),
)

pulumi.export("bucketName", storage.bucket_name)
pulumi.export("kmsKeyArn", storage.kms_key_arn)
