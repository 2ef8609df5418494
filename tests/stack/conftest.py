"""The recordings, for the tests that look at each of them."""

import pytest

from plan.recorder import Recording
from tests.stack.variants import recorded


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> Recording:
    name, preview = request.param
    return recorded(name, preview=preview)
