"""The configuration: lines of the node's pods become OTLP log records with the ids of their traces.

They pass pod_logs, trace_ids, convert_logs and clean, and go to Loki.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...core.names import ALLOY_LOGS_RELEASE
from ...core.units import MIB
from ..ottl import glob_pattern
from ..pipeline import SHARED_MODULE, cleaned_logs, declared, send_to_loki
from ..text import Expression
from ..writer import Instances, inputs, instance
from .sizes import QUEUE_MIB

if TYPE_CHECKING:
    from .component import AlloyPodLogsArgs

#: Name of the node, from the chart.
_NODE = Expression('sys.env("K8S_NODE_NAME")')


def config(args: "AlloyPodLogsArgs") -> str:
    """Return the configuration: the modules in use, then an instance `default` of each."""
    its = args.settings
    instances: Instances = {
        "pod_logs": {
            "node": _NODE,
            "kept": _pattern(its.namespaces),
            "dropped": _pattern(its.excluded_namespaces),
            "own": ALLOY_LOGS_RELEASE,
            "forward_to": [Expression("trace_ids.default.receiver")],
        },
        "trace_ids": {"forward_to": [Expression("convert_logs.default.receiver")]},
        "convert_logs": {"node": _NODE, "logs": inputs("clean")},
        "enrich": {"cluster": args.cluster_name, "environment": args.environment},
        **cleaned_logs(args.redaction, args.limits),
        **send_to_loki(args.logs, QUEUE_MIB * MIB, waits=True),
    }
    text = [declared(name, None, args.logs) for name in (SHARED_MODULE, *instances)]
    used = [instance(module, "default", arguments) for module, arguments in instances.items()]
    return "\n".join([*text, *used])


def _pattern(names: Iterable[str]) -> str:
    """Return a regular expression of namespaces; for none, one that no namespace has."""
    return "|".join(glob_pattern(name) for name in names) or "-"
