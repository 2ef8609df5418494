"""What is lost pages, at the planned peak of each stack; what is in order keeps quiet."""

import re
import shutil
import subprocess

import pytest
import yaml

from components.load import capacity
from tests.alerting.bad_days import (
    BAD,
    DOCUMENT,
    GOOD,
    LONG,
    STACKS,
    TROUBLE,
    document,
    firing,
    planned,
    well_elsewhere,
)

PROMTOOL = shutil.which("promtool") or ""
pytestmark = pytest.mark.skipif(
    not PROMTOOL, reason="needs promtool on PATH (Debian package prometheus)"
)
each_stack = pytest.mark.parametrize("stack", STACKS)


@each_stack
@pytest.mark.parametrize("day", GOOD)
def test_a_good_day_is_quiet(stack: str, day: str) -> None:
    assert firing(PROMTOOL, stack, GOOD[day], 60, trouble=LONG.get(day, TROUBLE)) == {}


@each_stack
def test_another_cluster_that_is_well_hides_nothing(stack: str) -> None:
    assert firing(PROMTOOL, stack, well_elsewhere, 60) == firing(
        PROMTOOL, stack, BAD["Tempo is away"], 60
    )


@each_stack
def test_an_outage_of_tempo_warns_before_and_pages_within_two_minutes_of_loss(stack: str) -> None:
    first_loss = capacity.queue_minutes(planned(stack)[0])
    assert first_loss

    for scrape in (15, 60):
        found = firing(PROMTOOL, stack, BAD["Tempo is away"], scrape)
        assert found["AlloyQueueFilling", "warning"] < first_loss
        # Every scrape is in time for a page before the first loss, but one of a minute where the
        # queue lasts for less than four: then the page comes within two minutes of it.
        page = min(m for (_, severity), m in found.items() if severity == "critical")
        assert page < (first_loss if scrape == 15 or first_loss > 4 else first_loss + 2)


@each_stack
@pytest.mark.parametrize(
    "day",
    [
        "the gateway is killed",
        "the gateway refuses a tenth",
        "Tempo rejects a tenth for good",
        "a quarter is over Tempo's limit of traces",
    ],
)
def test_what_is_refused_or_dropped_pages_within_two_minutes(stack: str, day: str) -> None:
    found = firing(PROMTOOL, stack, BAD[day], 60)

    assert min(m for (_, severity), m in found.items() if severity == "critical") <= 2


@pytest.fixture(scope="module")
def reads_native(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where promtool does not read native histograms at all, whatever they are of."""
    file = tmp_path_factory.mktemp("native") / "tests.yaml"
    series = {"series": "a", "values": "{{count:1 sum:1}}"}
    file.write_text(yaml.safe_dump({"tests": [{"interval": "1m", "input_series": [series]}]}))
    if subprocess.run([PROMTOOL, "test", "rules", file], capture_output=True).returncode:
        pytest.skip("this promtool reads no native histograms: needs version 2.48 or later")


@pytest.mark.usefixtures("reads_native")
@each_stack
def test_native_histograms_are_as_good_as_classic_ones(stack: str) -> None:
    assert firing(PROMTOOL, stack, GOOD["ordinary"], 60, native=True) == {}
    for day in ("S3 denies access", "S3 is away"):
        found = firing(PROMTOOL, stack, BAD[day], 60, native=True)
        assert found == firing(PROMTOOL, stack, BAD[day], 60)


def test_the_table_of_the_document_is_true() -> None:
    alert = re.compile(r"(\w+)(?:\*\*)? (\d+) min")
    rows = [
        [dict(alert.findall(cell)) for row in text.splitlines() for cell in row.split("|")]
        for text in (DOCUMENT.read_text(encoding="utf-8"), document(PROMTOOL))
    ]

    # Versions of promtool differ in which samples at the edge of a window they count.
    for written, found in zip(*rows, strict=True):
        assert written.keys() == found.keys()
        assert all(abs(int(written[name]) - int(found[name])) <= 1 for name in found)
