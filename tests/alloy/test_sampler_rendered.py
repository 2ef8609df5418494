"""What the real chart makes of the samplers' values; needs helm and the packaged charts."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.alloy.endpoints import sampler_hosts
from components.alloy.sampling.component import AlloySamplerArgs
from components.alloy.sampling.pipeline import config
from components.alloy.sampling.values import values
from components.core.helm import ALLOY
from components.core.settings import ServiceMonitorSettings
from tests.alloy.sampler_cases import arguments, sampling, variants
from tests.alloy.test_alloy_rendered import CHARTS, Objects, pytestmark
from tests.helm import TEMPLATE

__all__ = ["pytestmark"]

NAME = "alloy-sampler"


def render(args: AlloySamplerArgs, folder: Path) -> Objects:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values(args)), encoding="utf-8")
    chart = Path(CHARTS or "") / f"{ALLOY.name}-{ALLOY.version}.tgz"
    done = subprocess.run(
        [
            *(*TEMPLATE, NAME, chart, "--namespace", args.namespace),
            *("--values", file, "--api-versions", "monitoring.coreos.com/v1"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    objects = [document for document in yaml.safe_load_all(done.stdout) if document]
    return {(o["kind"], o["metadata"]["name"]): o for o in objects}


@pytest.mark.parametrize("name", ["rules", "hostile", "own module"])
def test_the_configuration_arrives_as_it_was_written(name: str, tmp_path: Path) -> None:
    args = variants()[name]
    [text] = render(args, tmp_path)["ConfigMap", NAME]["data"].values()

    assert text == config(args).rstrip("\n")


def test_the_pods_have_the_host_names_that_the_gateway_sends_to(tmp_path: Path) -> None:
    args = arguments(settings=sampling(replicas=3))
    objects = render(args, tmp_path)
    pods, service = objects["StatefulSet", NAME], objects["Service", NAME]

    # A pod's name in DNS is that of the pod and of the governing Service, which is headless.
    assert service["spec"]["clusterIP"] == "None"
    assert pods["spec"]["serviceName"] == NAME
    assert pods["spec"]["replicas"] == 3
    assert sampler_hosts(3, "tracing") == [
        f"{NAME}-{n}.{NAME}.tracing.svc.cluster.local" for n in range(3)
    ]
    labels = pods["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert {p["name"]: p["port"] for p in service["spec"]["ports"]} == {
        "http-metrics": 12345,
        "otlp-grpc": 4317,
    }


def test_nothing_else_is_made(tmp_path: Path) -> None:
    args = arguments(service_monitor=ServiceMonitorSettings(enabled=True))

    assert {kind for kind, _ in render(args, tmp_path)} == {
        *("ServiceAccount", "ConfigMap", "Service", "StatefulSet"),
        *("PodDisruptionBudget", "ServiceMonitor"),
    }
    one = render(arguments(settings=sampling(replicas=1)), tmp_path)
    assert "PodDisruptionBudget" not in {kind for kind, _ in one}


def test_the_pods_are_restricted_and_have_no_token(tmp_path: Path) -> None:
    objects = render(arguments(), tmp_path)
    pod: dict[str, Any] = objects["StatefulSet", NAME]["spec"]["template"]["spec"]
    [container] = pod["containers"]

    assert objects["ServiceAccount", NAME]["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 473,
        "runAsGroup": 473,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["resources"]["limits"] == {"cpu": "2000m", "memory": "2048Mi"}
    [name] = [e for e in container["env"] if e["name"] == "POD_NAME"]
    assert name["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_a_changed_configuration_restarts_the_pods(tmp_path: Path) -> None:
    """There is no reloader: a reload would drop the traces in flight."""

    def checksum(**changed: Any) -> str:
        objects = render(arguments(settings=sampling(**changed)), tmp_path)
        template = objects["StatefulSet", NAME]["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert checksum() != checksum(keepPercent=20)


def test_a_role_of_aws_is_that_of_the_gateway(tmp_path: Path) -> None:
    objects = render(arguments(service_account="alloy"), tmp_path)

    assert ("ServiceAccount", NAME) not in objects
    pod = objects["StatefulSet", NAME]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "alloy"
