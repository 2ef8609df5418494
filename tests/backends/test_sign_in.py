"""How Tempo, Alloy and Grafana sign in to a backend."""

import re
from typing import Any

import pytest

from components.alloy.pipeline import config
from components.alloy.text import Block, parse
from components.alloy.values import values as alloy_values
from components.backends.credentials import ca_file, password_file
from components.backends.settings import LogsSettings, MetricsSettings, ProfilesSettings
from components.checks import SettingsError, credentials
from components.checks.validate import parse_settings, validate
from components.checks.warnings import warnings
from components.grafana import datasources
from components.tempo import component as tempo
from components.tempo.config import remote_write
from components.tempo.settings import TempoMode
from tests.alloy.cases import arguments as alloy_arguments
from tests.backends.sign_ins import SIGN_INS
from tests.checks.test_rules import settings, stack_file
from tests.sweep import sweep
from tests.tempo.cases import arguments as tempo_arguments

METRICS = {"url": "https://m.example.com", "remoteWriteUrl": "https://m.example.com/push"}
LOGS = {"otlpUrl": "https://l.example.com/otlp", "url": "https://l.example.com"}
OWN = "tracing-backend-credentials"

#: What an endpoint of remote write has on top of its URL.
ENDPOINTS: dict[str, dict[str, Any]] = {
    "none": {},
    "basic": {"basic_auth": {"username": "writer", "password_file": password_file("metrics")}},
    "bearer": {"authorization": {"type": "Bearer", "credentials_file": password_file("metrics")}},
    "existing Secret": {
        "basic_auth": {"username": "writer", "password_file": password_file("metrics")}
    },
    "tenant": {"headers": {"X-Scope-OrgID": "team-a"}},
    "authority in a ConfigMap": {"tls_config": {"ca_file": ca_file("metrics")}},
    "all": {
        "headers": {"X-Scope-OrgID": "team-a"},
        "authorization": {"type": "Bearer", "credentials_file": password_file("metrics")},
        "tls_config": {"ca_file": ca_file("metrics")},
    },
}
#: Sources of the mounted files: kind, name and key of the object.
MOUNTED: dict[str, list[tuple[str, str, str]]] = {
    "none": [],
    "basic": [("secret", OWN, "{}_PASSWORD")],
    "bearer": [("secret", OWN, "{}_PASSWORD")],
    "existing Secret": [("secret", "from-vault", "password")],
    "tenant": [],
    "authority in a ConfigMap": [("configMap", "company-ca", "ca.crt")],
    "all": [("secret", "from-vault", "token"), ("secret", "company-ca", "root.pem")],
}
#: jsonData, the rest of the datasource, and its secrets.
DATASOURCES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]] = {
    "none": ({}, {}, None),
    "basic": (
        {},
        {"basicAuth": True, "basicAuthUser": "writer"},
        {"basicAuthPassword": "hunter2"},
    ),
    "bearer": (
        {"httpHeaderName1": "Authorization"},
        {},
        {"httpHeaderValue1": "Bearer hunter2"},
    ),
    "tenant": ({"httpHeaderName1": "X-Scope-OrgID"}, {}, {"httpHeaderValue1": "team-a"}),
}

each_sign_in = sweep("name", SIGN_INS)


def metrics(name: str) -> MetricsSettings:
    return MetricsSettings.model_validate(METRICS | SIGN_INS[name])


def logs(name: str) -> LogsSettings:
    return LogsSettings.model_validate(LOGS | SIGN_INS[name])


def written(block: Block) -> dict[str, Any]:
    """Return a block of Alloy as a mapping, with its strings unquoted."""
    found: dict[str, Any] = {inner.name: written(inner) for inner in block.blocks}
    for name, text in block.attributes.items():
        strings = re.findall(r'"([^"]*)"', text)
        found[name] = dict([strings]) if text.startswith("{") else (strings or [text])[0]
    return found


def module(text: str, name: str) -> Block:
    [found] = [block for block in parse(text).named("declare") if block.label == name]
    return found.blocks[-1]


@each_sign_in
def test_tempo_and_alloy_write_metrics_with_the_same_sign_in(name: str) -> None:
    wanted = ENDPOINTS[name]
    [target] = remote_write(tempo_arguments(TempoMode.MONOLITHIC, metrics=metrics(name)))
    assert target == {"url": METRICS["remoteWriteUrl"], "send_exemplars": True, **wanted}

    text = config(alloy_arguments(metrics=metrics(name), credentials_secret=OWN))
    [endpoint] = module(text, "remote_write").named("endpoint")
    assert written(endpoint) == {"url": "argument.url.value", "send_exemplars": "true", **wanted}


@each_sign_in
def test_alloy_writes_logs_with_the_same_sign_in(name: str) -> None:
    text = config(alloy_arguments(logs=logs(name), credentials_secret=OWN))
    [client] = module(text, "send_to_loki").named("client")
    its, metric = written(client), ENDPOINTS[name]
    assert its.get("headers") == metric.get("headers")
    assert ("tls" in its) == ("tls_config" in metric)
    assert its.get("tls", {"ca_file": ca_file("logs")}) == {"ca_file": ca_file("logs")}
    handlers = {"basic_auth": "basic_auth", "authorization": "bearer_auth"}
    [*used] = [handlers[key] for key in metric if key in handlers]
    sender = parse(text).named("send_to_loki")[0]
    assert sender.attributes.get("auth") == (f"{used[0]}.default.handler" if used else None)
    for signs in used:
        assert f'"{password_file("logs")}"' in parse(text).named(signs)[0].attributes.values()


def mounted(volumes: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    return [
        (kind, source["name"], item["key"], item["path"])
        for volume in volumes
        for projected in volume.get("projected", {}).get("sources", [])
        for kind, source in projected.items()
        for item in source["items"]
    ]


def files(name: str, writer: str) -> list[tuple[str, str, str, str]]:
    """Return the sources of a backend's files and the files' names."""
    made: list[tuple[str, str, str, str]] = []
    for kind, source, key in MOUNTED[name]:
        what = "CA" if source == "company-ca" else "PASSWORD"
        made.append((kind, source, key.format(writer), f"{writer}_{what}"))
    return made


@each_sign_in
def test_pods_mount_the_files_that_they_read(name: str) -> None:
    args = alloy_arguments(metrics=metrics(name), logs=logs(name), credentials_secret=OWN)
    alloy = alloy_values(args)
    assert mounted(alloy["controller"]["volumes"]["extra"]) == [
        *files(name, "METRICS"),
        *files(name, "LOGS"),
    ]
    assert len(alloy["alloy"]["mounts"]["extra"]) == (2 if MOUNTED[name] else 1)
    for mode in TempoMode:
        made = tempo.values(tempo_arguments(mode, metrics=metrics(name), credentials_secret=OWN))
        pod = made["metricsGenerator"] if mode is TempoMode.DISTRIBUTED else made | made["tempo"]
        assert mounted(pod["extraVolumes"]) == files(name, "METRICS")
        assert len(pod["extraVolumeMounts"]) == bool(MOUNTED[name])


@sweep("name", DATASOURCES)
def test_grafana_signs_in_as_the_writers_do(name: str) -> None:
    keys = SIGN_INS[name]
    plain = {"url": "https://p.example.com"}
    for made, bare in (
        (
            datasources.metrics(metrics(name), tempo_uid="tempo", password="hunter2"),
            datasources.metrics(metrics("none"), tempo_uid="tempo", password=None),
        ),
        (
            datasources.loki(logs(name), tempo_uid="tempo", password="hunter2"),
            datasources.loki(logs("none"), tempo_uid="tempo", password=None),
        ),
        (
            datasources.pyroscope(
                ProfilesSettings.model_validate(plain | keys), password="hunter2"
            ),
            datasources.pyroscope(ProfilesSettings.model_validate(plain), password=None),
        ),
    ):
        data, rest, secure = DATASOURCES[name]
        wanted = {**bare, "jsonData": bare["jsonData"] | data, **rest}
        assert made == wanted | ({"secureJsonData": secure} if secure else {})


def test_a_tenant_and_a_token_are_two_headers() -> None:
    made = datasources.metrics(metrics("all"), tempo_uid="tempo", password="hunter2")
    names = {k: v for k, v in made["jsonData"].items() if k.startswith("httpHeader")}
    assert names == {"httpHeaderName1": "X-Scope-OrgID", "httpHeaderName2": "Authorization"}
    assert made["secureJsonData"] == {
        "httpHeaderValue1": "team-a",
        "httpHeaderValue2": "Bearer hunter2",
    }


SECRET = {"name": "s", "key": "k"}
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("metrics.username", "has no effect", {"auth": "bearer", "username": "u"}),
    ("metrics.username", "has no effect", {"auth": "none", "username": "u"}),
    ("metrics.username", "is missing", {"auth": "basic"}),
    ("metrics.existingSecret", "has no effect", {"existingSecret": SECRET}),
    ("metrics.ca", "needs either", {"ca": {}}),
    ("metrics.ca", "needs either", {"ca": {"configMap": "a", "secret": "b"}}),
    (
        "metrics.ca",
        "has no effect with http:",
        {"ca": {"configMap": "a"}, "remoteWriteUrl": "http://m/push"},
    ),
    (
        "metrics.createDatasource",
        "create the datasource yourself",
        {"username": "u", "existingSecret": SECRET, "createDatasource": True},
    ),
    (
        "metrics.existingSecret.key",
        "must be a key of",
        {"existingSecret": {"name": "s", "key": ""}},
    ),
    ("metrics.auth", "must be one of none, basic, bearer", {"auth": "digest"}),
]


@sweep(("key", "said", "keys"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused_by_its_key_alone(key: str, said: str, keys: dict[str, Any]) -> None:
    _, problems = validate(stack_file(backends={"metrics": METRICS | keys}))
    assert [p.key for p in problems] == [f"backends.{key}"]
    assert said in problems[0].message


@pytest.mark.parametrize(
    ("key", "said", "keys", "given"),
    [
        ("backends.metrics.username", "--secret tracing:metricsPassword", {"username": "u"}, False),
        ("backends.metrics.auth", "needs a token", {"auth": "bearer"}, False),
        ("metricsPassword", "needs a user", {"auth": "none"}, True),
        (
            "metricsPassword",
            "contradicts backends.metrics.existingSecret",
            {"auth": "bearer", "existingSecret": SECRET},
            True,
        ),
    ],
)
def test_a_password_is_in_one_place(key: str, said: str, keys: dict[str, Any], given: bool) -> None:
    password = {"metricsPassword": "hunter2"} if given else {}
    [found] = credentials(settings(backends={"metrics": METRICS | keys}), password)
    assert found.key == key
    assert said in found.message
    assert "hunter2" not in str(found)


@each_sign_in
def test_every_sign_in_is_accepted(name: str) -> None:
    groups = stack_file(backends={"metrics": METRICS | SIGN_INS[name], "logs": LOGS})
    found = parse_settings(groups)
    needed = any(key.endswith("_PASSWORD") for _, _, key in MOUNTED[name])
    assert list(credentials(found, {"metricsPassword": "x"} if needed else {})) == []


def test_profiles_are_only_read() -> None:
    with pytest.raises(SettingsError, match=r"backends\.profiles\.ca"):
        parse_settings(stack_file(backends={"profiles": {"ca": {"configMap": "a"}}}))


def test_what_has_no_effect_is_warned_of() -> None:
    keys = {"ca": {"configMap": "a"}, "createDatasource": True}
    found = "\n".join(
        warnings(settings(backends={"metrics": METRICS | keys, "profiles": {"tenant": "a"}}))
    )
    assert "backends.profiles.tenant has no effect" in found
    assert "backends.metrics.ca: the datasource" in found
