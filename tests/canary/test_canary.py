"""The canary: values, what Alloy keeps of the stack's own spans, and Tempo Vulture itself."""

import contextlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.canary.system import args
from components.canary.values import values
from components.checks.validate import validate
from components.core.helm import TEMPO_VULTURE as CHART
from components.core.names import CANARY_RELEASE
from components.telemetry.metrics import CanaryMetric
from components.tempo.settings import TempoMode
from plan import needs
from plan.cost.usage import usage
from plan.rehearse.collectors import Destinations, collector, tiers
from plan.rehearse.metrics import total
from plan.rehearse.programs import HOST, free_ports, get, process, wait_for
from plan.rehearse.tempo import moved, ready, tempo
from tests.checks.test_rules import settings, stack_file
from tests.contracts.check import unknown_keys
from tests.examples import features
from tests.helm import TEMPLATE
from tests.tempo.cases import arguments
from tests.tempo.rendering import (
    needs_chart,
    needs_charts,
    of_kind,
    packaged,
    render,
    tempo_config,
)
from tests.tempo.running import s3_stand_in

PROGRAMS = {2: "tempo", 3: "tempo-3"}


def canary(**groups: Any) -> Any:
    return args(settings(canary={"enabled": True}, **groups))


def test_the_chart_knows_every_value() -> None:
    placed = {"priorityClass": "p", "podLabels": {"a": "b"}, "imagePullSecrets": ["s"]}
    for its in (canary(), canary(placement=placed, grafana={"serviceMonitor": {"enabled": True}})):
        assert unknown_keys(CHART.name, CHART.version, values(its)) == []


def test_it_asks_as_the_tenant_that_grafana_reads() -> None:
    assert "-tempo-org-id=team-a" in values(canary(tempo={"tenant": "team-a"}))["extraArgs"]


def test_it_needs_every_trace() -> None:
    sampling = {"mode": "on", "keep": {"percent": 10}}
    _, found = validate(stack_file(canary={"enabled": True}, alloy={"sampling": sampling}))
    assert [each.key for each in found if "drops some" in each.message] == ["canary.enabled"]


def test_its_requests_to_the_bucket_cost() -> None:
    load = {"spansPerSecond": 100}
    without, once, half = (
        usage(settings(load=load, canary=of)).s3_reads or 0
        for of in ({}, {"enabled": True}, {"enabled": True, "intervalSeconds": 120})
    )
    # Four look-ups of old traces in two minutes, with 20 reads each, in 730 hours.
    assert once - without == pytest.approx(30 * 4 * 20 * 730)
    assert half - without == pytest.approx((once - without) / 2)


@needs_charts
@needs_chart(CHART)
def test_the_pod_is_restricted_and_scraped(tmp_path: Path) -> None:
    its = canary(grafana={"serviceMonitor": {"enabled": True, "labels": {"release": "p"}}})
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values(its)))
    options = ["--namespace", its.namespace, "--values", str(file)]
    done = subprocess.run(
        [*TEMPLATE, CANARY_RELEASE, packaged(CHART), *options],
        capture_output=True,
        text=True,
        check=True,
    )
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    [pod] = [o["spec"]["template"]["spec"] for o in of_kind(objects, "Deployment").values()]
    assert pod["securityContext"]["runAsNonRoot"]
    [container] = pod["containers"]
    assert container["image"] == "docker.io/grafana/tempo-vulture:3.0.3"
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["resources"]["limits"]["memory"] == "192Mi"
    assert "-tempo-push-url=http://alloy.tracing.svc.cluster.local:4317" in container["args"]
    [monitor] = of_kind(objects, "PodMonitor").values()
    assert monitor["metadata"]["name"] == CANARY_RELEASE
    assert monitor["metadata"]["labels"]["release"] == "p"


@pytest.mark.slow
@needs_charts
@pytest.mark.skipif(
    not all(map(shutil.which, ("alloy", "tempo-vulture", *PROGRAMS.values()))),
    reason="needs alloy, tempo-vulture, tempo and tempo-3 on PATH",
)
@pytest.mark.parametrize("major", PROGRAMS)
def test_tempo_vulture_finds_what_it_sent_through_alloy(major: int, tmp_path: Path) -> None:
    """Then Tempo goes away, and it counts that too."""
    made = features.plan("canary")
    releases = [release.inputs for release, _ in needs.releases(made)]
    [tier] = [each for each in tiers(releases) if each.name == "alloy"]
    bucket = arguments(TempoMode.MONOLITHIC).bucket
    with contextlib.ExitStack() as stack:
        s3 = stack.enter_context(s3_stand_in(tmp_path, bucket))
        its = arguments(
            TempoMode.MONOLITHIC, version=major, size="xs", metrics=None, storage_endpoint=s3
        )
        config, ports = moved(tempo_config(render(its, tmp_path)), tmp_path)
        running = stack.enter_context(tempo(config, tmp_path, program=PROGRAMS[major]))
        ready(ports)
        otlp = f"{HOST}:{ports['otlp_grpc']}"
        to = Destinations(otlp=otlp, other=otlp, http=f"http://{HOST}:{free_ports(1)[0]}")
        alloy = stack.enter_context(collector(tier, 0, to, tmp_path, {}))
        alloy.ready()
        [own] = free_ports(1)
        arguments_of = values(canary())["extraArgs"]
        # A test doesn't wait for minutes.
        quick = [re.sub(r"=(60|120)s$", "=5s", each) for each in arguments_of]
        command = [
            "tempo-vulture",
            f"-prometheus-listen-address={HOST}:{own}",
            f"-tempo-push-url=http://{alloy.otlp_grpc}",
            f"-tempo-query-url=http://{HOST}:{ports['http']}",
            *quick,
        ]
        stack.enter_context(process(command, tmp_path / "vulture.log"))

        def counted(name: str, **labels: str) -> float:
            return total((get(f"http://{HOST}:{own}/metrics") or b"").decode(), name, **labels)

        wait_for("look-ups", lambda: counted(CanaryMetric.CHECKED) >= 8, 240)
        # A trace of the quick test is too young for a search, which takes some seconds to find it.
        for kind in ("notfound_byid", "missingspans", "requestfailed"):
            assert counted(CanaryMetric.ERRORS, error=kind) == 0
        running.kill()
        wait_for(
            "failed requests", lambda: counted(CanaryMetric.ERRORS, error="requestfailed") > 0, 60
        )
