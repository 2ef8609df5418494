"""The dashboards' queries against real programs."""

import pytest

from tests.e2e.answers.harness import reason_to_skip, run

_WHY = reason_to_skip()


@pytest.mark.skipif(bool(_WHY), reason=_WHY)
@pytest.mark.xdist_group("answers")
def test_every_query_of_every_dashboard_finds_something_or_is_known_not_to() -> None:
    report = run("dev")

    print(report.text())
    assert report.unexplained == []
