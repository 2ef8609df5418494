"""A resource monitor that records what a Pulumi program registers.

It replaces the engine and answers as a preview does: inputs are returned unchanged, values that
only the cloud can provide stay unknown. In update mode it returns invented ids and ARNs, for tests.
"""

# The SDK's mocks carry no types of their own.
# pyright: reportUnknownMemberType=false

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import pulumi.runtime
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from config import sdk
from config.sdk import UNKNOWN

__all__ = ["REFERENCE_TYPE", "STACK_TYPE", "UNKNOWN", "Recording", "Resource", "Secret", "record"]

STACK_TYPE: Final = "pulumi:pulumi:Stack"
#: Type of what is read from another stack, never created.
REFERENCE_TYPE: Final = "pulumi:pulumi:StackReference"


@dataclass(frozen=True)
class Secret:
    """A value that Pulumi keeps encrypted."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registered resource, as the engine receives it.

    Attributes:
        parent: URN of the parent; empty for the stack.
        inputs: properties by their names in the provider's schema; secrets are `Secret`.
        protect: whether deletion is refused; None if not set.
        retain_on_delete: whether deletion leaves it in place; None if not set.
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
    """Everything that one run of a program registered."""

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
        """Return the only resource of a type; a LookupError if there is none, or more than one."""
        found = self.of_type(token)
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources of type {token}")
        return found[0]


class _Monitor(sdk.Monitor):
    """Answers as a provider does at preview; at update it invents ids and ARNs."""

    def __init__(self, *, preview: bool, references: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(cast(Any, None))
        self._preview = preview
        self._references = references
        self._lock = threading.Lock()
        self.registered: list[Resource] = []
        self.registered_outputs: dict[str, dict[str, Any]] = {}

    def Invoke(self, request: Any) -> Any:  # noqa: ANN401, N802 - the name in the protocol
        raise pulumi.RunError(f"{request.tok}: the stack calls no provider function")

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802
        urn = self.make_urn(request.parent, request.type, request.name)
        self._record(urn, request, request.object)
        if self._preview or not request.custom:
            return sdk.Registered(urn=urn, object=request.object)
        known = {"arn": f"arn:aws:test:::{request.name}", **request.object}
        return sdk.Registered(urn=urn, id=f"{request.name}-id", object=_struct(known))

    def ReadResource(self, request: Any) -> Any:  # noqa: ANN401, N802
        urn = self.make_urn(request.parent, request.type, request.name)
        self._record(urn, request, request.properties)
        known = dict(request.properties)
        if request.type == REFERENCE_TYPE:
            # Only the engine knows the outputs of another stack.
            known["outputs"] = self._references.get(request.name, UNKNOWN)
        return sdk.Read(urn=urn, properties=_struct(known))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: ANN401, N802
        with self._lock:
            self.registered_outputs[request.urn] = _properties(request.outputs)
        return super().RegisterResourceOutputs(request)

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        # As the engine builds it: all types from the top down, except the stack's own.
        above = parent.split("::")[2] if parent else STACK_TYPE
        chain = type_ if above == STACK_TYPE else f"{above}${type_}"
        project, stack = pulumi.get_project(), pulumi.get_stack()
        return f"urn:pulumi:{stack}::{project}::{chain}::{name}"

    def _record(self, urn: str, request: Any, properties: Struct) -> None:  # noqa: ANN401
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            inputs=_properties(properties),
            protect=_optional(request, "protect"),
            retain_on_delete=_optional(request, "retainOnDelete"),
            dependencies=sorted(request.dependencies),
            provider=request.provider,
        )
        with self._lock:
            self.registered.append(resource)


class _Engine(sdk.Engine):
    """Receives the program's log and keeps the warnings."""

    def __init__(self) -> None:
        super().__init__(None)
        self.warnings: list[str] = []

    def Log(self, request: Any) -> None:  # noqa: ANN401, N802
        if request.severity == sdk.WARNING:
            self.warnings.append(request.message)


def _optional(request: Any, name: str) -> bool | None:  # noqa: ANN401
    """Return an optional field of a request (a read has no `protect`)."""
    return (
        getattr(request, name)
        if name in request.DESCRIPTOR.fields_by_name and request.HasField(name)
        else None
    )


def _struct(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


def _properties(struct: Struct) -> dict[str, Any]:
    return {key: _plain(value) for key, value in json_format.MessageToDict(struct).items()}


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Convert a value from the wire to Python: integers to int, secrets to `Secret`."""
    if isinstance(value, dict):
        if sdk.is_secret_value(value):  # pyright: ignore[reportUnknownArgumentType]
            return Secret(_plain(value["value"]))  # pyright: ignore[reportUnknownArgumentType]
        return {str(k): _plain(v) for k, v in value.items()}  # pyright: ignore
    if isinstance(value, list):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _in_order(resources: Sequence[Resource], created: Sequence[str]) -> list[Resource]:
    """Sort resources as a tree: a parent, then its children in the order of the program.

    Registration itself happens in no fixed order.
    """
    place = {name: index for index, name in enumerate(created)}
    children: dict[str, list[Resource]] = {}
    for resource in sorted(resources, key=lambda r: place.get(f"{r.type} {r.name}", -1)):
        children.setdefault(resource.parent, []).append(resource)

    def below(parent: str) -> list[Resource]:
        found = children.get(parent, [])
        return [r for resource in found for r in (resource, *below(resource.urn))]

    return below("")


async def _run(program: Callable[[], object], created: list[str]) -> None:
    """Run a program in its own stack and note the resources in the order they are created."""

    def note(args: pulumi.ResourceTransformationArgs) -> None:
        created.append(f"{args.type_} {args.name}")

    def noted() -> None:
        pulumi.runtime.register_stack_transformation(note)
        program()

    await pulumi.runtime.run_in_stack(noted)


def record(
    program: Callable[[], object],
    *,
    project: str = "tracing",
    stack: str = "test",
    preview: bool = True,
    config: Mapping[str, str] | None = None,
    secret_keys: Sequence[str] = (),
    references: Mapping[str, Mapping[str, str]] | None = None,
) -> Recording:
    """Run a Pulumi program and record what it registers, parents before their children.

    Args:
        program: creates resources, as the top level of `__main__.py` does.
        project: name of the Pulumi project.
        stack: name of the stack.
        preview: answer as at preview (values of the cloud are unknown) or as at update.
        config: the stack's configuration, full keys to text, objects as JSON.
        secret_keys: keys of the configuration that are encrypted in the stack file.
        references: outputs of other stacks by stack name; unknown if not given.
    """

    def run() -> Recording:
        monitor = _Monitor(preview=preview, references=references or {})
        engine = _Engine()
        sdk.start(
            monitor,
            engine,
            project=project,
            stack=stack,
            preview=preview,
            config=config or {},
            secret_keys=secret_keys,
        )
        created: list[str] = []
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(_run(program, created))
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()
            asyncio.set_event_loop(None)
        return Recording(
            _in_order(monitor.registered, created),
            monitor.registered_outputs,
            sorted(engine.warnings),
        )

    # The SDK keeps its settings in context variables: a separate context leaves no trace.
    return contextvars.copy_context().run(run)
