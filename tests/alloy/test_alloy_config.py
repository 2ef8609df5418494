"""The gateway's configuration, read as text."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.alloy import system
from components.alloy.component import AlloyArgs
from components.alloy.pipeline import MODULES, SHARED_MODULE, config
from components.alloy.pod_logs.pipeline import config as pod_logs_config
from components.alloy.sampling.pipeline import config as sampler_config
from components.alloy.settings import AlloySettings
from components.alloy.text import Block, Expression, parse
from components.alloy.writer import expression, instance, literal
from components.backends.credentials import password_file
from components.settings import TracingSettings
from tests.alloy.cases import HOSTILE, LOGS, METRICS, arguments, variants
from tests.alloy.pod_logs_cases import variants as pod_logs_variants
from tests.alloy.sampler_cases import variants as sampler_variants
from tests.stack.variants import CLUSTER
from tests.sweep import sweep

FILES = sorted(MODULES.glob("*.alloy"))
VARIANTS = variants()

each_variant = pytest.mark.parametrize("args", VARIANTS.values(), ids=VARIANTS.keys())

_ESCAPE = re.compile(r'\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|([nrtbf"\\]))')
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}


def unquote(text: str) -> str:
    """Read a string of Alloy back, as Go's strconv.Unquote does."""
    inside = text[1:-1]
    assert text == f'"{inside}"'
    assert not re.search(r'["\\]', _ESCAPE.sub("", inside))
    return _ESCAPE.sub(
        lambda m: _SHORT[m[3]] if m[3] else chr(int(m[1] or m[2], 16)),
        inside,
    )


def uses(text: str) -> dict[str, Block]:
    """Return the instances of modules by the module's name."""
    return {block.name: block for block in parse(text).blocks if block.name != "declare"}


def declares(text: str) -> dict[str, Block]:
    return {block.label or "": block for block in parse(text).named("declare")}


@sweep("text", HOSTILE)
def test_a_hostile_string_stays_one_string(text: str) -> None:
    assert unquote(literal(text)) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_string_stays_one_string(text: str) -> None:
    written = literal(text)

    assert unquote(written) == text
    assert re.fullmatch(r"[ -~]*", written)
    assert "{{" not in written


def test_values_are_written_as_alloy_writes_them() -> None:
    assert expression(Expression("a.b.input")) == "a.b.input"
    assert expression(7) == "7"
    assert expression(["x", Expression("y.z")]) == '["x", y.z]'
    assert expression([]) == "[]"
    assert expression({"X-A": "b"}) == '{"X-A" = "b"}'


def test_a_backend_without_sign_in_changes_no_module() -> None:
    text = config(arguments(metrics=METRICS, logs=LOGS))

    for name in ("remote_write", "send_to_loki"):
        assert (MODULES / f"{name}.alloy").read_text() in text
    assert "without authentication" not in config(VARIANTS["all-signed"])


def test_an_instance_aligns_its_arguments() -> None:
    assert instance("m", "l", {"a": "x", "long": 1}) == 'm "l" {\n\ta    = "x"\n\tlong = 1\n}\n'


@each_variant
def test_every_module_is_declared_once_and_used_once(args: AlloyArgs) -> None:
    blocks = parse(config(args)).blocks
    declared = [block.label for block in blocks if block.name == "declare"]
    # Tenants have instances of two modules each.
    used = [*dict.fromkeys(block.name for block in blocks if block.name != "declare")]

    # What the modules share comes first and is not used by itself.
    assert declared == [SHARED_MODULE, *used]
    assert len(set(declared)) == len(declared)


def test_every_module_file_is_used_somewhere() -> None:
    used = {name for args in VARIANTS.values() for name in uses(config(args))}
    used |= {name for args in sampler_variants().values() for name in uses(sampler_config(args))}
    used |= {name for args in pod_logs_variants().values() for name in uses(pod_logs_config(args))}

    # One of the samplers' has a module of its own.
    assert {file.stem for file in FILES} == used - {"redact"} | {SHARED_MODULE}


@sweep("file", FILES, ids=lambda file: file.stem)
def test_a_module_file_declares_the_module_of_its_name(file: Path) -> None:
    text = file.read_text()

    assert list(declares(text)) == [file.stem]
    assert text.startswith("// ")
    assert "{{" not in text


@each_variant
def test_every_instance_gives_the_arguments_its_module_takes(args: AlloyArgs) -> None:
    text = config(args)
    modules = declares(text)

    for name, block in uses(text).items():
        taken = modules[name].named("argument")
        needed = {a.label for a in taken if a.attributes.get("optional") != "true"}
        assert needed <= set(block.attributes) <= {a.label for a in taken}


@each_variant
def test_every_reference_leads_to_an_export(args: AlloyArgs) -> None:
    text = config(args)
    used = [block for block in parse(text).blocks if block.name != "declare"]
    modules = declares(text)
    exports = {
        f"{use.name}.{use.label}.{export.label}"
        for use in used
        for export in modules[use.name].named("export")
    }
    given = " ".join(value for use in used for value in use.attributes.values())
    references = set(
        re.findall(
            r"\b[a-z0-9_]+\.(?:default|tenant_\d+|tempo_default|loki_default)\.[a-z_]+\b",
            re.sub(r'"(?:\\.|[^"\\])*"', "", given),
        )
    )

    assert references
    assert references == exports


@each_variant
def test_every_argument_of_a_module_is_read_in_it(args: AlloyArgs) -> None:
    for module in declares(config(args)).values():
        read = " ".join(v for b in module.walk() for v in b.attributes.values())
        for argument in module.named("argument"):
            assert f"argument.{argument.label}.value" in read


@each_variant
def test_the_text_holds_nothing_that_helm_would_act_on(args: AlloyArgs) -> None:
    assert "{{" not in config(args)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_no_text_of_a_user_changes_the_structure(paths: list[str], name: str) -> None:
    args = arguments(
        settings=AlloySettings().model_copy(update={"ignored_paths": paths}),
        cluster_name=name,
        environment=name,
        tenant=name,
    )
    made = uses(config(args))

    assert list(made) == list(uses(config(arguments(tenant="t"))))
    assert unquote(made["enrich"].attributes["cluster"]) == name
    assert unquote(made["enrich"].attributes["environment"]) == name
    assert "{{" not in config(args)


def test_user_text_reaches_ottl_only_quoted() -> None:
    # %q quotes; %s takes what the module ottl_list wrote, quotes escaped, and nothing else.
    attributes = [
        value
        for file in FILES
        for block in parse(file.read_text()).walk()
        for value in block.attributes.values()
    ]
    calls = [
        call
        for value in attributes
        for call in re.findall(r"string\.format \( `([^`]*)` , ([\w.]+) \)", value)
    ]

    assert len(calls) == sum(value.count("string.format") for value in attributes) > 5
    for text, value in calls:
        assert re.findall("%.", text) == ["%s" if value.startswith("ottl_list.") else "%q"]


def test_a_signal_without_a_backend_is_not_accepted() -> None:
    signals = {"traces", "logs", "metrics"}

    def accepted(args: AlloyArgs) -> set[str]:
        return signals & set(uses(config(args))["receive"].attributes)

    assert accepted(arguments()) == {"traces"}
    assert accepted(arguments(logs=LOGS)) == {"traces", "logs"}
    assert accepted(arguments(metrics=METRICS)) == {"traces", "metrics"}
    assert accepted(arguments(metrics=METRICS, logs=LOGS)) == signals


@pytest.mark.parametrize(
    ("balance", "endpoint", "balancer"),
    [(False, "tempo:4317", "pick_first"), (True, "dns:///tempo:4317", "round_robin")],
)
def test_batches_are_spread_over_a_headless_service(
    balance: bool, endpoint: str, balancer: str
) -> None:
    tempo = uses(config(arguments(tempo_endpoint="tempo:4317", balance=balance)))["send_to_tempo"]

    assert unquote(tempo.attributes["endpoint"]) == endpoint
    assert unquote(tempo.attributes["balancer"]) == balancer


def test_the_tenant_is_sent_as_a_header() -> None:
    assert "headers" not in uses(config(arguments()))["send_to_tempo"].attributes

    tempo = uses(config(arguments(tenant="team-a")))["send_to_tempo"]
    assert tempo.attributes["headers"] == '{ "X-Scope-OrgID" = "team-a" }'


def test_passwords_come_from_files_of_the_secret() -> None:
    """An argument of a module is shown in Alloy's web interface."""
    text = config(VARIANTS["all-signed"])
    made = uses(text)
    [file] = declares(text)["basic_auth"].named("local.file")

    logs, metrics = password_file("logs"), password_file("metrics")
    [endpoint] = declares(text)["remote_write"].blocks[-1].named("endpoint")
    [basic] = endpoint.named("basic_auth")

    assert unquote(made["basic_auth"].attributes["password_file"]) == logs
    assert file.attributes["is_secret"] == "true"
    assert made["send_to_loki"].attributes["auth"] == "basic_auth.default.handler"
    assert unquote(basic.attributes["password_file"]) == metrics
    assert "sys.env" not in text
    assert "basic_auth" not in config(VARIANTS["logs"])
    assert "basic_auth" not in config(VARIANTS["metrics"])


def test_the_largest_grpc_request_follows_the_setting() -> None:
    receive = uses(config(arguments(settings=AlloySettings(max_request_mib=16))))["receive"]

    assert receive.attributes["max_grpc_request"] == '"16MiB"'


@pytest.mark.parametrize("trust", [False, True])
def test_connections_of_no_pod_are_trusted_only_on_request(trust: bool) -> None:
    args = arguments(trusted_namespaces=["collectors"], trust_unidentified=trust)

    trusted = uses(config(args))["add_kubernetes"].attributes["trusted_namespaces"]
    assert trusted == ('[ "collectors" , "" ]' if trust else '[ "collectors" ]')


@pytest.mark.parametrize(
    ("propagation", "setting", "trusted"),
    [
        ("disabled", None, False),
        ("disabled", True, True),
        # Beyla sends from the host network then.
        ("headers", None, True),
        ("headers", True, True),
    ],
)
def test_beyla_in_the_host_network_is_trusted(
    propagation: str, setting: bool | None, trusted: bool
) -> None:
    settings = TracingSettings.model_validate(
        {
            "environment": {"name": "qa"},
            "cluster": CLUSTER,
            "beyla": {"namespaces": ["shop"], "contextPropagation": propagation},
            "alloy": {"trustUnidentified": setting},
        }
    )

    args = system.args(settings, has_credentials=False)
    assert args.trust_unidentified is trusted
