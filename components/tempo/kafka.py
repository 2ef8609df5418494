"""Kafka between the parts of Tempo 3 in mode distributed.

Tempo 3.0.3 connects without encryption, and signs in by SASL/PLAIN or not at all
(`commonKafkaClientOptions` in pkg/ingest/writer_client.go). It takes the address of one broker.
"""

from typing import Any

from .settings import TempoSettings

#: Environment variable with the password, which Kubernetes puts into the argument.
_PASSWORD = "KAFKA_PASSWORD"  # noqa: S105 - a name


def ingest(settings: TempoSettings) -> dict[str, Any]:
    """Return the chart's values `ingest`; the check of settings asks for Kafka."""
    its = settings.kafka
    if its is None:
        return {}
    return {
        "kafka": {
            "address": its.address,
            "topic": its.topic,
            # Creating it would change the number of partitions for all new topics of the brokers
            # (pkg/ingest/config.go).
            "auto_create_topic_enabled": False,
            "auto_create_topic_default_partitions": 0,
        }
    }


def without_values(settings: TempoSettings) -> dict[str, Any]:
    """Return the keys of Tempo's section `ingest` for which the chart has no values."""
    name = settings.kafka.username if settings.kafka else None
    return {"kafka": {"sasl_username": name}} if name else {}


def environment(settings: TempoSettings) -> list[dict[str, Any]]:
    """Return the environment variable with the password, from its Secret."""
    secret = settings.kafka.password_secret if settings.kafka else None
    if secret is None:
        return []
    reference = {"name": secret.name, "key": secret.key}
    return [{"name": _PASSWORD, "valueFrom": {"secretKeyRef": reference}}]


def arguments(settings: TempoSettings) -> list[str]:
    """Return the argument with the password.

    In the configuration it could only stand with `-config.expand-env`, which would expand `$` in
    every other key.
    """
    return [f"-ingest.sasl-password=$({_PASSWORD})"] if environment(settings) else []
