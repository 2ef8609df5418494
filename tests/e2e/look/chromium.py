"""Chromium without a window, driven over a pipe by the Chrome DevTools Protocol."""

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Names of the program, in the order in which they are tried.
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Longest time in seconds that a command of the protocol may take.
_PATIENCE_SECONDS = 90
#: Connects the two ends of the pipe to the descriptors that Chromium reads and writes.
_START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execvp(sys.argv[3], sys.argv[3:])"
)
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    # A container has no namespaces for the sandbox, and the pages are this project's own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--no-first-run",
)
Json = dict[str, Any]


def program() -> str | None:
    """Return the path of Chromium, if it is on PATH."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class PageError(Exception):
    """A page did not do what was asked."""


@dataclass
class Page:
    """The one tab of a browser.

    Attributes:
        refused: requests of the page since `goto` that were answered with an error.
    """

    _incoming: int
    _outgoing: int
    _session: str = ""
    _buffer: bytes = b""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _pending: dict[str, str] = field(default_factory=dict[str, str])
    _quiet_since: float = 0
    refused: list[str] = field(default_factory=list[str])

    def attach(self) -> None:
        """Open the tab."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network"):
            self.send(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.send("Browser.close")

    def sign_in(self, login: str) -> None:
        """Send a name and a password along with each request; nothing if there are none."""
        if login:
            value = f"Basic {base64.b64encode(login.encode()).decode()}"
            self.send("Network.setExtraHTTPHeaders", headers={"Authorization": value})

    def size(self, width: int, height: int) -> None:
        """Set the size of the window in pixels."""
        given = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **given)

    def goto(self, url: str, *, quiet: float = 1.5) -> None:
        """Open an address, and wait until the page has asked nothing for some seconds."""
        self.refused.clear()
        self._pending.clear()
        # Otherwise an address that differs in its fragment alone would not load.
        self.send("Page.navigate", url="about:blank")
        if error := self.send("Page.navigate", url=url).get("errorText"):
            raise PageError(f"{url}: {error}")
        self.settle(quiet)

    def settle(self, quiet: float = 1.5) -> None:
        """Wait until the page has asked nothing for some seconds."""
        end = time.monotonic() + _PATIENCE_SECONDS
        self._quiet_since = time.monotonic()
        while time.monotonic() < end:
            if message := self._receive(0.2):
                self._note(message)
            if not self._pending and time.monotonic() - self._quiet_since > quiet:
                return
        raise PageError(f"the page still waits for {', '.join(self._pending.values())}")

    def evaluate(self, script: str) -> Any:
        """Return what an expression of JavaScript comes to in the page."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if wrong := answer.get("exceptionDetails"):
            raise PageError(str(wrong.get("exception", wrong).get("description", wrong)))
        return answer["result"].get("value")

    def picture(self, file: Path, clip: Json | None = None) -> None:
        """Save a picture of the window, or of a part of it, as PNG or WebP by the file's name."""
        kind = {"format": "webp", "quality": 80} if file.suffix == ".webp" else {"format": "png"}
        part = {"clip": {**clip, "scale": 1}} if clip else {}
        data = self.send("Page.captureScreenshot", **kind, **part)["data"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(data))

    def send(self, method: str, **params: Any) -> Json:
        """Send a command and return its result."""
        number = next(self._numbers)
        message: Json = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._outgoing, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            found = self._receive(1)
            if found and found.get("id") == number:
                if error := found.get("error"):
                    raise PageError(f"{method}: {error['message']}")
                return found["result"]
            if found:
                self._note(found)
        raise PageError(f"{method}: no answer within {_PATIENCE_SECONDS} s")

    def _note(self, message: Json) -> None:
        """Keep track of the requests that the page makes."""
        its = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent" if its["request"]["url"].startswith("http"):
                self._pending[its["requestId"]] = its["request"]["url"]
            case "Network.responseReceived" if its["response"]["status"] >= 400:
                self.refused.append(f"{its['response']['status']} {its['response']['url']}")
            case "Network.loadingFinished" | "Network.loadingFailed":
                self._pending.pop(its["requestId"], None)
            case _:
                return
        self._quiet_since = time.monotonic()

    def _receive(self, seconds: float) -> Json | None:
        """Return the next message, if one comes in time."""
        while b"\0" not in self._buffer:
            if not select.select([self._incoming], [], [], seconds)[0]:
                return None
            part = os.read(self._incoming, 1 << 20)
            if not part:
                raise PageError("Chromium has ended")
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)


@contextlib.contextmanager
def chromium(folder: Path) -> Generator[Page]:
    """Run Chromium, and yield its one tab.

    Args:
        folder: an empty folder for its profile.
    """
    reads, outgoing = _pipe()
    incoming, writes = _pipe()
    command = [sys.executable, "-c", _START, str(reads), str(writes), program() or _NAMES[0]]
    command += [*_OPTIONS, f"--user-data-dir={folder}", "about:blank"]
    with (folder.parent / "chromium.log").open("w") as log:
        running = subprocess.Popen(command, pass_fds=(reads, writes), stdout=log, stderr=log)
    os.close(reads)
    os.close(writes)
    try:
        page = Page(incoming, outgoing)
        page.attach()
        yield page
        # A killed one may still write to its profile while that is deleted.
        with contextlib.suppress(PageError, subprocess.TimeoutExpired):
            page.close()
            running.wait(_PATIENCE_SECONDS)
    finally:
        running.kill()
        running.wait()
        os.close(incoming)
        os.close(outgoing)


def _pipe() -> tuple[int, int]:
    """Return the ends of a pipe, none of which is one of the descriptors that Chromium gets."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high[0], high[1]
