"""The base of every settings model."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

#: Type of a validation error whose message is reported as it is.
EXPLAINED = "explained"


def explained(message: str) -> PydanticCustomError:
    """Return a validation error: what is wrong with the value, what is allowed, an example."""
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
    def _no_conversion(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        """Refuse ``true`` or ``"5"`` for a number, and ``"yes"`` or ``1`` for a boolean.

        Pydantic would convert them, and the JSON Schema refuses them. It may make 5 of 5.0: numbers
        from Pulumi's engine are floats.
        """
        annotation: Any = cls.model_fields[info.field_name or ""].annotation
        number = annotation in (int, int | None, float, float | None)
        if number and isinstance(value, bool | str):
            raise ValueError("Input should be a number")
        if annotation is bool and not isinstance(value, bool):
            raise ValueError("Input should be a boolean")
        return value
