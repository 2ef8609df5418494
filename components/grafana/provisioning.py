"""Datasources as the files that Grafana provisions them from."""

import yaml

from ..core.texts import map_strings
from .datasources import Datasource


def provisioning_file(datasource: Datasource, *, org_id: int) -> str:
    """Return the text of a provisioning file for one datasource.

    ``prune`` removes the datasource when its file is gone; it touches those only that came from a
    file with ``prune``. There is no ``deleteDatasources``: at every reload it would delete by name,
    also what somebody else made.

    Args:
        datasource: the datasource, with single ``$``.
        org_id: Grafana's organisation that it belongs to.

    Returns:
        YAML, the same on each run.
    """
    file = {
        "apiVersion": 1,
        "prune": True,
        "datasources": [map_strings(_escaped, {**datasource, "orgId": org_id})],
    }
    return yaml.safe_dump(file, sort_keys=True, allow_unicode=True, width=1000)


def _escaped(text: str) -> str:
    """Double each ``$``.

    Grafana expands environment variables in every value of a provisioning file, but not in keys,
    and reads ``$$`` as ``$``.
    """
    return text.replace("$", "$$")
