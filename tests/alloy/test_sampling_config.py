"""The samplers' configuration, read as text, against what it stands for."""

import re
from typing import Any

import pytest

from components.alloy.component import AlloyArgs
from components.alloy.pipeline import MODULES
from components.alloy.pipeline import config as gateway_config
from components.alloy.sampling.pipeline import config
from components.alloy.sampling.policies import PRESETS, ceilings, marks, policies
from components.alloy.text import Block, parse
from components.tempo.config import SERVICE_GRAPH_DIMENSIONS
from components.tempo.settings import SPAN_DIMENSIONS
from tests.alloy import cases
from tests.alloy.sampler_cases import RULES, arguments, sampling, variants
from tests.alloy.test_alloy_contract import module_faults
from tests.sweep import sweep


@sweep("name", variants())
def test_alloy_knows_everything_in_a_configuration(name: str) -> None:
    assert module_faults(parse(config(variants()[name]))) == []


def instances(text: str) -> dict[str, Block]:
    return {f"{b.name}.{b.label}": b for b in parse(text).blocks if b.name != "declare"}


@sweep("name", variants())
def test_every_path_leads_on(name: str) -> None:
    """Each input that an instance sends to is there, and all but the first are sent to."""
    made = instances(config(variants()[name]))
    sent_to = {
        target
        for block in made.values()
        for value in block.attributes.values()
        for target in re.findall(r"(\w+\.\w+)\.(?:input|receiver)", value)
    }

    assert sent_to <= made.keys()
    assert made.keys() - sent_to == {"receive.default"}


def test_a_rehearsal_sends_nothing_to_tempo() -> None:
    text = config(variants()["rehearsal"])

    assert "send_to_tempo" not in text
    assert 'declare "span_metrics"' not in text
    assert "tempo.tracing.svc" not in text


def traces_of(args: AlloyArgs) -> list[str]:
    """Return the instances that spans pass in the gateway after they are cleaned."""
    made = instances(gateway_config(args))
    return re.findall(r"(\w+)\.default", made["clean.default"].attributes["traces"])


@pytest.mark.parametrize(
    ("mode", "more", "exits"),
    [
        ("off", {}, ["send_to_tempo"]),
        ("on", {}, ["send_to_samplers"]),
        ("on", {"headPercent": 10}, ["head_sample"]),
        ("rehearse", {}, ["send_to_tempo", "copy_traces"]),
    ],
)
def test_the_gateway_sends_spans_where_the_mode_says(
    mode: str, more: dict[str, Any], exits: list[str]
) -> None:
    args = cases.arguments(settings=cases.sampled(mode=mode, **more))

    assert traces_of(args) == exits


def test_labels_are_those_of_tempo() -> None:
    graph = (MODULES / "service_graph.alloy").read_text()
    listed = re.search(r"dimensions\s+= \[(.*)\]", graph)
    assert listed
    assert re.findall(r'"([^"]+)"', listed[1]) == [*SERVICE_GRAPH_DIMENSIONS]
    metrics = config(arguments()).partition('declare "span_metrics"')[2].partition("histogram")[0]
    assert re.findall(r'dimension \{\n\t+name = "(.+)"', metrics) == [*SPAN_DIMENSIONS]


def test_bounds_are_exact() -> None:
    text = config(variants()["own buckets"])

    assert 'buckets = ["500000us", "2000000us"]' in text


def test_a_rule_excludes_what_earlier_rules_match() -> None:
    made = {policy["name"]: policy for policy in policies(sampling(rules=RULES))}

    def excluded(name: str) -> list[str]:
        kind = made[name]["type"]
        conditions = made[name][kind].get(f"{kind}_sub_policy", [made[name]])
        return [
            value
            for each in conditions
            if each.get("string_attribute", {}).get("invert_match")
            for value in each["string_attribute"]["values"]
        ]

    assert [*made] == ["errors", "slow", "pay", "synthetic", "batch", "admin", "rest"]
    assert excluded("pay") == []
    assert excluded("synthetic") == ["pay"]
    assert excluded("admin") == ["pay", "synthetic", "batch"]
    assert excluded("rest") == ["pay", "synthetic", "batch", "admin"]
    assert len(marks(sampling(rules=RULES))) == len(RULES)


def test_shares_of_the_ceiling_leave_nothing_over() -> None:
    shares = ceilings(sampling(maxSpansPerSecond=1000, replicas=2))

    # Four parts of eight for errors, two each for slow traces and the rest, in each sampler.
    assert shares == {"errors": 250, "slow": 125, "rest": 125}
    assert ceilings(sampling()) == {}


@sweep("preset", PRESETS)
def test_a_preset_is_a_default_for_each_setting(preset: str) -> None:
    its = {"preset": preset, "errors": False, "slowerThanMs": 5, "keepPercent": 50}
    names = [policy["name"] for policy in policies(sampling(**its, maxSpansPerSecond=100))]

    assert names == ["slow", "rest"]
