"""What Beyla's settings turn on, for this system and for those that must know of it."""

from components.beyla.settings import BeylaSettings, ContextPropagation


def installed(settings: BeylaSettings) -> bool:
    """Return whether Beyla runs at all: it is opt-in by namespace."""
    return settings.enabled and bool(settings.namespaces)


def in_host_network(settings: BeylaSettings) -> bool:
    """Return whether Beyla's pods use their nodes' network, and so their nodes' addresses.

    Writing trace context into packets needs the node's interfaces (chart key
    ``contextPropagation.enabled``).
    """
    return settings.context_propagation is not ContextPropagation.DISABLED
