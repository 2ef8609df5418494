"""The last step of spans: one way to Tempo for each tenant, which keeps the tenant's spans only.

Alloy's exporters take a header from the settings or from a request, never from an attribute. Each
tenant therefore has a filter and an exporter of its own.
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from ..backends.credentials import TENANT_HEADER
from ..tenancy.settings import TenancySettings
from .text import Expression
from .writer import Instance, inputs

_KEEP, _SEND = "keep_tenant", "send_to_tempo"
_DEFAULT = Expression(f"{_SEND}.default.input")


def apart(
    instances: Sequence[Instance], tenancy: TenancySettings, *, least_queue_bytes: int
) -> list[Instance]:
    """Return a pipeline whose way to Tempo is one for each tenant; the same without tenancy.

    Args:
        instances: all instances. The queue of the way to Tempo is shared by the tenants.
        tenancy: the tenants.
        least_queue_bytes: size of the largest request, which could never enter a smaller queue.
    """
    if not tenancy.enabled:
        return list(instances)
    found: list[Instance] = []
    for module, label, arguments in instances:
        if module == _SEND:
            found += _ways(tenancy, arguments, least_queue_bytes)
        else:
            spread = {key: _spread(value, len(tenancy.tenants)) for key, value in arguments.items()}
            found.append((module, label, spread))
    return found


def _spread(value: Any, tenants: int) -> Any:  # noqa: ANN401 - any argument
    """Replace the way to Tempo in a list of outputs."""
    if not isinstance(value, list):
        return value
    ways = [Expression(f"{_KEEP}.{_label(number)}.input") for number in range(tenants)]
    outputs = cast("list[str | Expression]", value)
    return [each for one in outputs for each in (ways if one == _DEFAULT else [one])]


def _ways(tenancy: TenancySettings, send: dict[str, Any], least: int) -> Iterator[Instance]:
    """Yield the filter and the exporter of each tenant."""
    share = max(send["queue_bytes"] // len(tenancy.tenants), least)
    for number, tenant in enumerate(tenancy.tenants):
        others = [v for other in tenancy.tenants if other != tenant for v in tenancy.matched(other)]
        rest = tenant.name == tenancy.default
        keep = {
            "attribute": tenancy.key,
            # The default tenant gets what no other one has.
            "values": others if rest else tenancy.matched(tenant),
            "drop_if": "" if rest else "not ",
            "traces": inputs(_SEND, _label(number)),
        }
        yield _KEEP, _label(number), keep
        its = {"headers": {TENANT_HEADER: tenant.name}, "queue_bytes": share}
        yield _SEND, _label(number), {**send, **its}


def _label(number: int) -> str:
    return f"tenant_{number + 1}"
