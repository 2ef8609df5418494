"""Tempo, Prometheus, Alloy and a stand-in for S3, on free ports of 127.0.0.1."""

import contextlib
import subprocess
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from components.core.names import TEMPO_RELEASE
from components.tempo.settings import TempoMode
from plan.rehearse import collectors
from plan.rehearse.collectors import Destinations
from plan.rehearse.programs import HOST, get, process, wait_for
from plan.rehearse.tempo import moved, ready, tempo
from tests.e2e.answers.planned import Planned
from tests.tempo.running import s3_stand_in

#: Parts of a distributed Tempo; as many ingesters as there are copies of a span.
_PARTS = (
    *("ingester",) * 3,
    "distributor",
    "querier",
    "query-frontend",
    "compactor",
    "metrics-generator",
)


@dataclass(frozen=True)
class Scraped:
    """A pod that Prometheus scrapes, with the labels that a ServiceMonitor would give it."""

    job: str
    pod: str
    port: int


@dataclass
class Running:
    """Where the programs are.

    Attributes:
        prometheus: URL of Prometheus.
        tempo: URL of Tempo's query API.
        otlp: URL that the shop sends to.
        scraped: pods that are scraped.
        ingesters: URLs of Tempo's ingesters.
        s3: URL of the stand-in for S3.
    """

    prometheus: str
    tempo: str = ""
    otlp: str = ""
    scraped: list[Scraped] = field(default_factory=list[Scraped])
    ingesters: list[str] = field(default_factory=list[str])
    s3: str = ""


@contextlib.contextmanager
def prometheus(port: int, folder: Path) -> Generator[None]:
    """Run Prometheus, which takes remote writes; pods and rules come later."""
    file = configure(folder, [], "", [])
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address={HOST}:{port}", "--web.enable-lifecycle"]
    command += ["--web.enable-remote-write-receiver", "--enable-feature=exemplar-storage"]
    with process(command, folder / "prometheus.log"):
        wait_for("Prometheus", lambda: get(f"http://{HOST}:{port}/-/ready"))
        yield


def configure(
    folder: Path, pods: list[Scraped], namespace: str, groups: list[dict[str, Any]]
) -> Path:
    """Write what Prometheus scrapes and which rules it evaluates; all of it every few seconds."""
    rules = folder / "rules.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{**group, "interval": "5s"} for group in groups]}))
    scrapes = [
        {
            "job_name": pod.pod,
            "static_configs": [
                {
                    "targets": [f"{HOST}:{pod.port}"],
                    "labels": {"job": pod.job, "namespace": namespace, "pod": pod.pod},
                }
            ],
        }
        for pod in pods
    ]
    file = folder / "prometheus.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
                "storage": {"exemplars": {"max_exemplars": 100_000}},
                "scrape_configs": scrapes,
                "rule_files": [str(rules)],
            }
        )
    )
    return file


def check_rules(groups: list[dict[str, Any]], folder: Path) -> str:
    """Return what promtool says against rules; nothing if it takes them."""
    file = folder / "checked.yaml"
    file.write_text(yaml.safe_dump({"groups": groups}))
    command = ["promtool", "check", "rules", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip() if done.returncode else ""


@contextlib.contextmanager
def tempos(planned: Planned, charts: Path, folder: Path, running: Running) -> Generator[None]:
    """Run Tempo as the plan renders it, and say where it is."""
    config = planned.tempo_config(charts)
    bucket = planned.settings.bucket
    with s3_stand_in(folder, bucket) as s3, contextlib.ExitStack() as stack:
        running.s3 = s3
        stand_in = {"endpoint": urlsplit(s3).netloc, "insecure": True, "forcepathstyle": True}
        config["storage"]["trace"]["s3"] |= stand_in
        # By default Tempo looks at the bucket every five minutes.
        config["storage"]["trace"]["blocklist_poll"] = "5s"
        if planned.settings.tempo.mode is TempoMode.MONOLITHIC:
            local, ports = moved(config, folder)
            stack.enter_context(tempo(local, folder))
            ready(ports)
            http = f"http://{HOST}:{ports['http']}"
            running.tempo, running.ingesters = http, [http]
            running.otlp = f"http://{HOST}:{ports['otlp_grpc']}"
            running.scraped.append(Scraped(TEMPO_RELEASE, f"{TEMPO_RELEASE}-0", ports["http"]))
        else:
            _parts(planned.settings.namespaces.tracing, config, folder, running, stack)
        yield


def _parts(
    namespace: str,
    config: dict[str, Any],
    folder: Path,
    running: Running,
    stack: contextlib.ExitStack,
) -> None:
    """Run the parts of a distributed Tempo, joined as the Services of a cluster join them."""
    made: list[tuple[str, Path, dict[str, Any], dict[str, int]]] = []
    for number, part in enumerate(_PARTS):
        own = folder / f"{part}-{number}"
        own.mkdir()
        made.append((part, own, *moved(config, own)))
    ports = {part: its for part, _, _, its in made}
    members = [f"{HOST}:{its['gossip']}" for _, _, _, its in made]
    for part, own, local, its in made:
        local["memberlist"] |= {"join_members": members, "advertise_addr": HOST}
        local["memberlist"]["advertise_port"] = its["gossip"]
        worker = local["querier"].setdefault("frontend_worker", {})
        worker["frontend_address"] = f"{HOST}:{ports['query-frontend']['grpc']}"
        stack.enter_context(tempo(local, own, part))
        running.scraped.append(Scraped(f"{namespace}/{part}", f"tempo-{own.name}", its["http"]))
    for part, _, _, its in made:
        ready(its)
        if part == "ingester":
            running.ingesters.append(f"http://{HOST}:{its['http']}")
    running.tempo = f"http://{HOST}:{ports['query-frontend']['http']}"
    running.otlp = f"http://{HOST}:{ports['distributor']['otlp_grpc']}"


@contextlib.contextmanager
def alloy(planned: Planned, folder: Path, running: Running) -> Generator[None]:
    """Run the tiers of Alloy between the shop and Tempo, with the plan's configuration."""
    otlp = running.otlp.removeprefix("http://")
    to = Destinations(otlp=otlp, other=otlp, http=running.prometheus)
    with collectors.running(planned.tiers, to, folder) as started:
        for tier, its in started.items():
            running.scraped += [Scraped(tier, each.name, each.http) for each in its]
        entry, *_ = started.values()
        running.otlp = f"http://{entry[0].otlp_grpc}"
        yield
