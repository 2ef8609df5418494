"""The base of every settings model."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

#: Type of a validation error whose message is reported as it is.
EXPLAINED = "explained"


def explained(message: str) -> PydanticCustomError:
    """Return a validation error with a message for the author of the stack file.

    Args:
        message: what is wrong with the value, and what is allowed with an example.
    """
    return PydanticCustomError(EXPLAINED, "{message}", {"message": message})


class Settings(BaseModel):
    """Plain, frozen settings: snake_case in Python, camelCase in stack files, unknown keys refused.

    Models hold plain values only. What is known at run time only (a key's ARN, a password) goes
    into a component's arguments as a ``pulumi.Input``.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        """Refuse ``true`` where a number belongs: pydantic would read it as 1."""
        field = cls.model_fields[info.field_name or ""]
        annotation: Any = field.annotation
        if isinstance(value, bool) and annotation in (int, int | None, float):
            raise ValueError("Input should be a valid number, not a boolean")
        return value
