"""Uids of the dashboards: part of their address, so they never change."""

from enum import StrEnum


class Uid(StrEnum):
    """Uids of the dashboards that others lead to."""

    HOME = "tracing-home"
    TRACES = "tracing-traces"
    SERVICES = "tracing-services"
    SERVICE = "tracing-service"
    OPERATION = "tracing-operation"
    USE_CASES = "tracing-use-cases"
    BEYLA = "tracing-beyla"
    TEMPO = "tracing-tempo"
    COLLECTORS = "tracing-collectors"
    CAPACITY = "tracing-capacity"
