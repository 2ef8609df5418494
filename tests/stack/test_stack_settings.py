"""Settings of every kind: what the rules let through builds, what they refuse is refused well."""

from typing import Any

import pytest
from hypothesis import assume, given, reject
from pydantic import ValidationError

from components import checks as rules
from components.alloy import own_modules
from components.checks import SettingsError
from components.checks.validate import validate
from components.core.settings import Size
from components.settings import TracingSettings
from components.stack import TracingStack, TracingStackArgs
from components.tempo.settings import TempoMode
from plan.recorder import Recording, record
from tests.properties import examples
from tests.stack.any_settings import any_groups
from tests.stack.valid_settings import changed_groups, merged, valid_groups
from tests.stack.variants import CLUSTER, unknown_values
from tests.sweep import sweep

Tree = dict[str, Any]


def arguments(found: TracingSettings) -> TracingStackArgs:
    """Return the arguments of the stack of some settings, with each password that it needs."""

    def password(backend: Any) -> str | None:
        needed = backend and backend.has_password and not getattr(backend, "existing_secret", None)
        return "password" if needed else None

    return TracingStackArgs(
        settings=found,
        metrics_password=password(found.backends.metrics),
        logs_password=password(found.backends.logs),
        profiles_password=password(found.backends.profiles),
        alloy_modules={
            path: f'declare "m{number}" {{\nargument "traces" {{ }}\nexport "input" {{ }}\n}}'
            for number, (_, _, path) in enumerate(own_modules.paths(found.alloy.modules))
        },
    )


def build(found: TracingSettings, *, preview: bool) -> Recording:
    return record(lambda: TracingStack("tracing", arguments(found)), preview=preview)


def build_or_be_refused(groups: Tree) -> None:
    """Build what the rules let through; see that what they object to is refused in their words."""
    try:
        found = TracingSettings.model_validate(groups)
    except ValidationError:
        # Some types refuse more than their pattern shows, such as a class named `on`.
        reject()
    modules = own_modules.problems(found.alloy.modules, arguments(found).alloy_modules)
    problems = [*rules.problems(found, stack_file=False), *modules]
    if not problems:
        build(found, preview=True)
        return
    with pytest.raises(SettingsError) as refused:
        TracingStack("tracing", arguments(found))
    for problem in problems:
        assert problem.key in str(refused.value)
        assert problem.message in str(refused.value)


@examples(25)
@given(groups=valid_groups())
def test_the_rules_let_valid_settings_through(groups: Tree) -> None:
    assert list(rules.problems(TracingSettings.model_validate(groups))) == []


@examples(6)
@given(groups=valid_groups())
def test_valid_settings_build_the_same_stack_at_preview_and_at_update(groups: Tree) -> None:
    found = TracingSettings.model_validate(groups)
    # Held above, where hypothesis finds a small example in seconds and not in minutes.
    assume(not list(rules.problems(found)))

    preview, update = (build(found, preview=kind) for kind in (True, False))

    assert [r.urn for r in preview.resources] == [r.urn for r in update.resources]
    assert unknown_values(preview) == []


@examples(8)
@given(groups=changed_groups())
def test_any_change_of_valid_settings_builds_or_is_refused(groups: Tree) -> None:
    build_or_be_refused(groups)


@examples(5)
@given(groups=any_groups)
def test_settings_that_nobody_thought_of_build_or_are_refused(groups: Tree) -> None:
    build_or_be_refused(groups)


@pytest.mark.parametrize(
    ("mode", "size"),
    [(mode, size) for mode in TempoMode for size in Size if mode == "monolithic" or size in "ml"],
)
def test_every_size_is_right_as_it_is(mode: str, size: str) -> None:
    groups = {"environment": {"name": "dev"}, "cluster": CLUSTER, "alloy": {"size": size}}
    found = TracingSettings.model_validate({**groups, "tempo": {"mode": mode, "size": size}})

    assert list(rules.problems(found)) == []


@sweep(
    ("path", "value"),
    [
        # By the API server.
        ("cluster.nodeCidrs", ["10.0.0.1"]),
        ("cluster.nodeCidrs", ["10.0.0.0/255.255.0.0"]),
        ("cluster.nodeCidrs", ["fe80::%eth0/64"]),
        # By the API server, since the charts write it without quotes.
        ("namespaces.tracing", "3"),
        ("namespaces.tracing", "1e3"),
        ("namespaces.beyla", "on"),
        # By AWS.
        ("tags.team", "a\nb"),
        # By Tempo.
        ("tempo.tenant", "."),
        # By nobody, and it would match no namespace.
        ("beyla.namespaces", ["shop\n"]),
    ],
)
def test_what_others_would_refuse_later_is_refused_first(path: str, value: Any) -> None:
    group, name = path.split(".")
    groups = merged({"environment": {"name": "dev"}, "cluster": CLUSTER}, {group: {name: value}})
    _, problems = validate(groups)

    assert [problem.key.partition("[")[0] for problem in problems] == [path]


@pytest.mark.parametrize("name", ["tracing", "3-tracing", "only", "n1"])
def test_namespaces_that_look_like_numbers_and_words_but_are_none(name: str) -> None:
    groups = {"environment": {"name": "dev"}, "cluster": CLUSTER, "namespaces": {"tracing": name}}

    assert list(rules.problems(TracingSettings.model_validate(groups))) == []


def test_refused_settings_register_nothing() -> None:
    made: list[str] = []
    groups = {"environment": {"name": "dev"}, "cluster": CLUSTER, "identity": {"mode": "irsa"}}
    found = TracingSettings.model_validate(groups)

    def program() -> None:
        try:
            TracingStack("tracing", TracingStackArgs(settings=found))
        except SettingsError as error:
            made.append(str(error))

    assert [r.type for r in record(program).resources] == ["pulumi:pulumi:Stack"]
    assert made[0].startswith("tracing: 1 problem; nothing was changed.")
