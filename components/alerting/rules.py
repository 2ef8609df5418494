"""All alerts on the tracing system, as rule groups."""

from . import alloy, beyla, metrics, storage, tempo
from .alert import rule_group
from .context import AlertContext
from .delivery import RuleGroup


def alert_groups(context: AlertContext) -> list[RuleGroup]:
    """Return the alerts on what is installed, for the mode that is deployed.

    They read what ServiceMonitors of the charts make of the pods' metrics: labels `namespace`,
    `job` and `pod` (see docs/runbooks/README.md).

    Args:
        context: the stack as its alerts see it.
    """
    groups = {
        "tracing-ingestion": alloy.ingestion(context),
        "tracing-alloy": alloy.alloy(context),
        "tracing-tempo": tempo.tempo(context),
        "tracing-bucket": storage.bucket(context),
        "tracing-blocks": storage.blocks(context),
        "tracing-generator": metrics.generator(context),
        "tracing-beyla": beyla.beyla(context),
    }
    return [rule_group(name, alerts, context) for name, alerts in groups.items() if alerts]
