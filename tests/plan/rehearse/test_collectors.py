"""A rendered configuration is changed only where a single machine differs from the cluster."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.core.helm import no_template
from plan.rehearse.collectors import Destinations, Tier, localized, tiers

TO = Destinations(
    otlp="127.0.0.1:1",
    other="127.0.0.1:9",
    http="http://127.0.0.1:2",
    urls={"http://m": "http://n"},
)
PORTS = {4317: 7, 4318: 8}
PODS = {"alloy-sampler-0": "127.0.0.1:3", "alloy-sampler-1": "127.0.0.1:4"}

CASES = {
    "listens on IPv4": ('endpoint = "0.0.0.0:4317"', 'endpoint = "127.0.0.1:7"'),
    "listens on IPv6": ('endpoint = "[::]:4318"', 'endpoint = "127.0.0.1:8"'),
    "sends to Tempo": (
        'endpoint = "dns:///tempo-distributor-discovery.t.svc.cluster.local:4317"',
        'endpoint = "dns:///127.0.0.1:1"',
    ),
    "sends to others": (
        'default = "recorder.recording.svc:4317"',
        'default = "127.0.0.1:9"',
    ),
    "sends to a pod of another tier": (
        'hostnames = ["alloy-sampler-0.s.t.svc:4317", "alloy-sampler-1.s.t.svc"]',
        'hostnames = ["127.0.0.1:3", "127.0.0.1:4"]',
    ),
    "writes metrics": ('url = "https://mimir.x:443/push"', 'url = "http://127.0.0.1:2/push"'),
    "writes to a URL of its own": ('url = "http://m/api/push"', 'url = "http://n/api/push"'),
    "has no API server": ("wait_for_metadata = false", "passthrough = true"),
    "trusts every sender": (
        'trusted_namespaces = ["beyla"]',
        'trusted_namespaces = ["", "beyla"]',
    ),
    "trusts every sender, and nobody else": (
        "trusted_namespaces = []",
        'trusted_namespaces = [""]',
    ),
    "has the pod's memory limit": ("limit_percentage       = 80", 'limit       = "409MiB"'),
    "has the pod's spike": ("spike_limit_percentage = 15", 'spike_limit = "76MiB"'),
    "signs nothing": (
        'sigv4_auth "default" {\n\tregion = "r"\n}\n'
        'send_to_loki "default" {\n\tauth     = sigv4_auth.default.handler\n}',
        'send_to_loki "default" {\n}',
    ),
    "has no entry from outside": (
        'ingress "default" {\n\tcert_file = "/etc/tls.crt"\n}\nreceive "default" {\n}',
        'receive "default" {\n}',
    ),
    "has the name of its pod": ('{"writer" = constants.hostname}', '{"writer" = "alloy-0"}'),
    "listens for itself": ('endpoint = "localhost:4318"', 'endpoint = "127.0.0.1:8"'),
    "signs no metrics": ('\t\tsigv4 {\n\t\t\tregion = "r"\n\t\t}\n', ""),
    "keeps paths of URLs": ('paths = ["/health", "/-/ready"]', 'paths = ["/health", "/-/ready"]'),
    "keeps statements": ('x = [`set(a["b.c"], "d:1")`]', 'x = [`set(a["b.c"], "d:1")`]'),
    "keeps other strings": ('comment = "At least 1: or 2"', 'comment = "At least 1: or 2"'),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_only_what_the_machine_lacks_changes(text: str, expected: str, tmp_path: Path) -> None:
    tier = Tier(name="alloy", config=text, memory_mib=512)

    assert localized(tier, TO, tmp_path, pod="alloy-0", ports=PORTS, pods=PODS) == expected


def test_files_and_folders_exist(tmp_path: Path) -> None:
    text = 'password_file = "/etc/secrets/PASSWORD"\ndirectory = "/var/lib/alloy/queue"'
    tier = Tier(name="alloy", config=text)

    found = localized(tier, TO, tmp_path, pod="alloy-0", ports=PORTS, pods=PODS)

    assert (tmp_path / "etc-secrets-PASSWORD").is_file()
    assert (tmp_path / "var-lib-alloy-queue").is_dir()
    assert str(tmp_path / "etc-secrets-PASSWORD") in found


def test_tiers_are_the_releases_with_a_configuration() -> None:
    values: dict[str, Any] = {
        "alloy": {
            "configMap": {"content": no_template('a = "{{b}}"')},
            "resources": {"limits": {"memory": "2Gi"}},
            "stabilityLevel": "public-preview",
            "extraEnv": [{"name": "A", "value": "b"}, {"name": "POD", "valueFrom": {}}],
        },
        "controller": {"replicas": 3},
    }
    releases: list[Mapping[str, Any]] = [
        {"name": "tempo", "values": {"tempo": {}}},
        {"name": "alloy", "values": values},
    ]

    assert tiers(releases) == [
        Tier(
            name="alloy",
            config='a = "{{b}}"',
            replicas=3,
            memory_mib=2048,
            stability="public-preview",
            environment={"A": "b", "POD": ""},
        )
    ]


def test_spans_pass_the_gateway_and_then_the_samplers() -> None:
    names = ["alloy-logs", "alloy-sampler", "alloy"]

    values = {"alloy": {"configMap": {"content": "logging {}"}}}

    found = tiers({"name": name, "values": values} for name in names)

    assert [tier.name for tier in found] == ["alloy", "alloy-sampler"]
