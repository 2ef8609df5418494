"""Links into Grafana's Explore."""

import json
from urllib.parse import urlencode

from .settings import GrafanaSettings


def explore_url(settings: GrafanaSettings, namespace: str) -> str:
    """Return a link to the traces of one Kubernetes namespace.

    Args:
        settings: the Grafana side's settings.
        namespace: value of the resource attribute ``k8s.namespace.name``.

    Returns:
        A URL, or the path alone where ``settings.url`` is not set.
    """
    search = {
        "refId": "A",
        "datasource": {"type": "tempo", "uid": settings.tempo_uid},
        "queryType": "traceqlSearch",
        "limit": 20,
        "tableType": "traces",
        "filters": [
            {
                "id": "k8s-namespace-name",
                "scope": "resource",
                "tag": "k8s.namespace.name",
                "operator": "=",
                "value": [namespace],
                "valueType": "string",
            }
        ],
    }
    pane = {
        "datasource": settings.tempo_uid,
        "queries": [search],
        "range": {"from": "now-1h", "to": "now"},
    }
    query = urlencode(
        {
            "schemaVersion": 1,
            "panes": json.dumps({"traces": pane}, separators=(",", ":")),
            "orgId": settings.org_id,
        }
    )
    return f"{(settings.url or '').rstrip('/')}/explore?{query}"
