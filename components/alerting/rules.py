"""All alerts on the tracing system, as rule groups."""

from ..grafana.links import Uid
from ..telemetry.context import StackContext
from . import alloy, beyla, canary, sampler, tempo
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
        "tracing-sampler": sampler.sampler(context),
        "tracing-tempo": tempo.tempo(context),
        "tracing-bucket": tempo.bucket(context),
        "tracing-blocks": tempo.blocks(context),
        "tracing-generator": tempo.generator(context),
        "tracing-beyla": beyla.beyla(context),
        "tracing-canary": canary.canary(context),
    }
    dashboards = {
        **dict.fromkeys(("tracing-ingestion", "tracing-alloy", "tracing-beyla"), Uid.COLLECTORS),
        "tracing-sampler": Uid.SAMPLING,
    }
    return [
        rule_group(name, alerts, context, dashboards.get(name, Uid.TEMPO))
        for name, alerts in groups.items()
        if alerts
    ]
