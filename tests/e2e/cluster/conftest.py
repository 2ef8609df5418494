"""One stack for all tests of the suite."""

from collections.abc import Generator
from pathlib import Path

import pytest

from plan.rehearse.programs import wait_for
from tests.e2e.cluster import kit, place
from tests.e2e.cluster import stack as stacks
from tests.e2e.cluster.stack import Stack

_HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what can't run here; let one worker run the suite, and remove the stack at its end."""
    own = [item for item in items if item.path.is_relative_to(_HERE)]
    reason = place.missing() if own else None
    if reason and place.asked_for():
        # Skipped tests would look like a suite that passed.
        pytest.exit(f"no cluster with real pods: {reason}", returncode=1)
    for item in own:
        item.add_marker(pytest.mark.xdist_group("cluster"))
        if reason:
            item.add_marker(pytest.mark.skip(reason=f"no cluster with real pods: {reason}"))
    items.sort(key=lambda item: item.path.name == "test_removal.py")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """Bring the stack up, or take one that is there."""
    here = place.Place.find()
    if name := place.deployed():
        with stacks.there(name, here) as found:
            yield found
    else:
        with stacks.brought_up(tmp_path_factory.mktemp("e2e"), here) as made:
            yield made


@pytest.fixture(scope="session")
def ours(stack: Stack) -> Stack:
    """Return the stack if the suite brought it up, and may change it."""
    if stack.lab is None:
        pytest.skip("only for a stack that the suite brings up: it changes the stack")
    return stack


@pytest.fixture(scope="session")
def shop(ours: Stack) -> Stack:
    """Return the stack with a shop that sends traces all the time."""
    objects = kit.shop(ours.place)
    ours.cluster.apply(objects)
    for one in objects:
        if one["kind"] == "Deployment":
            ours.cluster.rolled_out("shop", f"deployment/{one['metadata']['name']}")
    with ours.tempo() as tempo:
        query = '{ resource.service.name = "checkout" }'
        wait_for("trace of the shop", lambda: tempo.search(query), 120)
    return ours
