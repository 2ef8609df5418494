"""The file of prices is whole, and each price is used as AWS uses it."""

import datetime
import shutil
from pathlib import Path

import pytest
import yaml

from components.checks import SettingsError
from plan import __main__ as program
from plan.cost import estimate
from plan.cost.prices import FILE, Unit, load
from tests.cost.stacks import PRICES


def test_storage_costs_what_the_faq_of_s3_says() -> None:
    """https://aws.amazon.com/s3/faqs/, "How much does Amazon S3 cost?", US East (N. Virginia)."""
    byte_hours = 107_374_182_400 * 15 * 24 + 109_951_162_777_600 * 16 * 24
    gib_months = byte_hours / 1024**3 / 744
    assert gib_months == pytest.approx(52_900, abs=1)
    assert load()["us-east-1"].storage(52_900) == pytest.approx(1_215.00)


@pytest.mark.parametrize(("gib", "usd"), [(0, 0), (500, 10), (1000, 20), (1100, 21), (3000, 40)])
def test_each_tier_has_its_price(gib: float, usd: float) -> None:
    assert PRICES.storage(gib) == pytest.approx(usd)


def test_every_region_has_every_price_with_its_day_and_source() -> None:
    document = yaml.safe_load(FILE.read_text())
    assert set(load()) == set(document) == {"us-east-1", "eu-west-1", "eu-central-1"}
    for region, prices in load().items():
        assert set(prices.usd) == set(Unit)
        assert prices.oldest > datetime.date(2025, 1, 1)
        for offer in document[region]:
            assert offer["source"].startswith("https://")
            assert region in offer["source"] or "/kms/" in offer["source"]


def whole() -> list[dict[str, object]]:
    usd = {unit.value: 1.5 for unit in Unit}
    source, date = "https://example.com", datetime.date(2026, 1, 2)
    return [{"source": source, "date": date, "storageTiers": [{"usd": 1}], "usd": usd}]


def refused(tmp_path: Path, document: object) -> str:
    file = tmp_path / "prices.yaml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    with pytest.raises(SettingsError) as raised:
        load(file)
    return str(raised.value)


def test_a_whole_file_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(yaml.safe_dump({"x": whole()}))
    assert load(file)["x"].usd[Unit.CPU] == 1.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "aws"}, "x.0.source"),
        ({"date": "soon"}, "x.0.date"),
        ({"usd": {"cpu": 1}}, "x.0.usd.cpu"),
        ({"usd": {}}, "x.cpuCoreHour\n    needs one price, has 0"),
        ({"usd": {u.value: -1 for u in Unit}}, "x.0.usd.cpuCoreHour"),
        ({"storageTiers": []}, "x.storageTiers\n    needs one list of tiers, has 0"),
        ({"storageTiers": [{"upToGib": 5, "usd": 1}]}, "the last have no upToGib"),
        ({"storageTiers": [{"usd": 1}, {"usd": 1}]}, "the last have no upToGib"),
        (
            {"storageTiers": [{"upToGib": 9, "usd": 1}, {"upToGib": 5, "usd": 1}, {"usd": 1}]},
            "each tier must end above the one before",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_key(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    text = refused(tmp_path, {"x": [{**whole()[0], **changes}]})
    assert message in text
    assert text.startswith("prices.yaml: ")


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "x: 5"])
def test_what_is_no_list_of_prices_is_refused(text: str, tmp_path: Path) -> None:
    assert "prices.yaml" in refused(tmp_path, text)


def test_two_prices_for_one_thing_are_refused(tmp_path: Path) -> None:
    text = refused(tmp_path, {"x": [*whole(), *whole()]})
    assert "x.memoryGibHour\n    needs one price, has 2" in text
    assert "x.storageTiers\n    needs one list of tiers, has 2" in text


def test_the_plan_says_it_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "prices.yaml"
    broken.write_text("x: 5")
    monkeypatch.setattr(estimate, "load", lambda: load(broken))
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(Path(__file__).parents[2] / name, tmp_path)
    kept = tmp_path / "build" / "plan" / "dev" / "plan.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("the last good plan")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["plan", "dev"])
    assert program.main() == 1
    assert capsys.readouterr().err.startswith("error: prices.yaml: 1 problem")
    assert kept.read_text() == "the last good plan"
