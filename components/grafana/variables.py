"""The filters and choices in the bar of a dashboard."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from ..telemetry.context import StackContext
from ..telemetry.metrics import Label, SpanMetric
from ..telemetry.promql import ALL, ANSWERED, FROM_TEMPO, filtered, select


def filters(stack: StackContext, *, every_service: bool = True) -> list[builders.QueryVariable]:
    """Return the filters of every dashboard on spans: cluster, Kubernetes namespace, service.

    A dashboard of one service offers no `every_service`, and opens with the first.
    """
    services = _values(Label.SERVICE, Label.CLUSTER, Label.NAMESPACE)
    return [
        filter_by(stack, "cluster", "Cluster", _values(Label.CLUSTER)),
        filter_by(stack, "namespace", "Namespace", _values(Label.NAMESPACE, Label.CLUSTER)),
        filter_by(stack, "service", "Service", services)
        if every_service
        else _query(stack, "service", "Service", services).multi(True).include_all(False),
    ]


def operation(stack: StackContext) -> builders.QueryVariable:
    """Return the choice of one operation: a span name, which may hold any character."""
    within = (Label.CLUSTER, Label.NAMESPACE, Label.SERVICE)
    return choose(
        stack, "operation", "Operation", _values(Label.SPAN_NAME, *within, more=[ANSWERED])
    )


def filter_by(stack: StackContext, name: str, title: str, query: str) -> builders.QueryVariable:
    """Return a filter that takes one value, several or all of a query, `label_values(...)`."""
    everything = models.VariableOption(selected=True, text=["All"], value=["$__all"])
    variable = _query(stack, name, title, query)
    return variable.multi(True).include_all(True).all_value(ALL).current(everything)


def choose(
    stack: StackContext, name: str, title: str, query: str, *, hidden: bool = False
) -> builders.QueryVariable:
    """Return a choice of one value; a hidden one only carries a value into links."""
    variable = _query(stack, name, title, query).include_all(False).multi(False)
    return variable.hide(models.VariableHide.HIDE_VARIABLE) if hidden else variable


def choice(name: str, title: str, description: str, *values: str) -> builders.CustomVariable:
    """Return a choice of one of some fixed values; the first is the default."""
    first = models.VariableOption(selected=True, text=values[0], value=values[0])
    variable = builders.CustomVariable(name).label(title).description(description)
    return variable.values(",".join(values)).current(first)


def label_values(selected: str, label: str) -> str:
    """Return the query of a variable: the values of a label."""
    return f"label_values({selected}, {label})"


def _values(label: Label, *within: Label, more: list[str] | None = None) -> str:
    matchers = [FROM_TEMPO, *(more or []), *filtered(*within)]
    return label_values(select(SpanMetric.CALLS, *matchers), label)


def _query(stack: StackContext, name: str, title: str, query: str) -> builders.QueryVariable:
    variable = builders.QueryVariable(name).label(title).query(query)
    variable.datasource(models.DataSourceRef(type_val="prometheus", uid=stack.metrics_uid))
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.sort(models.VariableSort.ALPHABETICAL_ASC)
