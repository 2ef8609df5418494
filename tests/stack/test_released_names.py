"""An upgrade from the last release replaces nothing: resources keep their URNs and their names.

`released-0.2.0.json` has what the plan of dev was at the end of 0.2.0 (commit 93e378a). A resource
that is renamed needs an alias, and a name that is fixed once must stay: both would replace it.
"""

import json
from pathlib import Path
from typing import Any

from tests import golden

RELEASED: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("released-0.2.0.json").read_text()
)


def test_resources_of_the_last_release_are_still_there() -> None:
    now = {r.urn.split("::", 2)[2]: r.inputs for r in golden.plan("dev").recording.resources}
    assert sorted(RELEASED.keys() - now.keys()) == []
    changed = {
        urn: (key, value)
        for urn, names in RELEASED.items()
        for key, value in names.items()
        if _at(now[urn], key) != value
    }
    assert changed == {}


def _at(inputs: dict[str, Any], path: str) -> object:
    found: Any = inputs
    for key in path.split("."):
        found = found[key]
    return found
