"""What is done from inside a pod: python tools.py COMMAND ...; prints JSON.

`wait` stays until it is stopped, `connect HOST PORT ...` tells which ports take a connection,
`log URL TRACE_ID TEXT` sends a log record of a trace. `kill ID ...`, `stop` and `continue` signal
the processes of containers, from a pod that sees the node's processes. Runs without the project.
"""

import functools
import json
import os
import signal
import socket
import sys
import time
import urllib.request
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


def send(number: signal.Signals, *containers: str) -> list[int]:
    """Send a signal to the processes of containers; return their numbers."""
    reached: list[int] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            group = (folder / "cgroup").read_text()
        except OSError:
            continue
        if any(container in group for container in containers):
            os.kill(int(folder.name), number)
            reached.append(int(folder.name))
    return reached


_COMMANDS = {
    "connect": connect,
    "log": log,
    "kill": functools.partial(send, signal.SIGKILL),
    "stop": functools.partial(send, signal.SIGSTOP),
    "continue": functools.partial(send, signal.SIGCONT),
}


if __name__ == "__main__":
    command, *given = sys.argv[1:]
    if command == "wait":
        # As the first process of the container it has no default action for the signal.
        signal.signal(signal.SIGTERM, stop)
        while True:
            time.sleep(3600)
    print(json.dumps(_COMMANDS[command](*given)), flush=True)
