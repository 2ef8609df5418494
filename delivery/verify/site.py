"""The deployed stack as the checks reach it: the cluster's API, ports of its pods, Grafana."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self, TypeVar, cast
from urllib.parse import urlencode, urlsplit

from components.core.names import TEMPO_HTTP_PORT
from components.core.system import System
from components.settings import TracingSettings
from components.tempo.endpoints import pods as tempo_pods
from delivery import DeliveryError
from delivery.preflight.api import Cluster, Json, UnknownError, items, name
from delivery.preflight.sources import proxied
from delivery.reach import kubectl
from plan.rehearse.metrics import samples
from plan.run import Plan

#: Seconds until a trace, a log or a block must be there. Alloy and Tempo each batch spans.
WAIT_SECONDS = 60
#: Seconds until span metrics must be there: Tempo writes the first sample of a series 15 to 60
#: seconds after the span.
METRICS_SECONDS = 150
PAUSE_SECONDS = 1.0
_FORWARDING = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) -> ")

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP; status 0 and the error without one."""

    status: int
    text: str

    def json(self) -> Any:  # noqa: ANN401
        """Return the body, or an empty object if it is no JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            return {}

    def __str__(self) -> str:
        """Return status and first line."""
        first = (self.text.strip().splitlines() or [""])[0]
        return f"{self.status or 'no answer'} {first[:300]}".strip()


def ask(url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
    """Return the answer of a URL."""
    try:
        request = urllib.request.Request(url, body, dict(headers or {}))  # noqa: S310
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return Answer(answer.status, answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(500).decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error) or type(error).__name__)


def wait(probe: Callable[[], T | None], seconds: float) -> T | None:
    """Return what a probe finds within some seconds, or None."""
    end = time.monotonic() + seconds
    while True:
        if found := probe():
            return found
        if time.monotonic() > end:
            return None
        time.sleep(PAUSE_SECONDS)


def ask_until(
    request: Callable[[], Answer], find: Callable[[Any], T | None], seconds: float
) -> tuple[T | None, Answer]:
    """Return what is found in a JSON answer within some seconds, or None, and the last answer."""
    last = Answer(0, "")

    def probe() -> T | None:
        nonlocal last
        last = request()
        return find(last.json()) if last.status == HTTPStatus.OK else None

    return wait(probe, seconds), last


def dig(tree: Any, *keys: str) -> Any:  # noqa: ANN401
    """Return what is below some keys of JSON, or None."""
    for key in keys:
        tree = cast("dict[str, Any]", tree).get(key) if isinstance(tree, dict) else None
    return tree


class Exposition:
    """Samples in Prometheus' text format."""

    def __init__(self, *texts: str) -> None:
        self._text = "\n".join(texts)

    def values(self, metric: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each sample whose labels match regular expressions."""
        return [
            (its, value)
            for its, value in samples(self._text, metric)
            if all(re.fullmatch(p, its.get(key, "")) for key, p in labels.items())
        ]

    def total(self, metric: str, **labels: str) -> float:
        """Return the sum of these samples; 0 without any."""
        return sum(value for _, value in self.values(metric, **labels))

    def grown(self, before: Self, metric: str, *by: str, **labels: str) -> list[tuple[str, ...]]:
        """Return the values of some labels whose samples have a larger sum than before."""
        sums = dict[tuple[str, ...], float]()
        for exposition, sign in ((before, -1), (self, 1)):
            for its, value in exposition.values(metric, **labels):
                key = tuple(its.get(label, "") for label in by)
                sums[key] = sums.get(key, 0) + sign * value
        return [key for key, value in sums.items() if value > 0]


@dataclass(frozen=True)
class Api:
    """An HTTP API, with the headers that it requires."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def get(self, path: str, **query: str | int) -> Answer:
        """Return the answer to a path, which begins with a slash."""
        asked = f"?{urlencode(query)}" if query else ""
        return ask(f"{self.url.rstrip('/')}{path}{asked}", self.headers)


@dataclass(kw_only=True)
class Site:
    """A deployed stack.

    Attributes:
        plan: its plan.
        cluster: the API of its cluster.
        forward: returns a local URL of a port: namespace, `service/…` or `pod/…`, port.
        logs: returns the last lines of a pod's log: namespace, pod, whether of the last container.
        grafana: Grafana's API, or None without a token.
    """

    plan: Plan
    cluster: Cluster
    forward: Callable[[str, str, int], str]
    logs: Callable[[str, str, bool], str]
    grafana: Api | None

    @property
    def settings(self) -> TracingSettings:
        """The settings of the stack."""
        return self.plan.settings

    def service(self, url: str) -> str:
        """Return a local URL for one of a Service in the cluster, with its path."""
        parts = urlsplit(url)
        service, namespace = (parts.hostname or "").split(".")[:2]
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return self.forward(namespace, f"service/{service}", port) + parts.path.rstrip("/")

    @property
    def tempo(self) -> Api:
        """Tempo's query API."""
        tenant = self.settings.read_as
        headers = {"Accept": "application/json"} | ({"X-Scope-OrgID": tenant} if tenant else {})
        return Api(self.service(self.plan.recording.outputs["tempoQueryUrl"]), headers)

    def pods_of(self, system: System) -> list[Json]:
        """Return the pods of a system."""
        return self.objects_of(system, "/api/v1", "pods")

    def objects_of(self, system: System, api: str, plural: str) -> list[Json]:
        """Return the objects of a kind that belong to a system."""
        selector = f"app.kubernetes.io/instance={system.release}"
        return self._objects(api, system.namespace_name(self.settings), plural, selector)

    def _objects(self, api: str, namespace: str, plural: str, selector: str) -> list[Json]:
        query = urlencode({"labelSelector": selector})
        return items(self.cluster, f"{api}/namespaces/{namespace}/{plural}?{query}")

    def tempo_pods(self, component: str) -> list[str]:
        """Return the names of the pods of a component; of the one pod in mode monolithic."""
        selected = tempo_pods(self.settings.tempo.mode, component)
        parts = [f"{key}={value}" for key, value in selected["matchLabels"].items()]
        for each in selected.get("matchExpressions", ()):
            parts.append(f"{each['key']} in ({','.join(each['values'])})")
        pods = self._objects("/api/v1", self.settings.namespaces.tracing, "pods", ",".join(parts))
        return [name(pod) for pod in pods]

    def tempo_metrics(self, component: str) -> Exposition:
        """Return the metrics of the pods of a component of Tempo."""
        return self.metrics(
            self.settings.namespaces.tracing, self.tempo_pods(component), TEMPO_HTTP_PORT
        )

    def metrics(self, namespace: str, pods: Sequence[str], port: int) -> Exposition:
        """Return the metrics of some pods."""
        texts: list[str] = []
        for pod in pods:
            # A pod that doesn't answer is found by the check of workloads.
            with contextlib.suppress(DeliveryError):
                texts.append(ask(f"{self.forward(namespace, f'pod/{pod}', port)}/metrics").text)
        return Exposition(*texts)

    def last_line(self, namespace: str, pods: Sequence[str], pattern: str) -> str:
        """Return what a pattern finds last in the logs of some pods, or an empty string."""
        for pod in pods:
            for line in reversed(self.logs(namespace, pod, False).splitlines()):
                if found := re.search(pattern, line):
                    return found[found.lastindex or 0].replace('\\"', '"')
        return ""


@contextlib.contextmanager
def _forwarded(command: Sequence[str], namespace: str, target: str, port: int) -> Generator[str]:
    arguments = [*command, "port-forward", target, f":{port}", "-n", namespace]
    try:
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)  # noqa: S603
    except OSError as error:
        raise DeliveryError(f"can't run kubectl: {error}") from None
    with process:
        try:
            output = process.stdout or ()
            found = next(filter(None, map(_FORWARDING.match, output)), None)
            if found is None:
                raise DeliveryError(
                    f"kubectl can't forward a port to {target} in {namespace}, port {port}"
                )
            # kubectl prints a line for each connection and would block if nobody read them.
            threading.Thread(target=list, args=(output,), daemon=True).start()
            yield f"http://{found[1]}"
        finally:
            process.terminate()


@contextlib.contextmanager
def reached(plan: Plan) -> Generator[Site]:
    """Yield the deployed stack of a plan.

    Raises:
        DeliveryError: the cluster can't be reached.
    """
    with contextlib.ExitStack() as stack:
        command = stack.enter_context(kubectl(plan.stack, plan.settings.cluster))
        forwards: dict[tuple[str, str, int], str] = {}

        def forward(namespace: str, target: str, port: int) -> str:
            key = namespace, target, port
            if key not in forwards:
                forwards[key] = stack.enter_context(_forwarded(command, *key))
            return forwards[key]

        def logs(namespace: str, pod: str, previous: bool) -> str:
            options = ["--all-containers", "--tail=400", *(["--previous"] if previous else [])]
            done = subprocess.run(  # noqa: S603
                [*command, "logs", pod, "-n", namespace, *options], capture_output=True, text=True
            )
            return done.stdout

        try:
            cluster = stack.enter_context(proxied(command))
            cluster.get("/version")
        except UnknownError as error:
            raise DeliveryError(str(error)) from None
        yield Site(plan=plan, cluster=cluster, forward=forward, logs=logs, grafana=_grafana(plan))


def _grafana(plan: Plan) -> Api | None:
    url = os.environ.get("GRAFANA_URL") or plan.settings.grafana.url
    token = os.environ.get("GRAFANA_TOKEN")
    if not (url and token):
        return None
    organisation = str(plan.settings.grafana.org_id)
    return Api(url, {"Authorization": f"Bearer {token}", "X-Grafana-Org-Id": organisation})
