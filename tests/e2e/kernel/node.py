"""This machine as a node: pods with a cgroup, a network and processes of their own."""

import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NODE = "node-1"
#: Network of the pods, with the node's own address in it.
_NETWORK, _BRIDGE = "10.213.77.", "tracing-e2e"
ADDRESS = f"{_NETWORK}1"
_PORT = 8080
_CGROUPS = Path("/sys/fs/cgroup")
#: As kubelet and containerd name them with systemd's cgroups, and Beyla reads them.
_PODS = _CGROUPS / "kubepods.slice" / "kubepods-burstable.slice"
#: A user without rights, as in images of applications.
_USER = 65534


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container: its name, its program and the port that it listens on."""

    name: str
    command: Sequence[str]
    port: int = _PORT
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod of a Deployment with one replica."""

    deployment: str
    namespace: str = "shop"
    containers: Sequence[Container]
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Running:
    """A pod that runs.

    Attributes:
        lines: what its containers wrote, by container.
    """

    pod: Pod
    number: int
    lines: Mapping[str, list[str]]

    @property
    def address(self) -> str:
        """Its address."""
        return address(self.number)

    @property
    def name(self) -> str:
        """Its name, as a ReplicaSet of a Deployment gives it."""
        return f"{self._set}-x{self.number:04}"

    @property
    def uid(self) -> str:
        """Its UID."""
        digits = _hex(self.pod.namespace, self.pod.deployment)
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))

    @property
    def _set(self) -> str:
        return f"{self.pod.deployment}-7d9c5b6f4"

    def url(self, path: str = "", container: int = 0) -> str:
        """Return the URL of a container."""
        return f"http://{self.address}:{self.pod.containers[container].port}{path}"

    def id_of(self, container: Container) -> str:
        """Return the id of a container."""
        return _hex(self.uid, container.name)

    def object(self) -> dict[str, Any]:
        """Return the pod as the API server has it."""
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": self._set, "uid": "rs"}
        started = {"startedAt": "2026-11-01T00:00:00Z"}
        return {
            "metadata": {
                "name": self.name,
                "namespace": self.pod.namespace,
                "uid": self.uid,
                "resourceVersion": "1",
                "creationTimestamp": "2026-11-01T00:00:00Z",
                "labels": {"app": self.pod.deployment},
                "annotations": dict(self.pod.annotations),
                "ownerReferences": [{**owner, "controller": True}],
            },
            "spec": {
                "nodeName": NODE,
                "containers": [
                    {
                        "name": each.name,
                        "image": f"{each.name}:1",
                        "env": [{"name": k, "value": v} for k, v in each.environment.items()],
                    }
                    for each in self.pod.containers
                ],
            },
            "status": {
                "phase": "Running",
                "hostIP": ADDRESS,
                "podIP": self.address,
                "podIPs": [{"ip": self.address}],
                "containerStatuses": [
                    {
                        "name": each.name,
                        "containerID": f"containerd://{self.id_of(each)}",
                        "state": {"running": started},
                        "ready": True,
                        "image": f"{each.name}:1",
                        "imageID": "",
                        "restartCount": 0,
                    }
                    for each in self.pod.containers
                ],
            },
        }


def address(number: int) -> str:
    """Return the address of the pod with a number."""
    return f"{_NETWORK}{number + 10}"


def missing() -> str:
    """Return what this machine lacks; empty if it can be a node."""
    if os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "not root on Linux"
    if not Path("/sys/kernel/btf/vmlinux").exists():
        return "the kernel has no BTF"
    tracing = [Path("/sys/bus/event_source/devices") / each for each in ("kprobe", "uprobe")]
    if not all(each.exists() for each in tracing):
        return "the kernel has no kprobes or no uprobes"
    if not (_CGROUPS / "cgroup.controllers").exists():
        return "cgroups are not of version 2"
    programs = (
        "beyla",
        "helm",
        "ip",
        "nsenter",
        "setpriv",
        "unshare",
        "node",
        "go",
        "java",
        "javac",
    )
    if lacking := [each for each in programs if not shutil.which(each)]:
        return f"not on PATH: {', '.join(lacking)}"
    return ""


@contextmanager
def network() -> Generator[None]:
    """Make the network of the pods."""
    _ip("link", "add", _BRIDGE, "type", "bridge")
    try:
        _ip("address", "add", f"{ADDRESS}/24", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        yield
    finally:
        _ip("link", "delete", _BRIDGE)


@contextmanager
def namespace(number: int) -> Generator[str]:
    """Make the network namespace of the pod with a number, and return its name."""
    name, outside = f"{_BRIDGE}-{number}", f"{_BRIDGE}{number}"
    _ip("netns", "add", name)
    try:
        inside = ("type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "add", outside, *inside)
        _ip("link", "set", outside, "master", _BRIDGE, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "address", "add", f"{address(number)}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        yield name
    finally:
        _ip("netns", "delete", name)


@contextmanager
def running(pods: Sequence[Pod]) -> Generator[list[Running]]:
    """Run pods, which are numbered in their order."""
    with ExitStack() as stack:
        yield [stack.enter_context(_pod(pod, number)) for number, pod in enumerate(pods)]


@contextmanager
def cgroup(uid: str, container: str) -> Generator[Path]:
    """Make the cgroup of a container."""
    pod = _PODS / f"kubepods-burstable-pod{uid.replace('-', '_')}.slice"
    made = pod / f"cri-containerd-{container}.scope"
    made.mkdir(parents=True)
    for folder in reversed(made.parents[:4]):
        (folder / "cgroup.subtree_control").write_text("+memory")
    try:
        yield made
    finally:
        for folder in (made, *made.parents[:3]):
            try:
                folder.rmdir()
            except OSError:
                break


@contextmanager
def _pod(pod: Pod, number: int) -> Generator[Running]:
    its = Running(pod, number, {each.name: [] for each in pod.containers})
    with ExitStack() as stack:
        where = stack.enter_context(namespace(number))
        for each in pod.containers:
            group = stack.enter_context(cgroup(its.uid, its.id_of(each)))
            stack.enter_context(_container(its, each, group, where))
        yield its


@contextmanager
def _container(its: Running, container: Container, group: Path, where: str) -> Generator[None]:
    listens = {"LISTEN": f"{its.address}:{container.port}"}
    # Its own processes and file systems, as a container has them. Its output is a pipe.
    command = (
        *("nsenter", f"--net=/run/netns/{where}", "unshare", "--pid", "--fork", "--kill-child"),
        # Written there, 0 is the process that writes: unshare itself stays outside.
        *("--mount-proc", "sh", "-c", f'echo 0 > {group}/cgroup.procs; exec "$@"', "sh"),
        *("setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups", "--no-new-privs"),
        *container.command,
    )
    process = subprocess.Popen(
        command,
        env={**os.environ, **listens, **container.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = its.lines[container.name]

    def read() -> None:
        assert process.stdout
        lines.extend(line.rstrip("\n") for line in process.stdout)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield
    finally:
        # Those that changed their user survive the end of unshare.
        (group / "cgroup.kill").write_text("1")
        process.wait()
        reader.join()


def _hex(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def _ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True)
