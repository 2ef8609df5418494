"""Values of the chart and the Instrumentation, as they are built."""

import json
from typing import Any

import pytest

from components.core.helm import OPERATOR
from components.onboarding.settings import Language
from components.otel_operator.instrumentation import AGENTS, instrumentation
from components.otel_operator.values import values
from tests.contracts.check import contract, unknown_keys
from tests.otel_operator.operators import operator

EVERYTHING: dict[str, Any] = {
    "go": True,
    "sampleRatio": 0.1,
    "metrics": True,
    "logs": True,
    "placement": {"priorityClass": "high"},
    "workload": {"replicas": 3, "memoryLimitMib": 1024},
}


@pytest.mark.parametrize("settings", [{}, EVERYTHING], ids=["default", "everything"])
def test_the_chart_knows_every_key(settings: dict[str, Any]) -> None:
    built = values(operator("mirror:5000", **settings))

    assert unknown_keys(OPERATOR.name, OPERATOR.version, built) == []


def test_nobody_waits_for_an_operator_that_is_away() -> None:
    """By failurePolicy, of pods and of the operator's own objects; and the system never asks."""
    webhooks = values(operator())["admissionWebhooks"]
    [outside] = webhooks["namespaceSelector"]["matchExpressions"]

    assert (webhooks["failurePolicy"], webhooks["pods"]["failurePolicy"]) == ("Ignore", "Ignore")
    assert outside["operator"] == "NotIn"
    assert set(outside["values"]) == {"kube-system", "tracing", "tracing-beyla"}
    assert "tracing-operator" not in outside["values"]


def test_the_certificate_needs_no_cert_manager_and_outlives_upgrades() -> None:
    webhooks = values(operator())["admissionWebhooks"]

    assert webhooks["certManager"] == {"enabled": False}
    assert webhooks["autoGenerateCert"]["enabled"] is True
    assert webhooks["autoGenerateCert"]["recreate"] is False
    assert webhooks["autoGenerateCert"]["certPeriodDays"] >= 3650


def test_sizes_reach_the_chart() -> None:
    built = values(operator(**EVERYTHING))

    assert built["replicaCount"] == 3
    assert built["manager"]["resources"]["limits"] == {"cpu": "500m", "memory": "1024Mi"}
    assert built["manager"]["extraEnvs"] == [{"name": "GOMEMLIMIT", "value": "819MiB"}]
    assert built["priorityClassName"] == "high"


@pytest.mark.parametrize("go", [True, False])
def test_go_is_only_there_where_it_is_allowed(go: bool) -> None:
    built = values(operator(go=go))

    assert built["manager"]["autoInstrumentation"]["go"]["enabled"] is go


def test_agents_are_those_that_the_operator_was_released_with() -> None:
    version = contract(f"{OPERATOR.name}-{OPERATOR.version}")["appVersion"]
    released = contract(f"opentelemetry-operator-agents-{version}")["agents"]

    assert {k.value: v.rpartition(":")[2] for k, v in AGENTS.items()} == released


def test_a_mirror_serves_every_image() -> None:
    args = operator("mirror:5000/otel")
    text = json.dumps([values(args), instrumentation(args)])

    assert text.count("mirror:5000/otel/open-telemetry/") == 1 + len(Language)
    assert "ghcr.io" not in text


def test_the_instrumentation_says_where_to_send_and_how() -> None:
    spec = instrumentation(operator())

    assert spec["exporter"] == {"endpoint": "http://alloy.tracing.svc.cluster.local:4318"}
    assert spec["sampler"] == {"type": "parentbased_always_on"}
    assert spec["propagators"] == ["tracecontext", "baggage"]
    assert {entry["name"]: entry["value"] for entry in spec["env"]} == {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }


def test_what_is_set_reaches_the_sdks() -> None:
    spec = instrumentation(operator(**EVERYTHING))
    env = {entry["name"]: entry["value"] for entry in spec["env"]}

    assert spec["sampler"] == {"type": "parentbased_traceidratio", "argument": "0.1"}
    assert (env["OTEL_METRICS_EXPORTER"], env["OTEL_LOGS_EXPORTER"]) == ("otlp", "otlp")


def test_the_agents_container_is_let_into_restricted_namespaces() -> None:
    """The images have no user of their own: without one the pod would be refused at its start."""
    context = instrumentation(operator())["initContainerSecurityContext"]

    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_nothing_is_left_for_the_webhook_to_fill_in() -> None:
    """It may be passed over; the operator then takes the object as it is."""
    spec = instrumentation(operator())

    for language in Language:
        its = spec[language.value]
        resources = its["resources" if language is Language.JAVA else "resourceRequirements"]
        assert its["image"].startswith("ghcr.io/open-telemetry/")
        assert resources.keys() == {"requests", "limits"}
