"""Programs of the stack as processes of this machine."""

import contextlib
import http.client
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

#: The only address that programs listen on.
HOST = "127.0.0.1"
#: Characters of a program's log in an error message.
_LOG_TAIL = 5000
#: Longest time in seconds that a program may take to stop by itself, as for the stack's pods.
_STOP_SECONDS = 60

T = TypeVar("T")


class ProgramError(Exception):
    """A program does not start, does not answer or stops."""


class Program:
    """A process that can be stopped, killed and started again.

    CPU time and peak memory are read from /proc, which only Linux has: elsewhere they are 0.

    Attributes:
        log: file of its output.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        """Take the command, the file of its output and additional environment variables."""
        self.log = log
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._cpu_before, self._peak_before = 0.0, 0

    def start(self) -> None:
        """Start it."""
        with self.log.open("a") as output:
            self._process = subprocess.Popen(  # noqa: S603 - a program that the caller chose
                self._command, stdout=output, stderr=output, env=os.environ | self._environment
            )

    @property
    def runs(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def cpu_seconds(self) -> float:
        """CPU time of user and system, of all its runs."""
        return self._cpu_before + self._cpu_now()

    @property
    def peak_mib(self) -> int:
        """Peak of its resident memory, of all its runs."""
        return max(self._peak_before, self._peak_now())

    def stop(self) -> None:
        """End it in its own way; kill it if that takes too long."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it at once."""
        self._end(kill=True)

    def _end(self, *, kill: bool) -> None:
        process = self._process
        if process is None:
            return
        self._cpu_before, self._peak_before = self.cpu_seconds, self.peak_mib
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def _cpu_now(self) -> float:
        fields = self._proc("stat").rpartition(")")[2].split()
        # utime and stime, the 14th and 15th field of the whole line (proc_pid_stat(5)).
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") if fields else 0

    def _peak_now(self) -> int:
        lines = dict(line.split(":", 1) for line in self._proc("status").splitlines())
        return int(lines.get("VmHWM", "0 kB").split()[0]) // 1024

    def _proc(self, name: str) -> str:
        if self._process is None:
            return ""
        try:
            return Path(f"/proc/{self._process.pid}/{name}").read_text()
        except OSError:
            return ""


@contextlib.contextmanager
def process(command: Sequence[str], log: Path, **environment: str) -> Generator[Program]:
    """Run a program; an error in the block gets the end of its log as a note."""
    program = Program(command, log, environment)
    program.start()
    try:
        yield program
    except BaseException as error:
        error.add_note(log.read_text(errors="replace")[-_LOG_TAIL:])
        raise
    finally:
        # What a clean end would save is of no interest, and Tempo takes its time for it.
        program.kill()


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on; all taken at once, so that no two are the same."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind((HOST, 0))
        return [s.getsockname()[1] for s in sockets]


def get(url: str, data: bytes | None = None, seconds: float = 10) -> bytes | None:
    """Return what a URL answers; None where it does not answer with success, and in time."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = urllib.request.Request(url, data, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310
            return answer.read()
    except (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException):
        return None


def wait_for(
    what: str, probe: Callable[[], T | None], seconds: float = 60, pause: float = 0.3
) -> T:
    """Return what a probe finds, asking until it finds something.

    Raises:
        ProgramError: it finds nothing in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := probe():
            return found
        time.sleep(pause)
    raise ProgramError(f"no {what} within {seconds:g} s")


def steady(measure: Callable[[], int], seconds: float) -> Callable[[], int | None]:
    """Return a probe for a number above 0 that has stayed the same for some seconds."""
    last, since = 0, time.monotonic()

    def probe() -> int | None:
        nonlocal last, since
        now = measure()
        if now != last:
            last, since = now, time.monotonic()
        return now if now and time.monotonic() - since > seconds else None

    return probe
