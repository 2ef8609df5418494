"""Where `make preflight` reads: the cluster's API, AWS, registries, the state of the stack."""

import contextlib
import functools
import http.client
import json
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from delivery.preflight.api import Cluster, Json, UnknownError
from plan import cli, needs
from plan.command import CommandError
from plan.recorder import Resource
from plan.run import Plan

#: Seconds to wait for one answer.
_SECONDS = 20
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the checks read.

    Attributes:
        plan: the plan of the stack.
        cluster: its cluster.
        aws: runs the AWS CLI with arguments; returns its JSON answer.
        head: returns status and headers of a URL.
        deployed: URNs of the deployed resources; None if the state can't be read.
    """

    plan: Plan
    cluster: Cluster
    aws: Callable[..., Any]
    head: Callable[[str], tuple[int, Mapping[str, str]]]
    deployed: frozenset[str] | None

    def is_deployed(self, item: Resource) -> bool:
        """Return whether the state of the stack has a planned resource."""
        return item.urn in (self.deployed or ())

    @property
    def releases(self) -> set[tuple[str, str]]:
        """Name and namespace of the Helm releases that are deployed."""
        return {
            (release.inputs["name"], release.inputs["namespace"])
            for release, _ in needs.releases(self.plan)
            if self.is_deployed(release)
        }


class _Socket(http.client.HTTPConnection):
    """A connection to a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Proxied:
    """The cluster's API through `kubectl proxy`: one process, and one login, for all requests."""

    def __init__(self, path: str) -> None:
        self._path = path

    @functools.cache  # noqa: B019 - it lives as long as the command
    def get(self, path: str, *, metadata: bool = False) -> Json | None:
        """See `Cluster`."""
        return self._ask("GET", path, accept=_METADATA if metadata else "application/json")

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        """See `Cluster`."""
        return self._ask("POST", path, json.dumps(body)) or {}

    def _ask(
        self, method: str, path: str, body: str | None = None, accept: str = "application/json"
    ) -> Json | None:
        connection = _Socket(self._path)
        try:
            headers = {"Accept": accept, "Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise UnknownError(f"the cluster doesn't answer: {error}") from None
        finally:
            connection.close()
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        try:
            document = json.loads(text)
        except ValueError:
            # Not the API server's answer, but the proxy's.
            raise UnknownError(f"the cluster can't be reached: {text.strip()}") from None
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            said = document.get("message") or answer.reason
            raise UnknownError(f"the cluster answers {answer.status}: {said}")
        return document


@contextlib.contextmanager
def proxied(kubectl: Sequence[str]) -> Generator[Proxied]:
    """Run `kubectl proxy` and yield the cluster's API.

    Args:
        kubectl: kubectl with the options that select the stack's cluster.

    Raises:
        UnknownError: kubectl is missing or can't read its configuration.
    """
    # Only its owner can enter a temporary folder: the proxy adds the user's credentials.
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "api"))
        try:
            process = subprocess.Popen(  # noqa: S603
                [*kubectl, "proxy", f"--unix-socket={path}"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        except OSError as error:
            raise UnknownError(f"can't run kubectl: {error.strerror}") from None
        with process:
            try:
                said = process.stdout.readline() if process.stdout else ""
                if not said.startswith("Starting to serve"):
                    raise UnknownError(said.strip().removeprefix("error: ") or "kubectl failed")
                yield Proxied(path)
            finally:
                process.terminate()


class Unreachable:
    """A cluster that doesn't answer."""

    def __init__(self, reason: str) -> None:
        #: Why it doesn't.
        self.reason = reason

    def get(self, path: str, *, metadata: bool = False) -> Json | None:
        """See `Cluster`."""
        raise UnknownError("the cluster can't be reached")

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        """See `Cluster`."""
        raise UnknownError("the cluster can't be reached")


def aws(plan: Plan) -> Callable[..., Any]:
    """Return a function that runs the AWS CLI as the stack's provider and returns the answer."""
    provider = plan.recording.one("pulumi:providers:aws").inputs
    options = ["--region", plan.settings.cluster.region, "--output", "json"]
    if profile := provider.get("profile"):
        options += ["--profile", profile]

    def run(*arguments: str) -> Any:  # noqa: ANN401
        try:
            done = subprocess.run(  # noqa: S603
                ["aws", *arguments, *options],  # noqa: S607
                capture_output=True,
                text=True,
                timeout=_SECONDS,
            )
        except OSError:
            raise UnknownError("the AWS CLI is not on PATH") from None
        except subprocess.TimeoutExpired:
            raise UnknownError(f"AWS doesn't answer within {_SECONDS} seconds") from None
        if done.returncode != 0:
            raise UnknownError((done.stderr.strip().splitlines() or ["aws failed"])[-1])
        return json.loads(done.stdout or "{}")

    return run


def head(url: str) -> tuple[int, Mapping[str, str]]:
    """Return status and headers of a URL.

    Raises:
        UnknownError: nothing answers.
    """
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return answer.status, _lower(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, _lower(error.headers)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UnknownError(f"{url} doesn't answer: {reason}") from None


def _lower(headers: Message) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}


def deployed(plan: Plan) -> frozenset[str] | None:
    """Return the URNs in the state of a stack; None if there is no CLI or no readable state."""
    if not cli.installed():
        return None
    try:
        prepared = cli.prepare(plan.stack)
    except CommandError:
        return None
    done = subprocess.run(  # noqa: S603
        [prepared.program, "stack", "export", "--stack", plan.stack, "--non-interactive"],
        env=prepared.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        return frozenset() if "no stack named" in done.stderr else None
    resources: list[Json] = json.loads(done.stdout)["deployment"].get("resources") or []
    return frozenset(resource["urn"] for resource in resources)
