"""What one run of a Pulumi program registered."""

from dataclasses import dataclass, field
from typing import Any, Final

from pulumi.runtime import rpc

#: What stands for a value that is known only after an update.
UNKNOWN: Final = rpc.UNKNOWN

STACK_TYPE: Final = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Secret:
    """A value that Pulumi keeps encrypted."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registered resource, as the engine was told of it.

    Attributes:
        urn: URN.
        type: type token.
        name: logical name.
        parent: URN of the parent; empty for the stack.
        inputs: properties by their names in the provider's schema; secrets are `Secret`.
        protect: whether deletion is refused; None where nothing was said.
        retain_on_delete: whether deletion leaves it in place; None where nothing was said.
        dependencies: URNs of what it depends on, sorted.
        provider: reference to an explicit provider, or empty.
    """

    urn: str
    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    protect: bool | None
    retain_on_delete: bool | None
    dependencies: list[str]
    provider: str


@dataclass(frozen=True)
class Recording:
    """All that one run of a program registered."""

    resources: list[Resource]
    component_outputs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    warnings: list[str] = field(default_factory=list[str])

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        stack = next(r.urn for r in self.resources if r.type == STACK_TYPE)
        return self.component_outputs.get(stack, {})

    def of_type(self, token: str) -> list[Resource]:
        """Return the resources of one type."""
        return [resource for resource in self.resources if resource.type == token]

    def one(self, token: str) -> Resource:
        """Return the only resource of a type.

        Raises:
            LookupError: there is none, or more than one.
        """
        found = self.of_type(token)
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources of type {token}")
        return found[0]
