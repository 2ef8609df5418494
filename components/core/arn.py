"""ARNs as settings."""

from typing import Annotated

from pydantic import Field

from .regions import PARTITIONS
from .texts import Text

_ARN = f"^arn:({'|'.join(partition.name for partition in PARTITIONS)}):"
_IAM_PATH = r"[A-Za-z0-9_+=,.@/-]+"

KmsKeyArn = Annotated[
    str,
    Field(pattern=f"{_ARN}kms:[a-z0-9-]+:[0-9]{{12}}:key/[0-9A-Za-z-]+$"),
    Text(
        "the ARN of a KMS key, not of an alias",
        "arn:aws:kms:eu-west-1:111122223333:key/0d1c7f5e-0f3a-4c0e-9f0b-3a1d6c1f2b4a",
    ),
]
RoleArn = Annotated[
    str,
    Field(pattern=f"{_ARN}iam::[0-9]{{12}}:role/{_IAM_PATH}$"),
    Text("the ARN of an IAM role", "arn:aws:iam::111122223333:role/tempo"),
]
#: Of an account or of AWS itself.
PolicyArn = Annotated[
    str,
    Field(pattern=f"{_ARN}iam::([0-9]{{12}}|aws):policy/{_IAM_PATH}$"),
    Text("the ARN of an IAM policy", "arn:aws:iam::111122223333:policy/tracing-boundary"),
]
