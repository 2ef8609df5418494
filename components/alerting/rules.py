"""All alerts on the tracing system, as rule groups."""

from ..grafana.links import Uid
from ..telemetry.context import StackContext
from . import alloy, beyla, tempo
from .alert import rule_group
from .delivery import RuleGroup


def alert_groups(context: StackContext) -> list[RuleGroup]:
    """Return the alerts on what the stack deploys.

    They read the series that the charts' ServiceMonitors scrape, with the labels `namespace`, `job`
    and `pod` (see docs/runbooks/README.md).
    """
    groups = {
        "tracing-ingestion": alloy.ingestion(context),
        "tracing-alloy": alloy.alloy(context),
        "tracing-tempo": tempo.tempo(context),
        "tracing-bucket": tempo.bucket(context),
        "tracing-blocks": tempo.blocks(context),
        "tracing-generator": tempo.generator(context),
        "tracing-beyla": beyla.beyla(context),
    }
    about_alloy = ("tracing-ingestion", "tracing-alloy", "tracing-beyla")
    return [
        rule_group(name, alerts, context, Uid.COLLECTORS if name in about_alloy else Uid.TEMPO)
        for name, alerts in groups.items()
        if alerts
    ]
