"""The demo shop and the charts of the local stack."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SHOP = list[dict[str, Any]](yaml.safe_load_all((ROOT / "local/shop/shop.yaml").read_text()))


def commands() -> dict[str, str]:
    """Return the command of each Deployment, in one line."""
    return {
        one["metadata"]["name"]: " ".join(
            one["spec"]["template"]["spec"]["containers"][0]["command"]
        )
        for one in SHOP
        if one["kind"] == "Deployment"
    }


def test_each_pod_runs_its_service() -> None:
    found = commands()
    assert set(found) == {"front", "checkout", "catalogue", "payment", "visitor"}
    assert [name for name, text in found.items() if f"/shop/shop.py {name}" not in text] == []


def test_the_services_with_the_sdk_install_the_versions_of_the_lock_file() -> None:
    lock = (ROOT / "requirements-dev.txt").read_text()
    installing = {name: text for name, text in commands().items() if "pip install" in text}
    assert set(installing) == {"front", "checkout"}
    for text in installing.values():
        pinned = re.findall(r"\S+==\S+", text)
        assert len(pinned) == 2
        assert [one for one in pinned if f"{one} " not in lock] == []


def test_every_chart_that_is_installed_has_a_version_and_values() -> None:
    script = (ROOT / "local/cluster").read_text()
    installed = set(re.findall(r"^ +install (\w+) ", script, re.M))
    assert installed == set(re.findall(r"^(\w+)=\d+\.\d+\.\d+$", script, re.M))
    assert installed == {file.stem for file in (ROOT / "local/charts").glob("*.yaml")}


def test_the_stack_sends_to_the_services_of_the_charts() -> None:
    config = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())["config"]
    backends = config["tracing:backends"]
    prometheus = yaml.safe_load((ROOT / "local/charts/prometheus.yaml").read_text())["server"]
    port = prometheus["service"]["servicePort"]
    at = f"http://{prometheus['fullnameOverride']}.monitoring.svc.cluster.local:{port}"
    assert backends["metrics"]["url"] == at
    assert backends["metrics"]["remoteWriteUrl"] == f"{at}/api/v1/write"
    loki = yaml.safe_load((ROOT / "local/charts/loki.yaml").read_text())["fullnameOverride"]
    assert backends["logs"]["url"] == f"http://{loki}.monitoring.svc.cluster.local:3100"
