"""What replaces a resource, what goes with it and what needs an order: complete, and documented."""

import re

import pytest

from components.core.helm import Chart
from components.core.registry import CHARTS
from components.grafana.component import GrafanaDatasources, GrafanaDatasourcesArgs
from components.grafana.dashboards.component import (
    GrafanaDashboards,
    GrafanaDashboardsArgs,
    dashboards,
)
from components.grafana.settings import GrafanaDelivery, GrafanaSettings
from plan.diff.changes import Change, Operation, kind
from plan.diff.kinds import COMPONENTS, KINDS, KUBERNETES_PROVIDER, RELEASE, RELEASES, kind_of
from plan.diff.ordering import ORDERS, Warned, facts, shown, warned
from plan.diff.trees import Planned
from plan.diff.values import MISSING
from plan.recorder import Resource, record
from tests.examples import features
from tests.grafana.dashboards.cases import CONTEXTS
from tests.plan.diff.plans import ROOT, planned, release
from tests.stack.variants import STACKS, recorded

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def resources() -> list[Resource]:
    """All resources of plans that hold every type between them."""
    plans = [recorded(name) for name in (*STACKS, "distributed-irsa")]
    alone = (record(grafana), features.plan("canary").recording)
    return [r for recording in (*plans, *alone) for r in recording.resources]


def grafana() -> None:
    """Create objects of the Grafana operator, which no stack file uses."""
    its = GrafanaSettings(
        delivery=GrafanaDelivery.OPERATOR, namespace="grafana", instance_labels={"team": "platform"}
    )
    url = "http://tempo.tracing.svc:3200"
    GrafanaDatasources("datasources", GrafanaDatasourcesArgs(settings=its, tempo_query_url=url))
    made = dashboards(CONTEXTS["bare"])
    GrafanaDashboards("dashboards", GrafanaDashboardsArgs(settings=its, dashboards=made))


def test_every_type_of_a_plan_has_a_row_and_every_row_a_type(resources: list[Resource]) -> None:
    """A new resource type needs to be looked up: what replaces it, and what goes with it."""
    types = {r.type for r in resources}
    assert [t for t in types if kind_of(t) is None] == []
    assert set(KINDS) == {t for t in types if not t.startswith(COMPONENTS)}


def test_every_release_has_a_row(resources: list[Resource]) -> None:
    names = {r.inputs["name"] for r in resources if r.type == RELEASE}
    assert set(RELEASES) == names


def test_config_maps_and_secrets_are_updated_in_place(resources: list[Resource]) -> None:
    """Without these switches, their data would have to be in the rows."""
    for provider in (r for r in resources if r.type == KUBERNETES_PROVIDER):
        assert provider.inputs["enableConfigMapMutable"] == "true"
        assert provider.inputs["enableSecretMutable"] == "true"


def test_an_unknown_type_is_no_error() -> None:
    change = Change(operation=Operation.DELETE, urn="u", type="aws:sqs/queue:Queue", name="q")
    assert change.loss is None
    assert change.lost
    assert kind(change.type) == "Queue"


def test_a_bucket_that_destroys_itself_says_so() -> None:
    change = Change(
        operation=Operation.DELETE,
        urn="u",
        type="aws:s3/bucket:Bucket",
        name="b",
        before={"forceDestroy": True},
    )
    assert "forceDestroy" in change.lost


def sections() -> set[str]:
    return {
        f"{page.name}#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for page in DOCS.glob("*.md")
        for title in re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    }


def test_every_link_leads_to_a_section() -> None:
    linked = {order.section for order in ORDERS}
    losses = [*(kind.loss for kind in KINDS.values()), *RELEASES.values()]
    linked |= {loss.section for loss in losses if loss.section}
    assert linked - sections() == set()


#: What the table in docs/changes.md calls a change, where the plan has another name for it.
NAMES = {
    "volumeGib": "volumeGib of *",
    "tempo.size": "volumeGib of *",
    "storage.bucket": "traceBucketName",
    "environment.name": "traceBucketName",
    "charts.*.version": "chart *",
}


def test_what_the_documents_call_a_change_with_an_order_is_warned_of() -> None:
    text = (DOCS / "changes.md").read_text()
    table = text.partition("## Risky changes")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    keys = [key for cell in cells for key in re.findall(r"`([^`]+)`", cell)]
    assert len(keys) > 8
    known = {order.fact for order in ORDERS}
    assert [k for k in keys if NAMES.get(k, k) not in known] == []


def sized(replicas: int, volume: int | None) -> Planned:
    size = {"replicas": replicas, "volume_gib": volume}
    return planned(workloads={"tempo ingester": size})


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (sized(3, 30), sized(3, 60), ["Enlarge the volumes"]),
        (sized(3, 60), sized(3, 30), ["can't shrink"]),
        (sized(6, 30), sized(3, 30), ["Flush the last ingester"]),
        (sized(3, 30), sized(6, 30), []),
        # Another mode has other workloads, and an order of its own.
        (
            planned(workloads={"tempo monolithic": {"replicas": 1, "volume_gib": 9}}),
            sized(3, 9),
            [],
        ),
    ],
)
def test_sizes_that_need_an_order(before: Planned, after: Planned, said: list[str]) -> None:
    found = warned(before, after)
    assert len(found) == len(said)
    for warning, text in zip(found, said, strict=True):
        assert text in warning.order.says


@pytest.mark.parametrize(
    ("chart", "before", "after", "text"),
    [
        ("tempo-distributed", "2.26.2", "3.0.0", "needs Kafka"),
        ("tempo-distributed", "2.26.2", "2.27.0", "Another version"),
        ("oci://registry.example.com/charts/tempo", "2.2.4", "3.0.0", "needs Kafka"),
        ("alloy", "1.11.1", "2.0.0", "Another major version"),
        ("alloy", "1.11.1", "1.12.0", "Another version"),
    ],
)
def test_another_version_of_a_chart(chart: str, before: str, after: str, text: str) -> None:
    [found] = warned(
        *(planned([release("x", {}, chart=chart, version=v)]) for v in (before, after))
    )
    assert text in found.order.says
    assert found.fact == f"chart {chart.rsplit('/', 1)[-1]}"


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
@pytest.mark.parametrize("version", ["0.0.1", "99.0.0"])
def test_another_version_of_every_chart_is_warned_of_once(chart: Chart, version: str) -> None:
    both = (
        planned([release("x", {}, chart=chart.name, version=v)]) for v in (chart.version, version)
    )
    [found] = warned(*both)
    assert "major" in found.order.says or version.split(".")[0] == chart.version.split(".")[0]


def test_another_bucket() -> None:
    [found] = warned(*(planned(outputs={"traceBucketName": name}) for name in ("a", "b")))
    assert found.order.section == "changes.md#replace-the-bucket"


def test_a_password_is_told_and_not_shown() -> None:
    def plan(secure: str) -> Planned:
        return planned(stack_file={"config": {"tracing:logsPassword": {"secure": secure}}})

    [found] = warned(plan("v1:a"), plan("v1:b"))
    assert found.order.section == "credentials.md#backend-passwords"
    # Pods read passwords from files.
    assert "restart" not in found.order.says
    assert shown(found) == (MISSING, MISSING)
    assert isinstance(found, Warned)
    assert "password tracing:logsPassword" in facts(plan("v1:a"))
