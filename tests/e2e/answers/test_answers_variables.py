"""Variables are filled in as Grafana does it."""

import pytest

from tests.e2e.answers.grafana import AllValue, Range, Value, plain, promql, time_range

_HOUR = Range(1000, 4600)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ('{a=~"$v"}', ["x.y"], r'{a=~"x\\.y"}'),
        ('{a=~"$v"}', ["x", "y"], '{a=~"(x|y)"}'),
        ('{a=~"$v"}', AllValue(".*"), '{a=~".*"}'),
        ('{a="$v"}', 'GET "/x"', r'{a="GET \"/x\""}'),
        ("$other", "x", "$other"),
    ],
)
def test_promql_is_filled_in(text: str, value: Value, expected: str) -> None:
    assert promql(text, {"v": value}, _HOUR) == expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("`${v:regex}`", ["x.y"], r"`x\.y`"),
        ("`${v:regex}`", ["x", "y"], "`(x|y)`"),
        ("`${v:regex}`", AllValue(".*"), "`.*`"),
        ("${v:doublequote}", 'a "b"', r'"a \"b\""'),
        ("$v", ["x", "y"], "x|y"),
    ],
)
def test_other_queries_are_filled_in(text: str, value: Value, expected: str) -> None:
    assert plain(text, {"v": value}, _HOUR) == expected


def test_windows_follow_the_time_range() -> None:
    assert promql("$__rate_interval ${__range} $__interval", {}, _HOUR) == "60s 3600s 15s"


def test_a_long_range_has_longer_steps() -> None:
    month = time_range("now-30d", 10_000_000)

    assert promql("$__rate_interval", {}, month) == "2607s"


def test_an_unknown_start_of_a_range_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        time_range("yesterday", 0)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(KeyError):
        plain("${v:unheard}", {"v": "x"}, _HOUR)
