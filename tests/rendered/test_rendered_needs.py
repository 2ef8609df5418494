"""`plan.charts` names the kinds and the cluster-wide objects that the real charts render."""

import re
import tarfile
from pathlib import Path

import yaml

from plan.charts import API, RENDERED
from plan.needs import KUBERNETES, cluster_wide
from tests.rendered.objects import CHARTS, CLUSTER_WIDE, needs_charts, objects_of
from tests.stack.variants import PINNED, PROGRAMS, chart_of, recorded, releases

pytestmark = needs_charts

#: The stack's own objects, hooks of charts, and kinds that a setting decides about.
_OTHERS = {"Namespace", "NetworkPolicy", "Pod", "PodMonitor", "ServiceMonitor"}


def test_charts_render_the_kinds_that_are_named() -> None:
    unused = {kind for each in RENDERED.values() for kind in each.kinds}
    for program in PROGRAMS:
        charts = [RENDERED[chart_of(each).name] for each in releases(recorded(program))]
        found = {(o["kind"], o["apiVersion"]) for o in objects_of(program)}
        found = {(kind, api) for kind, api in found if kind not in _OTHERS}
        named = {(kind, API[kind]) for chart in charts for kind in (*chart.kinds, "Secret")}
        assert found <= named, program
        unused -= {kind for kind, _ in found}
    assert not unused


def test_the_oldest_kubernetes_is_that_of_the_charts() -> None:
    wanted: set[tuple[int, ...]] = set()
    for chart in PINNED:
        with tarfile.open(Path(CHARTS or "", f"{chart.name}-{chart.version}.tgz")) as packed:
            file = packed.extractfile(f"{chart.name}/Chart.yaml")
            assert file
            metadata = yaml.safe_load(file)
            if found := re.search(r"(\d+)\.(\d+)", metadata.get("kubeVersion", "")):
                wanted.add(tuple(map(int, found.groups())))
    assert max(wanted) == KUBERNETES


def test_charts_render_the_cluster_wide_objects_that_are_named() -> None:
    for program in PROGRAMS:
        found = {(o["kind"], o["metadata"]["name"]) for o in objects_of(program)}
        named = {
            each
            for release in releases(recorded(program))
            for each in cluster_wide(release, RENDERED[chart_of(release).name])
        }
        found = {(kind, name) for kind, name in found if kind in CLUSTER_WIDE}
        assert {each for each in found if each[0] != "Namespace"} == named, program
