"""The filters of dashboards: each takes one value, several or all."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from ..telemetry.context import DashboardContext
from ..telemetry.metrics import TEMPO_SOURCE, Label, SpanKind, SpanMetric
from .panels import prometheus_ref

#: Spans that a service answers; its calls to others and its internal spans are not its requests.
ANSWERED = f'{Label.SPAN_KIND}=~"{SpanKind.SERVER}|{SpanKind.CONSUMER}"'
#: What a filter is while it is set to all: a pattern, so that series without the label match too.
ALL = ".*"


def cluster(context: DashboardContext) -> builders.QueryVariable:
    """Return the filter of clusters, by the resource attribute ``k8s.cluster.name``."""
    return _filter(context, "cluster", "Cluster", Label.CLUSTER)


def namespace(context: DashboardContext) -> builders.QueryVariable:
    """Return the filter of Kubernetes namespaces."""
    return _filter(context, "namespace", "Namespace", Label.NAMESPACE, Label.CLUSTER)


def service(context: DashboardContext) -> builders.QueryVariable:
    """Return the filter of services."""
    return _filter(context, "service", "Service", Label.SERVICE, Label.CLUSTER, Label.NAMESPACE)


def operation(context: DashboardContext) -> builders.QueryVariable:
    """Return the choice of one operation: a span name, which may hold any character."""
    query = _values(Label.SPAN_NAME, Label.CLUSTER, Label.NAMESPACE, Label.SERVICE, kinds=True)
    variable = _query(context, "operation", "Operation", query)
    return variable.include_all(False).multi(False)


def filters(context: DashboardContext) -> list[builders.QueryVariable]:
    """Return the filters that every dashboard on spans has."""
    return [cluster(context), namespace(context), service(context)]


def filter_by(
    context: DashboardContext, name: str, title: str, query: str
) -> builders.QueryVariable:
    """Return a filter that takes one value, several or all.

    Args:
        context: the stack.
        name: name of the variable.
        title: its label in the bar.
        query: where its values come from, ``label_values(...)``.
    """
    everything = models.VariableOption(selected=True, text=["All"], value=["$__all"])
    variable = _query(context, name, title, query)
    return variable.multi(True).include_all(True).all_value(ALL).current(everything)


def choice(name: str, title: str, description: str, *values: str) -> builders.CustomVariable:
    """Return a choice of one of some fixed values; the first is the default."""
    first = models.VariableOption(selected=True, text=values[0], value=values[0])
    variable = builders.CustomVariable(name).label(title).description(description)
    return variable.values(",".join(values)).current(first)


#: Variable that filters by a label.
_VARIABLE_OF = {
    Label.CLUSTER: "cluster",
    Label.NAMESPACE: "namespace",
    Label.SERVICE: "service",
}


def matchers(*labels: Label) -> list[str]:
    """Return PromQL matchers of what the filters of these labels are set to."""
    return [f'{label}=~"${_VARIABLE_OF[label]}"' for label in labels]


def _values(label: Label, *within: Label, kinds: bool = False) -> str:
    own = [f'{Label.SOURCE}="{TEMPO_SOURCE}"', *([ANSWERED] if kinds else [])]
    selector = ", ".join([*own, *matchers(*within)])
    return f"label_values({SpanMetric.CALLS}{{{selector}}}, {label})"


def _filter(
    context: DashboardContext, name: str, title: str, label: Label, *within: Label
) -> builders.QueryVariable:
    return filter_by(context, name, title, _values(label, *within))


def _query(context: DashboardContext, name: str, title: str, query: str) -> builders.QueryVariable:
    variable = builders.QueryVariable(name).label(title).query(query)
    variable.datasource(prometheus_ref(context))
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.sort(models.VariableSort.ALPHABETICAL_ASC)
