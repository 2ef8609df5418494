"""The tiers of Alloy that a stack's plan renders, on free ports of this machine.

The configuration is the rendered one. Only what a single machine lacks is changed: addresses and
paths, the Kubernetes API, signatures for AWS, and the cgroup from which Alloy reads its memory
limit.
"""

import contextlib
import re
import shutil
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.alloy.sampling.pipeline import POD_NAME
from components.core.helm import from_template
from components.core.names import (
    ALLOY_RELEASE,
    ALLOY_SAMPLER_RELEASE,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    TEMPO_RELEASE,
)
from plan.rehearse.programs import HOST, Program, ProgramError, free_ports, get, process, wait_for

#: A string of Alloy's configuration with an address in it: scheme, host, port, path.
_ADDRESS = re.compile(
    r'"((?:dns:///|https?://)?)(\[[0-9A-Fa-f:]*\]|[A-Za-z0-9][A-Za-z0-9.-]*)(?::(\d{2,5}))?(/[^"]*)?"'
)
_PATH = re.compile(r'\b(\w*_file|filename|directory)(\s*=\s*)"(/[^"]*)"')
#: Addresses that a collector itself listens on.
_LISTENED = re.compile(r'"(0\.0\.0\.0|\[::\]|localhost):(\d+)"')
#: A component that does not start, in Alloy's log: the path of its module, and why.
_NOT_STARTED = re.compile(
    r'msg="failed to start scheduled component" component_path=/?(\S*).* err="((?:\\.|[^"\\])*)"'
)
#: Share of the memory limit that Alloy gives to Go (KimMachineGun/automemlimit, as Alloy uses it).
_GO_SHARE = 0.9


@dataclass(frozen=True, kw_only=True)
class Tier:
    """A Helm release that runs Alloy.

    Attributes:
        config: its configuration.
        replicas: number of its pods.
        memory_mib: memory limit of a pod; None without a limit.
        stability: lowest stability of the components that it may use.
        environment: variables of its pods; those that Kubernetes would fill in are empty.
    """

    name: str
    config: str
    replicas: int = 1
    memory_mib: int | None = None
    stability: str = "generally-available"
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


def tiers(releases: Iterable[Mapping[str, Any]]) -> list[Tier]:
    """Return the tiers that spans pass, in their order: the gateway, then the samplers.

    Another release of Alloy collects the logs of pods, which a single machine has none of.

    Args:
        releases: inputs of a plan's releases.
    """
    found: dict[str, Tier] = {}
    for release in releases:
        values: Mapping[str, Any] = release["values"]
        alloy: Mapping[str, Any] = values.get("alloy", {})
        text = alloy.get("configMap", {}).get("content")
        if not text:
            continue
        limit = alloy.get("resources", {}).get("limits", {}).get("memory")
        variables: list[Mapping[str, Any]] = alloy.get("extraEnv", [])
        found[release["name"]] = Tier(
            name=release["name"],
            config=from_template(text),
            replicas=values.get("controller", {}).get("replicas", 1),
            memory_mib=_mib(limit) if limit else None,
            stability=alloy.get("stabilityLevel", "generally-available"),
            environment={v["name"]: str(v.get("value", "")) for v in variables},
        )
    return [found[name] for name in (ALLOY_RELEASE, ALLOY_SAMPLER_RELEASE) if name in found]


def _mib(quantity: str) -> int:
    units = {"Mi": 1, "Gi": 1024}
    return int(quantity[:-2]) * units[quantity[-2:]]


@dataclass(frozen=True, kw_only=True)
class Destinations:
    """Where the tiers send to on this machine.

    Attributes:
        otlp: host and port that stand for Tempo.
        other: host and port that stand for every other endpoint of OTLP over gRPC.
        http: URL that stands for every URL: metrics, logs, and all that own modules send to.
        urls: URLs for single URLs of the configuration, by their beginning.
    """

    otlp: str
    other: str
    http: str
    urls: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Collector:
    """A running Alloy.

    Attributes:
        ports: its ports by the port in the cluster.
        http: port of its own HTTP server.
    """

    tier: Tier
    number: int
    program: Program
    ports: Mapping[int, int]
    http: int

    @property
    def name(self) -> str:
        """Name of the pod that it stands for."""
        return f"{self.tier.name}-{self.number}"

    @property
    def otlp_grpc(self) -> str:
        """Host and port for OTLP over gRPC."""
        return f"{HOST}:{self.ports[OTLP_GRPC_PORT]}"

    @property
    def otlp_http(self) -> str:
        """URL for OTLP over HTTP."""
        return f"http://{HOST}:{self.ports[OTLP_HTTP_PORT]}"

    def metrics(self) -> str:
        """Return its metrics in Prometheus' text format; empty if it does not answer."""
        return (get(f"http://{HOST}:{self.http}/metrics") or b"").decode()

    def ready(self) -> None:
        """Wait until it is ready.

        Raises:
            ProgramError: it is not; with the errors in its log.
        """

        def probe() -> str | None:
            if not self.program.runs:
                return "stopped"
            return "ready" if get(f"http://{HOST}:{self.http}/-/ready") else None

        if wait_for(f"ready {self.name}", probe) == "stopped":
            raise ProgramError(f"{self.name} does not start:\n{_errors(self.program.log)}")

    def check(self) -> None:
        """Check that all of its components run: with one less, it is ready, and refuses spans.

        Raises:
            ProgramError: one does not start, for example a policy with an error in OTTL.
        """
        if found := _NOT_STARTED.search(self.program.log.read_text(errors="replace")):
            path, reason = found[1], found[2].replace('\\"', '"')
            raise ProgramError(f"{self.name} refuses spans, as {path} does not start: {reason}")


def _errors(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(([line for line in lines if "rror" in line] or lines)[-10:])


def localized(
    tier: Tier,
    to: Destinations,
    folder: Path,
    *,
    pod: str,
    ports: Mapping[int, int],
    pods: Mapping[str, str],
) -> str:
    """Return the configuration of a tier for this machine.

    Args:
        tier: the tier.
        to: where it sends to.
        folder: folder for the files that it reads and writes.
        pod: name of the pod that it stands for.
        ports: ports that it listens on, by the port in the cluster.
        pods: OTLP addresses of the pods of other tiers, by the first label of their host names.
    """

    def address(match: re.Match[str]) -> str:
        scheme, host, port, path = match.groups(default="")
        if _LISTENED.fullmatch(match[0]):
            return match[0]
        if scheme.startswith("http"):
            url = match[0].strip('"')
            for known, instead in to.urls.items():
                if url.startswith(known):
                    return f'"{instead}{url.removeprefix(known)}"'
            return f'"{to.http}{path}"'
        # A name with a dot, or a Service of the same namespace, with a port.
        name = host.partition(".")[0]
        if port and not path:
            outside = to.otlp if name.startswith(TEMPO_RELEASE) else to.other
            return f'"{scheme}{pods.get(name, outside)}"'
        # Hosts of a resolver stand without their port.
        return f'"{pods[name]}"' if name in pods and not path else match[0]

    def path(match: re.Match[str]) -> str:
        local = folder / match[3].strip("/").replace("/", "-")
        if match[1] == "directory":
            local.mkdir(exist_ok=True)
        else:
            local.write_text("rehearsal")
        return f'{match[1]}{match[2]}"{local}"'

    def listened(match: re.Match[str]) -> str:
        return f'"{HOST}:{ports[int(match[2])]}"'

    text = _ADDRESS.sub(address, _PATH.sub(path, _without_credentials(tier.config)))
    text = _LISTENED.sub(listened, text)
    # Series of one pod would replace those of another.
    text = text.replace("constants.hostname", f'"{pod}"')
    # There is no API server: senders keep the attributes that they name themselves.
    text = re.sub(r"wait_for_metadata(\s*)= false", r"passthrough\1= true", text)
    text = re.sub(r"(trusted_namespaces\s*= \[)", r'\1"", ', text).replace('["", ]', '[""]')
    if tier.memory_mib:
        text = _with_limit(text, tier.memory_mib)
    return text


def _with_limit(text: str, mib: int) -> str:
    """Return a configuration whose memory limiter has the limit of the pod, not the machine's."""

    def bytes_of(match: re.Match[str]) -> str:
        name = "spike_limit" if match[1] else "limit"
        return f'{name}{match[2]}= "{mib * int(match[3]) // 100}MiB"'

    return re.sub(r"\b(spike_)?limit_percentage(\s*)= (\d+)", bytes_of, text)


def _without_credentials(text: str) -> str:
    """Return a configuration without what needs credentials or certificates of the cluster.

    These are signatures for AWS, and the entry for senders outside the cluster.
    """
    instances = r'^(?:sigv4_auth|ingress\w*) "\w+" \{\n.*?^\}\n'
    blocks = r"^(\t+)sigv4 \{\n.*?^\1\}\n"
    for pattern in (instances, blocks, r"^\tauth\s*= sigv4_auth\.default\.handler\n"):
        text = re.sub(pattern, "", text, flags=re.MULTILINE | re.DOTALL)
    return text


@contextlib.contextmanager
def running(
    tiers: Sequence[Tier], to: Destinations, folder: Path
) -> Generator[dict[str, list[Collector]]]:
    """Run tiers, each pod of those that others send to; of the first only one.

    The first tier receives from applications. In the cluster its pods share the load, here one has
    all of it.

    Raises:
        ProgramError: one does not start.
    """
    entry, *later = tiers
    started: dict[str, list[Collector]] = {}
    pods: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        # The last tier first: each one needs the addresses of the next.
        for tier, count in (*((t, t.replicas) for t in reversed(later)), (entry, 1)):
            started[tier.name] = [
                stack.enter_context(collector(tier, number, to, folder, pods))
                for number in range(count)
            ]
            for each in started[tier.name]:
                each.ready()
                pods[each.name] = each.otlp_grpc
        yield {tier.name: started[tier.name] for tier in tiers}


@contextlib.contextmanager
def collector(
    tier: Tier, number: int, to: Destinations, folder: Path, pods: Mapping[str, str]
) -> Generator[Collector]:
    """Run one pod of a tier; it may not be ready yet."""
    pod = f"{tier.name}-{number}"
    own = folder / pod
    own.mkdir(parents=True, exist_ok=True)
    listened = sorted({int(p) for _, p in _LISTENED.findall(tier.config)})
    http, *free = free_ports(1 + len(listened))
    ports = dict(zip(listened, free, strict=True))
    file = own / "config.alloy"
    file.write_text(localized(tier, to, own, pod=pod, ports=ports, pods=pods))
    command = [shutil.which("alloy") or "alloy", "run", str(file), "--disable-reporting"]
    command += [f"--server.http.listen-addr={HOST}:{http}", f"--storage.path={own / 'data'}"]
    command += [f"--stability.level={tier.stability}"]
    environment = {**tier.environment, POD_NAME: pod}
    if tier.memory_mib:
        environment["GOMEMLIMIT"] = f"{int(tier.memory_mib * _GO_SHARE)}MiB"
    with process(command, own / "alloy.log", **environment) as program:
        yield Collector(tier=tier, number=number, program=program, ports=ports, http=http)
