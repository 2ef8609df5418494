"""What may find nothing here, with the reason."""

import re
from dataclasses import dataclass

from components.core.names import ALLOY_RELEASE
from tests.e2e.answers.questions import Question

#: Panels that are empty in a healthy system, or in one of a minute's age: uid of the dashboard and
#: title of the panel as patterns, and why.
_HEALTHY: list[tuple[str, str, str]] = [
    (
        "tracing-capacity",
        "Which limit is reached first, and when|Bucket in .*",
        "a forecast is a line through one value a day",
    ),
    ("tracing-service", "Callers without traces", "the shop's front alone is called from outside"),
]

#: Beginnings of what Beyla says of itself and of the services that it sees.
_BEYLA = ("beyla_", "http_server_", "http_client_", "rpc_server_", "rpc_client_", "db_client_")
#: Beginnings of what kube-state-metrics and the kubelets say.
_CLUSTER = ("kube_", "kubelet_", "container_")
_ALLOY = ("alloy_", "otelcol_")


@dataclass(frozen=True)
class Absent:
    """Programs that do not run here.

    Attributes:
        alloy: Alloy is one of them.
        beyla_namespace: namespace that Beyla would run in.
    """

    alloy: bool
    beyla_namespace: str

    def program(self, text: str) -> str:
        """Return the program that would write the series of a query; nothing if all run."""
        metrics = re.findall(r"\b[a-z_]+", text)
        if any(m.startswith(_BEYLA) for m in metrics) or self._of_beyla(text):
            return "Beyla"
        if any(m.startswith(_CLUSTER) for m in metrics):
            return "a cluster"
        own = f'job="{ALLOY_RELEASE}"' in text
        if self.alloy and (own or any(m.startswith(_ALLOY) for m in metrics)):
            return "Alloy"
        return ""

    def _of_beyla(self, text: str) -> bool:
        return f'namespace="{self.beyla_namespace}"' in text


def healthy(question: Question) -> str:
    """Return why a query may find nothing in a healthy system; nothing if it must not."""
    for dashboard, panel, why in _HEALTHY:
        if re.fullmatch(dashboard, question.dashboard) and re.fullmatch(panel, question.panel):
            return why
    return ""
