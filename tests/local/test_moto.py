"""The AWS emulator of the stack `local`."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_moto_does_not_read_its_port_from_its_service() -> None:
    """Kubernetes would set MOTO_PORT to a URL, and moto exits: it expects a number."""
    documents = yaml.safe_load_all((ROOT / "local/moto.yaml").read_text())
    [deployment] = [one for one in documents if one["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    assert pod["enableServiceLinks"] is False
