"""Sweeps: one test runs all its cases and reports every case that fails.

`pytest.mark.parametrize` makes a test of each case. Collecting, scheduling and reporting a test
takes milliseconds in every worker, which is longer than most cases run. Use `sweep` for many small
cases that share no fixture with state, and `parametrize` for a few large ones.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest

Test = Callable[..., None]
#: Raised by `pytest.raises` without an exception, and by `pytest.skip`, which would end the sweep.
_OUTCOMES = (pytest.fail.Exception, pytest.skip.Exception)


def sweep(
    names: str | tuple[str, ...],
    cases: Iterable[Any] | Callable[[], Iterable[Any]],
    ids: Iterable[object] | Callable[[Any], object] = str,
) -> Callable[[Test], Test]:
    """Run a test once for all cases.

    Args:
        names: the arguments that a case fills: one name, or several for cases that are tuples.
        cases: the cases, or a function that returns them when the test runs.
        ids: a name for each case, or a function that returns the name; by default its text.
    """
    # One sweep may stand on many tests, and a map is read once.
    known = tuple(cast(Iterable[Any], cases)) if isinstance(cases, Iterable) else None
    named = tuple(cast(Iterable[Any], ids)) if isinstance(ids, Iterable) else None
    filled = (names,) if isinstance(names, str) else names

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def swept(**fixtures: Any) -> None:
            found = known if known is not None else tuple(cast(Callable[[], Any], cases)())
            assert found, "there is no case"
            failures: list[Exception] = []
            for number, case in enumerate(found):
                values = (case,) if isinstance(names, str) else case
                try:
                    test(**fixtures, **dict(zip(filled, values, strict=True)))
                except (Exception, *_OUTCOMES) as error:  # noqa: BLE001 - reported below
                    name = named[number] if named else cast(Callable[[Any], object], ids)(case)
                    # A group holds exceptions only, which outcomes of pytest are not.
                    failure = error if isinstance(error, Exception) else AssertionError(str(error))
                    failure.add_note(f"case: {name}")
                    failures.append(failure.with_traceback(error.__traceback__))
            if failures:
                raise ExceptionGroup(f"{len(failures)} of {len(found)} cases fail", failures)

        swept.__signature__ = _without(test, filled)  # pyright: ignore[reportAttributeAccessIssue]
        return swept

    return decorate


def _without(test: Test, filled: tuple[str, ...]) -> inspect.Signature:
    """Return the signature that pytest reads the fixtures from."""
    signature = inspect.signature(test)
    assert set(filled) <= set(signature.parameters), f"{test.__name__} takes no {filled}"
    kept = [p for name, p in signature.parameters.items() if name not in filled]
    return signature.replace(parameters=kept)
