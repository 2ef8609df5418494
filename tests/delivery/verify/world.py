"""A deployed stack in memory: the API of its cluster, and every port that `make verify` asks."""

import contextlib
import json
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from delivery.verify.site import Api, Site
from delivery.verify.telemetry import BACK, FRONT
from plan.run import Plan
from tests.delivery.preflight.api import Api as Kubernetes
from tests.delivery.preflight.api import made

READY = [{"type": "Ready", "status": "True"}]
_PLANNED = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def pod(name: str, release: str, namespace: str = "tracing", **status: Any) -> dict[str, Any]:
    """Return a pod of a release, ready unless its status says something else."""
    labels = {
        "app.kubernetes.io/name": release,
        "app.kubernetes.io/instance": release,
    }
    return made("Pod", name, namespace, labels=labels, status={"conditions": READY, **status})


def workload(
    kind: str, name: str, release: str, namespace: str = "tracing", *, ready: int = 1
) -> dict[str, Any]:
    """Return a workload that wants one pod."""
    status = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 1,
        **dict.fromkeys(("availableReplicas", "readyReplicas", "numberReady"), ready),
        **dict.fromkeys(("updatedReplicas", "updatedNumberScheduled"), 1),
    }
    selector = {"matchLabels": {"app.kubernetes.io/instance": release}}
    found = made(
        kind,
        name,
        namespace,
        labels={"app.kubernetes.io/instance": release},
        spec={"replicas": 1, "selector": selector},
        status=status,
    )
    found["metadata"]["generation"] = 1
    return found


@dataclass
class World:
    """A deployed stack.

    Attributes:
        plan: its plan.
        kubernetes: the API of its cluster.
        url: where its ports are.
        answers: replaces the answers to paths that contain a text: status and body.
        metrics: samples of pods, by a part of the pod's name.
        texts: log of each pod.
        traces: what Tempo has: the resources of each trace, with their spans.
        lines: what the logs backend has.
        blocks: recent blocks in the bucket.
        delivers: whether Alloy reaches Tempo.
        writes: whether S3 accepts blocks.
        writes_metrics: whether the metrics backend has what Tempo writes.
        cluster_name: what Alloy sets; by default the stack's own.
        uids: Grafana's datasources.
        asked: paths of all requests.
        last: time of the newest sample in the metrics backend.
    """

    plan: Plan
    kubernetes: Kubernetes
    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict[str, tuple[int, Any]])
    metrics: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    traces: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    lines: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    blocks: int = 4
    delivers: bool = True
    writes: bool = True
    writes_metrics: bool = True
    cluster_name: str = ""
    uids: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    asked: list[str] = field(default_factory=list[str])
    last: float = 0

    def grow(self, pod: str, **samples: float) -> None:
        """Add to the samples of pods; `__` in a name begins its labels."""
        own = self.metrics.setdefault(pod, {})
        for name, value in samples.items():
            own[name] = own.get(name, 0) + value

    def take(self, body: dict[str, Any]) -> None:
        """Take a trace as Alloy and Tempo do."""
        spans = [s for r in body["resourceSpans"] for c in r["scopeSpans"] for s in c["spans"]]
        if not self.delivers:
            self.grow("alloy", **{'otelcol_exporter_queue_size{data_type="traces"}': 1})
            return
        self.grow("alloy", otelcol_exporter_sent_spans_total=len(spans))
        self.grow(
            "tempo",
            tempo_distributor_spans_received_total=len(spans),
            tempo_metrics_generator_spans_received_total=len(spans),
        )
        if self.writes_metrics:
            self.grow("tempo", prometheus_remote_storage_samples_total=9)
        self.last = max(int(span["endTimeUnixNano"]) for span in spans) / 1e9 + 5
        settings = self.plan.settings
        for resource in body["resourceSpans"]:
            for key, value in {
                "k8s.cluster.name": self.cluster_name or settings.cluster.name,
                "deployment.environment.name": settings.environment.name,
            }.items():
                attribute = {"key": key, "value": {"stringValue": value}}
                resource["resource"]["attributes"].append(attribute)
        self.traces[spans[0]["traceId"]] = body["resourceSpans"]

    def flush(self) -> None:
        """Write a block, or fail as S3 wants it."""
        if self.writes:
            self.grow("tempo", tempo_ingester_blocks_flushed_total=1)
        else:
            name = 'tempodb_backend_request_duration_seconds_count{operation="PUT",'
            self.grow("tempo", **{f'{name}status_code="403"}}': 1})
            self.grow("tempo", tempo_ingester_failed_flushes_total=1)

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Return status and body of an answer."""
        for part, said in self.answers.items():
            if part in path:
                return said
        name = path.split("/")[3] if path.count("/") > 2 else ""
        match path.rstrip("/").split("/")[5:]:
            case ["metrics"]:
                of_pod = [m for p, m in self.metrics.items() if name.startswith(p)]
                return 200, "\n".join(f"{k} {v}" for samples in of_pod for k, v in samples.items())
            case ["api", "traces", trace_id]:
                found = self.traces.get(trace_id)
                return (200, {"batches": found}) if found else (404, {})
            case ["api", "search"] if "false" in query["q"]:
                recent = int(query["end"]) > time.time() - 3600
                return 200, {"metrics": {"totalBlocks": self.blocks} if recent else {}}
            case ["api", "search"]:
                assert FRONT in query["q"]
                assert BACK in query["q"]
                return 200, {"traces": [{"traceID": t.lstrip("0")} for t in self.traces]}
            case ["api", "v0", "web", "components"]:
                return 200, []
            case ["flush"]:
                self.flush()
                return 204, ""
            case ["status", "config"]:
                hours = self.plan.settings.tempo.retention_hours
                section = {"compaction": {"block_retention": f"{hours}h0m0s"}}
                return 200, "---\n" + json.dumps({"compactor": section})
            case _ if path.endswith("/api/v1/query"):
                has = self.writes_metrics and self.last
                return 200, {"data": {"result": [{"value": [0, str(self.last)]}] if has else []}}
            case _ if path.endswith("/loki/api/v1/query_range"):
                trace_id = query["query"].split('"')[-2]
                found = [
                    {"stream": {"trace_id": trace_id}, "values": [["1", line["body"]]]}
                    for line in self.lines
                    if line["traceId"] == trace_id
                ]
                return 200, {"data": {"result": found}}
            case _:
                return self.grafana(path)

    def grafana(self, path: str) -> tuple[int, Any]:
        """Answer as Grafana does."""
        match path.split("/")[1:]:
            case ["api", "datasources"]:
                return 200, list(self.uids.values())
            case ["api", "datasources", "uid", uid, "health"]:
                return (200, {"status": "OK"}) if uid in self.uids else (404, {})
            case _:
                return 404, {"path": path}

    def site(self, *, grafana: bool = False) -> Site:
        """Return the stack as `make verify` reaches it."""
        return Site(
            plan=self.plan,
            cluster=self.kubernetes,
            forward=lambda namespace, target, port: f"{self.url}/{namespace}/{target}/{port}",
            logs=lambda namespace, pod, previous: self.texts.get(pod, ""),
            grafana=Api(self.url, {"Authorization": "Bearer token"}) if grafana else None,
        )


def healthy(plan: Plan) -> World:
    """Return a stack in mode monolithic that works."""
    kubernetes = Kubernetes(
        objects=[
            workload("StatefulSet", "tempo", "tempo"),
            workload("StatefulSet", "alloy", "alloy"),
            workload("DaemonSet", "beyla", "beyla", "tracing-beyla"),
            pod("tempo-0", "tempo"),
            pod("alloy-0", "alloy"),
            pod("beyla-x1", "beyla", "tracing-beyla"),
            *(
                made("NetworkPolicy", r.inputs["metadata"]["name"], "tracing")
                for r in plan.recording.of_type(_PLANNED)
                if r.inputs["metadata"]["namespace"] == "tracing"
            ),
        ]
    )
    backends = plan.settings.backends
    uids = [plan.settings.grafana.tempo_uid]
    uids += [b.uid for b in (backends.metrics, backends.logs, backends.profiles) if b]
    world = World(plan, kubernetes, uids={u: {"uid": u, "type": "x", "jsonData": {}} for u in uids})
    world.grow("tempo", tempo_ingester_live_traces=1)
    return world


@contextlib.contextmanager
def served(world: World) -> Generator[World]:
    """Serve the ports of a stack."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            for part, said in world.answers.items():
                if part in self.path:
                    self.reply(*said)
                    return
            if self.path.endswith("/v1/traces"):
                world.take(body)
            elif self.path.endswith("/v1/logs"):
                for resource in body["resourceLogs"]:
                    for scope in resource["scopeLogs"]:
                        for record in scope["logRecords"]:
                            line = record["body"]["stringValue"]
                            world.lines.append({"traceId": record["traceId"], "body": line})
            self.reply(200, {})

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            world.asked.append(parts.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            self.reply(*world.answer(parts.path, query))

        def reply(self, status: int, body: Any) -> None:
            self.send_response(status)
            self.end_headers()
            if status != 204:
                self.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        world.url = f"http://127.0.0.1:{server.server_port}"
        yield world
        server.shutdown()
