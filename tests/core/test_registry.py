"""The registry lists every system, and each system is whole."""

import pytest

from components.core.registry import CHARTS, SYSTEMS, running, workloads
from components.core.settings import ChartsSettings, NamespaceKey, NamespaceSettings
from components.core.system import System
from components.settings import TracingSettings
from tests.network.stacks import WORLDS
from tests.stack.variants import recorded, releases

each_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)


def test_systems_have_names_of_their_own() -> None:
    for names in (
        [system.name for system in SYSTEMS],
        [system.release for system in SYSTEMS],
        [chart.name for chart in CHARTS],
    ):
        assert len(set(names)) == len(names)


def test_every_chart_and_every_namespace_in_a_stack_file_belongs_to_a_system() -> None:
    switches = {"repository", "image_registry", "atomic"}
    assert {chart.key for chart in CHARTS} == set(ChartsSettings.model_fields) - switches
    others = {"existing", "scrapers", "network_policies"}
    keys = {system.namespace for system in SYSTEMS}
    assert keys == set(NamespaceKey) == set(NamespaceSettings.model_fields) - others


@each_system
def test_a_stack_file_can_replace_version_and_repository_of_each_chart(system: System) -> None:
    for chart in system.charts:
        charts = ChartsSettings.model_validate(
            {chart.key: {"version": "9.9.9", "repository": "oci://own"}, "repository": "oci://all"}
        )
        own = chart.from_settings(charts)
        assert (own.name, own.version, own.repository) == (chart.name, "9.9.9", "oci://own")
        mirrored = chart.from_settings(ChartsSettings(repository="oci://all"))
        assert (mirrored.version, mirrored.repository) == (chart.version, "oci://all")


@pytest.mark.parametrize("name", WORLDS)
def test_the_namespace_of_each_running_system_is_the_stacks_own(name: str) -> None:
    settings: TracingSettings = WORLDS[name]
    assert {s.namespace_name(settings) for s in running(settings)} <= set(settings.own_namespaces)
    assert list(workloads(settings)) == [
        workload for system in running(settings) for workload in system.workloads(settings)
    ]


def test_the_systems_that_run_are_the_releases_of_the_stack() -> None:
    all_found: set[str] = set()
    for name in ("distributed-irsa", "monolithic-given"):
        found = {(r.inputs["name"], r.inputs["namespace"]) for r in releases(recorded(name))}
        settings = WORLDS[name]
        assert found == {(s.release, s.namespace_name(settings)) for s in running(settings)}
        all_found |= {release for release, _ in found}
    assert all_found == {system.release for system in SYSTEMS}


def test_every_namespace_has_the_pod_security_that_its_systems_need() -> None:
    settings = WORLDS["distributed-irsa"]
    levels = {
        r.inputs["metadata"]["name"]: r.inputs["metadata"]["labels"]
        for r in recorded("distributed-irsa").of_type("kubernetes:core/v1:Namespace")
    }
    for system in running(settings):
        labels = levels[system.namespace_name(settings)]
        assert labels["pod-security.kubernetes.io/enforce"] == system.pod_security
