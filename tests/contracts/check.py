"""Compare what this stack writes with what the pinned charts and programs accept.

``record.py`` makes the contracts.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from components.core.contracts import of_chart, of_tempo
from components.tempo.settings import TempoSettings

HERE = Path(__file__).parent
COMPONENTS = HERE.parents[1] / "components"

#: Version of Tempo that the stack runs where a stack file names none.
TEMPO_VERSION: str = TempoSettings().image_tag


def contracts() -> dict[str, Path]:
    """Return the files of all contracts by their names."""
    return {file.stem: file for file in (*HERE.glob("*.json"), *COMPONENTS.glob("*/*.json"))}


@cache
def contract(name: str) -> dict[str, Any]:
    """Return the recorded contract ``<name>.json``.

    Args:
        name: program or chart and its version, for example ``alloy-1.11.1``.

    Raises:
        KeyError: nothing is recorded for that version.
    """
    return json.loads(contracts()[name].read_text())


def unknown_keys(chart: str, version: str, values: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys of Helm values that a chart does not know.

    Raises:
        KeyError: nothing is recorded for that version.
    """
    recorded = of_chart(chart, version)
    if recorded is None:
        raise KeyError(f"{chart}-{version}")
    return list(recorded.unknown(values))


def unknown_tempo_config(config: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys of a Tempo configuration that Tempo does not know."""
    recorded = of_tempo(TEMPO_VERSION)
    assert recorded is not None
    return list(recorded.unknown(config))
