"""The example of docs/reviewing.md is what `make plan-diff` says."""

from tests.reviewing import DOCUMENT, document


def test_the_example_is_the_report_of_that_change() -> None:
    assert DOCUMENT.read_text() == document(), "run `make golden` and review the difference"
