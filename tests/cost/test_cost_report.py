"""What the plan and docs/cost.md say of cost."""

import json
import re
from pathlib import Path

import promql_parser
import pytest
import yaml

from bench.blocks import blocks
from components.checks.warnings import load_notices as notices
from components.telemetry.metrics import LATENCY_BUCKETS
from plan.cost import report
from plan.cost.estimate import estimate
from plan.cost.prices import load as prices
from plan.cost.report import about, section
from plan.run import run
from plan.write import files
from tests.cost.stacks import BY_REGION, METRICS, load, settings
from tests.sweep import sweep

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/cost.md").read_text()


def text(*changes: dict[str, object]) -> str:
    its = settings(*changes)
    return section(its, estimate(its, BY_REGION))


@sweep(
    ("number", "shown"),
    [
        (0, "0"),
        (0.04, "under 0.1"),
        (0.123, "0.12"),
        (1.55, "1.6"),
        (9.96, "10"),
        (1582.37, "1,600"),
        (9_663_216, "9,700,000"),
    ],
)
def test_numbers_have_two_digits(number: float, shown: str) -> None:
    assert about(number) == shown


def test_the_section_of_a_known_load() -> None:
    found = text(load(growthPercentPerMonth=5), {"tempo": {"traceqlMetrics": True}})
    lines = [re.sub(" +", " ", line) for line in found.splitlines()]
    assert lines[0] == "## Cost and capacity"
    assert "| S3 storage | 130 GiB | 0.02 to 0.01 for a GiB | 2.7 |" in lines
    assert "| CPU requests | 1 vCPU | 0.04 for a vCPU and hour | 29 |" in lines
    assert any(line.startswith("| sum | | | ") for line in lines)
    assert "Prices of eu-west-1, of 2026-01-02 to 2026-03-04" in found
    assert re.search(r"^Largest part: S3 requests, \d+ %\.$", found, re.M)
    assert "| half the retention (`tempo.retentionHours: 50`) | 1.3 |" in lines
    assert "After 12 months of 5 % growth: about " in found
    assert re.search(
        r"\| ingestion limit, MiB/s +\| 0\.76 +\| 4 +\| 19 % +\| over two years", found
    )
    assert "1,000 spans/s on average, 2 times that in the busiest hour, 400 bytes" in found
    assert "200 bytes of a span in a block: estimated" in found


def test_a_size_that_is_too_small_has_no_time_left() -> None:
    assert "too small now" in text(load(spansPerSecond=9_000, growthPercentPerMonth=5))


def test_a_missing_load_names_the_setting() -> None:
    found = text()
    assert "`load.spansPerSecond` is not set" in found
    assert re.search(r"\| sum +\| +\| +\| unknown +\|", found)
    assert "spans/s" not in found


@pytest.mark.parametrize(
    ("buckets", "said"),
    [
        ([*LATENCY_BUCKETS, 10, 30], "(14 instead of 12) adds 4 series for each operation"),
        ([0.512, 2.05], "(2 instead of 12) saves 20 series for each operation"),
    ],
)
def test_buckets_tell_their_series(buckets: list[float], said: str) -> None:
    metrics: dict[str, object] = {"backends": {"metrics": METRICS}}
    tempo: dict[str, object] = {"tempo": {"spanMetrics": {"buckets": buckets}}}
    unknown = f"`tempo.spanMetrics.buckets` {said} and metrics-generator."
    assert unknown in text(load(), metrics, tempo)
    known = text(load(operations=100), metrics, tempo)
    total = abs(len(buckets) - 12) * 2 * 100
    assert f"{said} and metrics-generator: {about(total)} in total." in known
    assert "spanMetrics" not in text(load(operations=100), metrics)


def test_a_region_without_prices_shows_amounts() -> None:
    its = settings(load())
    found = section(its, estimate(its, {}))
    assert "`plan/cost/prices.yaml` has no prices for eu-west-1" in found
    assert re.search(r"\| S3 storage +\| 67 GiB +\| unknown +\| unknown", found)


@pytest.mark.parametrize("stack", ["dev", "staging", "prod", "local"])
def test_cost_json_is_among_the_files_and_agrees_with_its_parts(stack: str) -> None:
    found = json.loads(files(run(stack, ROOT))["cost.json"])
    assert found["currency"] == "USD"
    assert list(found["parts"]) == ["cpu", "kms", "memory", "s3Requests", "s3Storage", "volumes"]
    if stack == "local":
        assert found["total"] is None
        assert len(found["unknown"]) == 2
    else:
        assert found["total"] == pytest.approx(sum(found["parts"].values()), abs=0.03)
        assert found["unknown"] == []


def test_the_docstring_names_every_key() -> None:
    document = json.loads(report.as_json(settings(load())))
    keys = [*document, *document["parts"], *document["usage"], *document["savings"][0]]
    assert [key for key in keys if f"``{key}``" not in (report.as_json.__doc__ or "")] == []


def test_the_document_names_the_regions() -> None:
    assert [region for region in prices() if f"`{region}`" not in DOCUMENT] == []


def test_the_queries_of_the_document_are_promql() -> None:
    [block] = re.findall(r"```promql\n(.*?)```", DOCUMENT, re.S)
    queries = block.splitlines()
    assert len(queries) == 5
    for query in queries:
        promql_parser.parse(query)


def test_the_warning_of_the_document_is_one() -> None:
    [shown] = re.findall(r"```text\n(.*?)\n```", DOCUMENT, re.S)
    small = {"tempo": {"mode": "distributed", "size": "m"}}
    busy = {"load": {"spansPerSecond": 24_000, "peakFactor": 2, "bytesPerSpan": 500}}
    assert shown in notices(settings(small, busy))


def test_the_load_of_the_document_is_that_of_prod() -> None:
    [shown] = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.S)
    its = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]["tracing:load"]
    assert its.items() <= yaml.safe_load(shown)["config"]["tracing:load"].items()


def test_the_bench_counts_blocks_that_are_complete() -> None:
    objects = {"t/a/meta.json": 1, "t/a/data.parquet": 5, "t/b/data.parquet": 7, "seed.json": 9}
    assert blocks(objects) == {"t/a": 6}
