"""Sweeps report all that fails, as separate tests would."""

import inspect

import pytest

from tests.sweep import sweep


def test_every_case_that_fails_is_reported_with_its_name() -> None:
    ran: list[int] = []

    @sweep("number", lambda: range(4), ids=lambda number: f"case {number}")
    def odd(number: int) -> None:
        ran.append(number)
        assert number % 2, number

    with pytest.raises(ExceptionGroup, match="2 of 4 cases fail") as failed:
        odd()
    assert ran == [0, 1, 2, 3]
    assert [e.__notes__ for e in failed.value.exceptions] == [["case: case 0"], ["case: case 2"]]


def test_outcomes_of_pytest_end_no_sweep_and_are_no_success() -> None:
    ran: list[int] = []

    @sweep("number", range(3))
    def outcome(number: int) -> None:
        ran.append(number)
        if number == 0:
            with pytest.raises(ValueError, match="never"):
                pass
        if number == 1:
            pytest.skip("not here")

    with pytest.raises(ExceptionGroup, match="2 of 3 cases fail") as failed:
        outcome()
    assert ran == [0, 1, 2]
    assert ["DID NOT RAISE" in str(e) for e in failed.value.exceptions] == [True, False]
    assert [e.__notes__ for e in failed.value.exceptions] == [["case: 0"], ["case: 1"]]


def test_sweeps_nest_and_leave_fixtures_to_pytest() -> None:
    seen: list[tuple[int, str, object]] = []

    @sweep("number", [1, 2])
    @sweep(("letter", "_more"), [("a", 0), ("b", 0)])
    def both(number: int, letter: str, _more: int, tmp_path: object) -> None:
        seen.append((number, letter, tmp_path))

    assert list(inspect.signature(both).parameters) == ["tmp_path"]
    both(tmp_path=None)
    assert seen == [(1, "a", None), (1, "b", None), (2, "a", None), (2, "b", None)]


def test_a_sweep_over_nothing_fails() -> None:
    @sweep("number", [])
    def any_number(number: int) -> None:
        del number

    with pytest.raises(AssertionError, match="no case"):
        any_number()


def test_a_misspelled_argument_fails_at_once() -> None:
    with pytest.raises(AssertionError, match="takes no"):

        @sweep("numbr", [1])
        def number(number: int) -> None:
            del number


def test_one_sweep_serves_many_tests() -> None:
    each = sweep("number", iter([1, 2]), ids=map(str, [1, 2]))
    seen: list[int] = []

    def note(number: int) -> None:
        seen.append(number)

    each(note)()
    each(note)()
    assert seen == [1, 2, 1, 2]
