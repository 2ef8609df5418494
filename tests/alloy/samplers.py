"""Real samplers, and a gateway in front of them, on free ports of this machine."""

import subprocess
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from components.alloy.component import AlloyArgs
from components.alloy.endpoints import sampler_hosts
from components.alloy.sampling.component import AlloySamplerArgs
from components.alloy.sampling.pipeline import POD_NAME, config
from plan.rehearse import metrics
from plan.rehearse.programs import free_ports, get
from tests.alloy.gateway import Gateway, gateway, running


@dataclass(frozen=True)
class Sampler:
    """A running sampler."""

    endpoint: str
    own: int
    process: subprocess.Popen[bytes]
    log: Path

    def metrics(self) -> str:
        """Return Alloy's own metrics in Prometheus' text format; empty if it does not answer."""
        return (get(f"http://127.0.0.1:{self.own}/metrics") or b"").decode()

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over the series that have some labels."""
        return metrics.total(self.metrics(), name, **labels)


@contextmanager
def sampler(
    args: AlloySamplerArgs, folder: Path, name: str = "alloy-sampler-0", port: int = 0
) -> Generator[Sampler, None, None]:
    """Run one sampler, under the host name of a pod and on a port, or on a free one."""
    grpc, http, own = free_ports(3)
    grpc = port or grpc
    text = config(args)
    for old, new in (("0.0.0.0:4317", grpc), ("0.0.0.0:4318", http)):
        assert text.count(old) == 1
        text = text.replace(old, f"127.0.0.1:{new}")
    folder.mkdir(parents=True, exist_ok=True)
    with running(text, folder, own, (grpc,), {POD_NAME: name}) as process:
        yield Sampler(f"127.0.0.1:{grpc}", own, process, folder / "alloy.log")


@dataclass(frozen=True)
class Pipeline:
    """A gateway with its samplers."""

    gateway: Gateway
    args: AlloySamplerArgs
    samplers: Sequence[Sampler] = field(default_factory=list[Sampler])


@contextmanager
def pipeline(
    args: AlloyArgs, samplers: AlloySamplerArgs, folder: Path, **options: Any
) -> Generator[Pipeline, None, None]:
    """Run the samplers, and a gateway that sends to them."""
    number = samplers.settings.replicas
    args = replace(args, settings=args.settings.model_copy(update={"sampling": samplers.settings}))
    hosts = [f"{host}:4317" for host in sampler_hosts(number, args.namespace)]
    with ExitStack() as stack:
        its = [
            stack.enter_context(
                sampler(samplers, folder / f"sampler-{each}", f"alloy-sampler-{each}")
            )
            for each in range(number)
        ]
        addresses = {host: one.endpoint for host, one in zip(hosts, its, strict=True)}
        (folder / "gateway").mkdir()
        made = stack.enter_context(
            gateway(args, folder / "gateway", addresses=addresses, **options)
        )
        yield Pipeline(made, samplers, its)
