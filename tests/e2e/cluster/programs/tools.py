"""What is done from inside a pod: python tools.py COMMAND ...; prints JSON.

`wait` stays until it is stopped, `connect HOST:PORT ...` tells which ports take a connection,
`log URL TRACE_ID TEXT` sends a log record of a trace. The others need a privileged pod that sees
the node's processes: `kill ID ...`, `stop` and `continue` signal the processes of containers,
`pause NAME SECONDS` stops all processes of a name for a while, `mount PATH MEBIBYTES` puts a small
file system on a folder of the node, `unmount PATH` takes it away from later pods, `fill ID FOLDER`
fills the file system of a folder in a container, and `empty ID FOLDER` frees it again. Runs without
the project.
"""

import contextlib
import ctypes
import functools
import json
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType


def stop(number: int, frame: FrameType | None) -> None:
    """End at once."""
    os._exit(0)


def connect(*pairs: str) -> dict[str, str]:
    """Return what came of a connection to each `host:port`."""
    found: dict[str, str] = {}
    for pair in pairs:
        host, _, port = pair.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=3):
                found[pair] = "open"
        except OSError as error:
            found[pair] = type(error).__name__
    return found


def log(url: str, trace_id: str, text: str) -> int:
    """Send a log record by OTLP over HTTP; return the status."""
    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityText": "INFO",
        "body": {"stringValue": text},
        "traceId": trace_id,
        "spanId": trace_id[:16],
    }
    service = {"key": "service.name", "value": {"stringValue": "e2e-log"}}
    resource = {"resource": {"attributes": [service]}, "scopeLogs": [{"logRecords": [record]}]}
    body = json.dumps({"resourceLogs": [resource]}).encode()
    request = urllib.request.Request(f"{url}/v1/logs", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status


def processes(*containers: str) -> Iterator[int]:
    """Yield the processes of containers."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            group = (folder / "cgroup").read_text()
        except OSError:
            continue
        if any(container in group for container in containers):
            yield int(folder.name)


def send(number: signal.Signals, *containers: str) -> list[int]:
    """Send a signal to the processes of containers; return their numbers."""
    reached: list[int] = []
    for process in processes(*containers):
        os.kill(process, number)
        reached.append(process)
    return reached


def named(name: str) -> Iterator[int]:
    """Yield the processes with a name."""
    for file in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if file.read_text().strip() == name:
                yield int(file.parent.name)


def pause(name: str, seconds: str) -> list[int]:
    """Stop all processes of a name for some seconds, from now on; return their numbers at once.

    A process of its own does it, because nothing reaches a pod while the API server is stopped.
    """
    found = list(named(name))
    if os.fork() == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        time.sleep(2)
        for number, wait in ((signal.SIGSTOP, float(seconds)), (signal.SIGCONT, 0)):
            for process in found:
                os.kill(process, number)
            time.sleep(wait)
        os._exit(0)
    return found


def _on_the_node(call: str, *arguments: bytes | int) -> None:
    """Call a function of the C library among the mounts of the node's kubelet."""
    library = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{next(named('kubelet'))}/ns/mnt").open() as mounts:
        for name, given in (("setns", (mounts.fileno(), 0)), (call, arguments)):
            if getattr(library, name)(*given) != 0:
                error = ctypes.get_errno()
                raise OSError(error, f"{name}: {os.strerror(error)}")


def mount(path: str, mebibytes: str) -> str:
    """Mount a small file system in memory on a folder of the node."""
    options = f"size={mebibytes}m,mode=1777".encode()
    _on_the_node("mount", b"tmpfs", path.encode(), b"tmpfs", 0, options)
    return path


def unmount(path: str) -> str:
    """Take a file system from a folder; a pod that has it already keeps it."""
    lazily = 2
    _on_the_node("umount2", path.encode(), lazily)
    return path


def _filler(container: str, folder: str) -> Path:
    process = next(processes(container))
    return Path(f"/proc/{process}/root{folder}/filler")


def fill(container: str, folder: str) -> int:
    """Fill the file system of a folder in a container; return the bytes that it took."""
    block = bytes(65536)
    written = 0
    with _filler(container, folder).open("wb", buffering=0) as file:
        while block:
            try:
                written += file.write(block)
            except OSError:
                block = block[: len(block) // 2]
    return written


def empty(container: str, folder: str) -> bool:
    """Remove what `fill` wrote."""
    _filler(container, folder).unlink()
    return True


_COMMANDS = {
    "connect": connect,
    "log": log,
    "kill": functools.partial(send, signal.SIGKILL),
    "stop": functools.partial(send, signal.SIGSTOP),
    "continue": functools.partial(send, signal.SIGCONT),
    "pause": pause,
    "mount": mount,
    "unmount": unmount,
    "fill": fill,
    "empty": empty,
}


if __name__ == "__main__":
    command, *given = sys.argv[1:]
    if command == "wait":
        # As the first process of the container it has no default action for the signal.
        signal.signal(signal.SIGTERM, stop)
        while True:
            time.sleep(3600)
    print(json.dumps(_COMMANDS[command](*given)), flush=True)
