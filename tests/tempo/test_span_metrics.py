"""The buckets of the latency histogram: valid lists, and the label of a bucket."""

from typing import Any

import pytest

from components.checks.validate import validate
from components.telemetry.metrics import LATENCY_BUCKETS, latency_bound
from components.tempo.settings import TempoSettings
from tests.sweep import sweep

NUMBER = "must be a number above 0, up to 3600"
LIST = "must be a list, each entry a number above 0, up to 3600"


def messages(buckets: Any) -> dict[str, str]:
    group = {"tempo": {"spanMetrics": {"buckets": buckets}}}
    cluster = {"name": "c", "region": "eu-west-1", "accountId": "1" * 12, "kubeContext": "c"}
    _, found = validate({"environment": {"name": "dev"}, "cluster": cluster, **group})
    return {p.key.removeprefix("tempo.spanMetrics.buckets"): p.message for p in found}


def test_the_default_has_the_buckets_of_apdex_and_of_slos() -> None:
    assert tuple(TempoSettings().span_metrics.buckets) == LATENCY_BUCKETS


@sweep("buckets", [[0.512, 2.05], [1], [0.0001, 3600], [n + 1 for n in range(50)]])
def test_a_list_in_increasing_order_is_accepted(buckets: list[float]) -> None:
    assert messages(buckets) == {}


@sweep(
    ("buckets", "key", "message"),
    [
        ([1, 1], "", "must be in strictly increasing order"),
        ([0.512, 10, 2.05], "", "must be in strictly increasing order"),
        ([], "", f"{LIST}, with at least 1 entries"),
        ([n + 1 for n in range(51)], "", f"{LIST}, with at most 50 entries"),
        (10, "", LIST),
        ([0, 1], "[0]", NUMBER),
        ([-1, 1], "[0]", NUMBER),
        ([1, 3601], "[1]", NUMBER),
        ([1, "10"], "[1]", NUMBER),
        ([True, 2], "[0]", NUMBER),
    ],
)
def test_other_lists_are_refused(buckets: Any, key: str, message: str) -> None:
    [(found, text)] = messages(buckets).items()
    assert (found, text[: len(message)]) == (key, message)


def test_the_message_about_the_order_names_the_entries() -> None:
    [text] = messages([0.512, 10, 2.05]).values()
    assert text.endswith("for example [0.512, 2.05, 4.1, 10]: 2.05 follows 10")


@pytest.mark.parametrize(
    ("seconds", "label"),
    [
        # As strconv.FormatFloat(value, 'f', -1, 64) writes them in Tempo.
        (10.0, "10"),
        (4.10, "4.1"),
        (0.00001, "0.00001"),
        (1234.5678, "1234.5678"),
        (3600, "3600"),
    ],
)
def test_a_bucket_has_the_label_that_tempo_writes(seconds: float, label: str) -> None:
    assert latency_bound(seconds) == label
