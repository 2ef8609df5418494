"""Checks of Kafka, which mode distributed of Tempo 3 needs."""

from collections.abc import Iterator

from components.core.flows import namespace_of
from delivery.preflight.api import name, objects
from delivery.preflight.finding import Finding, error, not_checked, ok
from delivery.preflight.sources import Sources


def kafka(its: Sources) -> Iterator[Finding]:
    """Check that the broker's Service and the Secret with its password exist."""
    settings = its.plan.settings
    if (wanted := settings.tempo.kafka) is None:
        return
    own = settings.namespaces.tracing
    host = wanted.address.rpartition(":")[0]
    if secret := wanted.password_secret:
        if secret.name not in map(name, objects(its.cluster, "v1", "Secret", own)):
            yield error(
                f"there is no Secret {secret.name} in {own}: Tempo's pods don't start",
                "create it, or change tempo.kafka.passwordSecret",
            )
        else:
            yield ok(f"Secret {secret.name} in {own}")
    inside = namespace_of(f"kafka://{host}", own)
    # `service.namespace` can be a host outside.
    if inside is None or host.count(".") == 1:
        yield not_checked(f"{wanted.address} may be reached from the nodes only")
        return
    service = host.partition(".")[0]
    if service not in map(name, objects(its.cluster, "v1", "Service", inside)):
        yield error(
            f"there is no Service {service} in {inside}: Tempo's pods don't start",
            "install Kafka first, or change tempo.kafka.address",
        )
        return
    yield ok(f"Service {service} in {inside}")
    yield not_checked(
        f"topic {wanted.topic}: compare its partitions and max.message.bytes with docs/kafka.md"
    )
