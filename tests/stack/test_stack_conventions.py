"""What holds for every resource of every stack, over the stack files and some variants."""

import pulumi
from pydantic.alias_generators import to_camel

import components
from plan.recorder import STACK_TYPE, Recording, Resource
from tests.stack.variants import PROGRAMS, each_recording, recorded, unknown_values
from tests.storage.aws_inputs import problems

#: What stands beside TracingStack.
BESIDE = ("pulumi:providers:", "pulumi:pulumi:StackReference")


def subclasses() -> dict[str, type[pulumi.ComponentResource]]:
    """Return the stack's components by the tokens that they should have."""
    ours = [
        kind
        for kind in pulumi.ComponentResource.__subclasses__()
        if kind.__module__.startswith(f"{components.__name__}.")
    ]
    return {f"tracing:index:{kind.__name__}": kind for kind in ours}


def components_of(recording: Recording) -> list[Resource]:
    return [r for r in recording.resources if r.type.startswith("tracing:")]


@each_recording
def test_all_but_the_providers_stand_below_the_one_component(recording: Recording) -> None:
    [stack] = recording.of_type(STACK_TYPE)
    top = recording.one("tracing:index:TracingStack")
    by_urn = {r.urn: r for r in components_of(recording)}

    for resource in recording.resources:
        if resource is stack:
            assert resource.parent == ""
        elif resource is top or resource.type.startswith(BESIDE):
            assert resource.parent == stack.urn
        else:
            assert resource.name.startswith(f"{by_urn[resource.parent].name}-")


@each_recording
def test_urns_are_unique(recording: Recording) -> None:
    urns = [resource.urn for resource in recording.resources]

    assert len(set(urns)) == len(urns)


@each_recording
def test_resources_use_the_explicit_providers(recording: Recording) -> None:
    """A default provider would take account or cluster from whoever runs Pulumi."""
    urns = {kind: recording.one(f"pulumi:providers:{kind}").urn for kind in ("aws", "kubernetes")}
    for resource in recording.resources:
        if (package := resource.type.partition(":")[0]) in urns:
            assert resource.provider.startswith(f"{urns[package]}::"), resource.name


def test_tokens_are_the_components_names() -> None:
    used = {r.type for name in PROGRAMS for r in components_of(recorded(name))}

    # OtlpEnv is for the stacks of applications.
    assert used == set(subclasses()) - {"tracing:index:OtlpEnv"}


@each_recording
def test_every_component_registers_the_outputs_that_it_declares(recording: Recording) -> None:
    for component in components_of(recording):
        hints = subclasses()[component.type].__annotations__
        public = {to_camel(n): hint for n, hint in hints.items() if not n.startswith("_")}
        needed = {name for name, hint in public.items() if hint == pulumi.Output[str]}
        registered = recording.component_outputs[component.urn].keys()
        assert needed <= registered <= public.keys(), component.name


@each_recording
def test_inputs_of_aws_resources_are_such_as_pulumi_aws_takes(recording: Recording) -> None:
    made = [r for r in recording.resources if r.type.startswith("aws:")]

    assert made or recording is recorded("monolithic-given")
    assert [problem for resource in made for problem in problems(resource)] == []


@each_recording
def test_charts_get_only_values_that_they_know(recording: Recording) -> None:
    assert unknown_values(recording) == []
