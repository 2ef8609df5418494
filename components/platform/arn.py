"""ARNs as settings."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from .base import explained
from .regions import PARTITIONS

_PARTITION = "|".join(partition.name for partition in PARTITIONS)
_IAM_PATH = r"[A-Za-z0-9_+=,.@/-]+"


@dataclass(frozen=True, kw_only=True)
class _Form:
    """The form of one kind of ARN."""

    what: str
    rest: str
    """What follows the partition, as a regular expression."""
    example: str

    @property
    def pattern(self) -> str:
        return f"^arn:({_PARTITION}):{self.rest}$"

    def check(self) -> Callable[[str], str]:
        """Return a validator that accepts this form only."""

        def checked(value: str) -> str:
            if not re.fullmatch(self.pattern, value):
                raise explained(f"must be the ARN of {self.what}, for example {self.example}")
            return value

        return checked

    def schema(self) -> dict[str, Any]:
        """Return the form in the words of JSON Schema."""
        return {"pattern": self.pattern, "examples": [self.example]}


_KMS_KEY = _Form(
    what="a KMS key, not of an alias",
    rest="kms:[a-z0-9-]+:[0-9]{12}:key/[0-9A-Za-z-]+",
    example="arn:aws:kms:eu-west-1:111122223333:key/0d1c7f5e-0f3a-4c0e-9f0b-3a1d6c1f2b4a",
)
_ROLE = _Form(
    what="an IAM role",
    rest=f"iam::[0-9]{{12}}:role/{_IAM_PATH}",
    example="arn:aws:iam::111122223333:role/tempo",
)
_POLICY = _Form(
    what="an IAM policy",
    rest=f"iam::([0-9]{{12}}|aws):policy/{_IAM_PATH}",
    example="arn:aws:iam::111122223333:policy/tracing-boundary",
)

#: ARN of a KMS key.
KmsKeyArn = Annotated[
    str, AfterValidator(_KMS_KEY.check()), Field(json_schema_extra=_KMS_KEY.schema())
]
#: ARN of an IAM role.
RoleArn = Annotated[str, AfterValidator(_ROLE.check()), Field(json_schema_extra=_ROLE.schema())]
#: ARN of an IAM policy of an account or of AWS itself.
PolicyArn = Annotated[
    str, AfterValidator(_POLICY.check()), Field(json_schema_extra=_POLICY.schema())
]
