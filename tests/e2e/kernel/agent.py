"""Beyla as the container that the rendered DaemonSet describes."""

import shutil
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.beyla.component import BeylaArgs
from components.beyla.values import values
from plan.rehearse.programs import Program, process
from tests.beyla import rendering

from . import node

#: Number of its pod in the network, its UID and the id of its container.
_NUMBER, _UID, _ID = 200, "be71a000-0000-0000-0000-000000000000", "be71a" + 59 * "0"

#: Maps that Beyla leaves on the node.
_PINNED = Path("/sys/fs/bpf/otel")


@dataclass(frozen=True)
class Rendered:
    """What the chart makes of Beyla.

    Attributes:
        pod: specification of its pods.
        config: content of its configuration file.
        allowed: resources and verbs that its role allows.
    """

    pod: dict[str, Any]
    config: str
    allowed: set[tuple[str, str]]


@dataclass(frozen=True)
class Beyla:
    """A running Beyla.

    Attributes:
        address: where its metrics are.
    """

    program: Program
    address: str
    group: Path

    def log(self) -> str:
        """Return its log."""
        return self.program.log.read_text(errors="replace")

    def kernel_mib(self) -> int:
        """Return the memory that the kernel has for it, most of it for eBPF maps."""
        stat = dict(line.split() for line in (self.group / "memory.stat").read_text().splitlines())
        return int(stat["kernel"]) >> 20


def rendered(args: BeylaArgs, charts: Path, folder: Path) -> Rendered:
    """Render the chart."""
    found = rendering.rendered(values(args), charts, folder)
    objects = {kind: each for (kind, _), each in found.items()}
    return Rendered(
        pod=objects["DaemonSet"]["spec"]["template"]["spec"],
        config=objects["ConfigMap"]["data"]["beyla-config.yml"],
        allowed={
            (resource, verb)
            for rule in objects["ClusterRole"]["rules"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        },
    )


@contextmanager
def beyla(made: Rendered, kubeconfig: Path, folder: Path) -> Generator[Beyla]:
    """Run it with the pod's capabilities, mounts, network, memory limit and environment."""
    pod = made.pod
    [container] = pod["containers"]
    file = folder / "beyla-config.yml"
    file.write_text(made.config)
    environment = {each["name"]: each["value"] for each in container["env"]}
    # Outside of a cluster, the files are elsewhere.
    environment |= {"BEYLA_CONFIG_PATH": str(file), "KUBECONFIG": str(kubeconfig)}
    with ExitStack() as stack:
        group = stack.enter_context(node.cgroup(_UID, _ID))
        limit = container["resources"]["limits"]["memory"].removesuffix("Mi")
        (group / "memory.max").write_text(str(int(limit) << 20))
        command = ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"]
        address = node.ADDRESS
        if not pod.get("hostNetwork"):
            network = stack.enter_context(node.namespace(_NUMBER))
            command += ["nsenter", f"--net=/run/netns/{network}"]
            address = node.address(_NUMBER)
        script = "\n".join(_mounts(pod, container, folder))
        command += ["unshare", "--mount", "--cgroup", "sh", "-euc", script, "sh"]
        command += ["setpriv", *_privileges(container["securityContext"]), "beyla"]
        if not _PINNED.exists():
            stack.callback(shutil.rmtree, _PINNED, ignore_errors=True)
        program = stack.enter_context(process(command, folder / "beyla.log", **environment))
        yield Beyla(program, address, group)


def _mounts(pod: Mapping[str, Any], container: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the commands that make a container's file systems and then run the arguments.

    A runtime mounts its own /sys and cgroups, both read-only, so that nothing else that is mounted
    there on the node is in the container.
    """
    sources = {each["name"]: each.get("hostPath", {}).get("path") for each in pod["volumes"]}
    kept = [
        (folder / f"mount-{number}", sources[mount["name"]], mount)
        for number, mount in enumerate(container["volumeMounts"])
        if sources[mount["name"]]
    ]
    lines = ["mount --make-rprivate /"]
    for at, source, _ in kept:
        at.mkdir()
        lines.append(f"mount --bind {source} {at}")
    # Not recursive, so that what is mounted below is not there.
    lines += ["mount --bind /sys /sys", "mount -o remount,bind,ro /sys"]
    lines.append("mount -t cgroup2 -o ro,nosuid,nodev,noexec cgroup2 /sys/fs/cgroup")
    for at, _, mount in kept:
        target = mount["mountPath"]
        lines.append(f"mount --bind {at} {target}")
        if mount.get("readOnly"):
            lines.append(f"mount -o remount,bind,ro {target}")
    lines += ["mount --bind /proc/sys /proc/sys", "mount -o remount,bind,ro /proc/sys"]
    if container["securityContext"].get("readOnlyRootFilesystem"):
        lines.append("mount -o remount,bind,ro /")
    return [*lines, 'exec "$@"']


def _privileges(context: Mapping[str, Any]) -> list[str]:
    """Return the arguments of setpriv for a container's security context."""
    assert context["runAsUser"] == 0
    assert context["capabilities"]["drop"] == ["ALL"]
    added = ",".join(f"+{each.lower()}" for each in context["capabilities"]["add"])
    return [f"--bounding-set=-all,{added}", "--inh-caps=-all", "--ambient-caps=-all"]
