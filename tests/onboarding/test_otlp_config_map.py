"""The ConfigMap for the applications of a namespace."""

from typing import Any

import pytest

from components.checks import SettingsError
from components.onboarding.component import OtlpEnv, OtlpEnvArgs
from components.onboarding.settings import OtlpSettings
from plan.recorder import record
from tests.onboarding.test_otlp_env import HTTP, PLAIN


def args(**settings: Any) -> OtlpEnvArgs:
    return OtlpEnvArgs(
        endpoint=HTTP, namespace="shop", settings=OtlpSettings.model_validate(settings)
    )


@pytest.mark.parametrize("preview", [True, False])
def test_one_config_map_with_what_all_have_in_common(preview: bool) -> None:
    recording = record(lambda: OtlpEnv("shop", args(attributes={"team": "a"})), preview=preview)
    component = recording.one("tracing:index:OtlpEnv")
    config_map = recording.one("kubernetes:core/v1:ConfigMap")

    assert (config_map.parent, config_map.name) == (component.urn, "shop-config-map")
    assert config_map.inputs["metadata"]["name"] == "otlp"
    assert config_map.inputs["metadata"]["namespace"] == "shop"
    assert config_map.inputs["data"] == {**PLAIN, "OTEL_RESOURCE_ATTRIBUTES": "team=a"}
    assert recording.component_outputs[component.urn] == {"configMapName": "otlp"}


def test_it_names_no_single_application() -> None:
    with pytest.raises(SettingsError) as refused:
        record(lambda: OtlpEnv("shop", args(serviceName="cart", serviceVersion="1")), preview=True)

    assert str(refused.value).startswith("shop: 2 problems; nothing was changed.")
    assert "is one application's; a ConfigMap is for all of a namespace" in str(refused.value)
