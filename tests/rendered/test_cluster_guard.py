"""Which clusters the tests touch, and which they leave alone."""

from pathlib import Path

import pytest

from tests.rendered import cluster


@pytest.mark.parametrize(
    ("context", "used"), [("lab", True), ("kind-tracing", True), ("prod", False), ("", False)]
)
def test_only_throw_away_clusters_are_used(
    context: str, used: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(f"current-context: {context!r}\n")
    monkeypatch.setattr(cluster, "KUBECTL", "kubectl")
    monkeypatch.setattr(cluster, "KUBECONFIG", str(file))

    assert (cluster.missing() is None) is used


def test_no_kubeconfig_but_the_named_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "KUBECTL", "kubectl")
    monkeypatch.setattr(cluster, "KUBECONFIG", "")

    assert cluster.missing() == "KUBECONFIG names no file"
