"""Manifests of the local stack."""

from pathlib import Path
from typing import Any

import yaml

LOCAL = Path(__file__).parents[2] / "local"
MANIFESTS = [LOCAL / "moto.yaml", LOCAL / "shop/shop.yaml"]


def documents() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in MANIFESTS:
        found += [one for one in yaml.safe_load_all(file.read_text()) if one]
    return found


def test_no_service_sets_environment_variables_of_a_pod() -> None:
    """A Service named moto sets MOTO_PORT=tcp://…, and moto then does not start."""
    templates = [d["spec"]["template"] for d in documents() if "template" in d.get("spec", {})]
    assert templates
    assert [t["spec"].get("enableServiceLinks") for t in templates] == [False] * len(templates)
