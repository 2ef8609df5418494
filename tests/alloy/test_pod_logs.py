"""The collector of pod logs: a line in, the id of its trace out."""

import json
import re
import subprocess
import threading
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from components.alloy.pipeline import MODULES
from components.alloy.pod_logs.component import AlloyPodLogsArgs
from components.alloy.pod_logs.pipeline import config
from components.alloy.pod_logs.settings import PodLogsSettings
from components.alloy.pod_logs.values import values
from components.alloy.text import parse
from plan.rehearse import metrics
from plan.rehearse.otlp import attributes, plain
from plan.rehearse.programs import free_ports, get
from tests.alloy.cases import LOGS
from tests.alloy.gateway import ALLOY, needs_alloy, running, wait_for
from tests.alloy.pod_logs_cases import arguments, variants
from tests.alloy.sinks import http_sink, log_records

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
BOTH = (TRACE, SPAN)
#: Lines, with the ids that are found.
LINES: list[tuple[str, tuple[str | None, str | None]]] = [
    (f'{{"trace_id":"{TRACE}","span_id":"{SPAN}"}}', BOTH),
    (f'{{"traceId": "{TRACE}", "spanId": "{SPAN}"}}', BOTH),
    (f'{{"trace.id":"{TRACE}","span.id":"{SPAN}"}}', BOTH),
    (f'{{"TraceId":"{TRACE}","SpanId":"{SPAN}"}}', BOTH),
    (f'{{"mdc":{{"trace_id":"{TRACE}"}}}}', (TRACE, None)),
    (f'{{"m":"{{\\"trace_id\\":\\"{TRACE}\\"}}"}}', (TRACE, None)),
    (f"level=info traceID={TRACE} spanID={SPAN} msg=paid", BOTH),
    (f"ts=1 trace_id={TRACE}", (TRACE, None)),
    (f"trace-id: {TRACE}", (TRACE, None)),
    (f"INFO [traceId={TRACE}, spanId={SPAN}] paid", BOTH),
    (f"otelTraceID={TRACE} otelSpanID={SPAN}", BOTH),
    (f"> traceparent: 00-{TRACE}-{SPAN}-01", BOTH),
    (f"traceparent=00-{'1' * 32}-{'2' * 16}-00 trace_id={TRACE} span_id={SPAN}", BOTH),
    # Datadog's are decimal, Python's without a span are 0, and zeros are no id.
    ("dd.trace_id=1234567890123456789 dd.span_id=9876543210", (None, None)),
    ("otelTraceID=0 otelSpanID=0", (None, None)),
    (f"trace_id={'0' * 32} span_id={'0' * 16}", (None, None)),
    (f"trace_id={TRACE}ff", (None, None)),
    ("plain", (None, None)),
]
#: Reads a file in place of the API server.
SOURCE = """
loki.source.file "test" {
	targets    = [%s]
	forward_to = [%s]
}
"""


@pytest.mark.parametrize("args", variants().values(), ids=variants().keys())
def test_the_configuration_reads_lines_finds_ids_and_sends(args: AlloyPodLogsArgs) -> None:
    blocks = parse(config(args)).blocks
    used = {block.name: block.attributes for block in blocks if block.name != "declare"}

    assert "{{" not in config(args)
    path = ["pod_logs"]
    for key in ("forward_to", "forward_to", "logs", "logs"):
        path.append(used[path[-1]][key].strip("[ ]").partition(".")[0])
    assert path[1:] == ["trace_ids", "convert_logs", "clean", "send_to_loki"]
    assert used["send_to_loki"]["waits"] == "true"


def test_it_runs_on_each_node_without_its_files_or_rights_of_root() -> None:
    made = values(arguments())

    assert made["controller"]["type"] == "daemonset"
    assert made["controller"]["tolerations"] == [{"operator": "Exists"}]
    assert "hostPath" not in json.dumps(made)
    assert made["alloy"]["securityContext"]["runAsNonRoot"] is True
    [role, _] = made["extraObjects"]
    assert {r for rule in role["rules"] for r in rule["resources"]} == {"pods", "pods/log"}


def collector(
    text: str, folder: Path, own: int = 0, **environment: str
) -> AbstractContextManager[object]:
    """Run Alloy with a configuration that listens on no port, its own server on one."""
    return running(text, folder, own or free_ports(1)[0], (), environment)


@needs_alloy
@pytest.mark.parametrize("args", variants().values(), ids=variants().keys())
def test_alloy_accepts_the_configuration(args: AlloyPodLogsArgs, tmp_path: Path) -> None:
    file = tmp_path / "config.alloy"
    file.write_text(config(args))
    for command in (["fmt", "--test"], ["validate"]):
        done = subprocess.run(
            [ALLOY or "alloy", *command, file], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def ids(record: Any) -> tuple[str | None, str | None]:
    """Return the ids of a log record."""
    return record.trace_id.hex() or None, record.span_id.hex() or None


def reading(folder: Path, loki: str) -> str:
    """Return the collector's configuration, reading a file in place of the API server's pods."""
    text = config(arguments(logs=LOGS.model_copy(update={"otlp_url": f"{loki}/otlp"})))
    text = text[: text.index("\npod_logs ")] + text[text.index("\ntrace_ids ") :]
    text = text.replace((MODULES / "pod_logs.alloy").read_text(), "")
    text = text.replace("wait_for_metadata = false", "passthrough = true")
    target = {"namespace": "shop", "pod": "cart-0", "uid": "u-1", "container": "web"}
    labels = ", ".join(f'"{key}" = "{value}"' for key, value in target.items())
    path = f'{{"__path__" = "{folder}/pod.log", {labels}}}'
    return text + SOURCE % (path, "trace_ids.default.receiver")


@needs_alloy
def test_a_line_arrives_with_the_ids_of_its_trace_and_without_secrets(tmp_path: Path) -> None:
    lines = [line for line, _ in LINES] + ["password=hunter2"]
    (tmp_path / "pod.log").write_text("\n".join(lines) + "\n")
    with http_sink() as loki:
        with collector(reading(tmp_path, loki.url), tmp_path):
            wait_for(lambda: len(log_records(loki.requests)) == len(lines), tmp_path / "alloy.log")
        found = log_records(loki.requests)

    by_line = {plain(record.body): (resource, record) for resource, record in found}
    assert {line: ids(by_line[line][1]) for line, _ in LINES} == dict(LINES)
    assert "password=REDACTED" in by_line
    resource, record = by_line["plain"]
    assert resource["k8s.namespace.name"] == resource["service.namespace"] == "shop"
    assert resource["k8s.pod.name"] == "cart-0"
    assert resource["k8s.container.name"] == "web"
    assert resource["k8s.cluster.name"] == "dev-1"
    # The file's own attributes are those of the test's source.
    kept = {key for key in attributes(record.attributes) if "file" not in key}
    assert kept == set()


@pytest.mark.slow
@needs_alloy
def test_lines_wait_in_the_file_while_loki_is_away(tmp_path: Path) -> None:
    """A full queue stops the reading, and nothing is lost."""
    lines = [f"{number} {'x' * 8000}" for number in range(2000)]
    (tmp_path / "pod.log").write_text("\n".join(lines) + "\n")
    port, own = free_ports(2)
    text = reading(tmp_path, f"http://127.0.0.1:{port}")
    small = re.sub(r"(?<=queue_bytes = )\d+", "4000000", text)
    assert small != text

    def read() -> float:
        exposed = (get(f"http://127.0.0.1:{own}/metrics") or b"").decode()
        return metrics.total(exposed, "loki_source_file_read_lines_total")

    with collector(small, tmp_path, own):
        wait_for(lambda: read() > 0, tmp_path / "alloy.log")
        time.sleep(3)
        before = read()
        time.sleep(2)
        assert read() == before < len(lines) / 2
        with http_sink(port) as loki:
            wait_for(lambda: len(log_records(loki.requests)) == len(lines), tmp_path / "alloy.log")


@needs_alloy
def test_the_module_finds_ids_for_a_collector_that_writes_to_loki(tmp_path: Path) -> None:
    """As docs/logs.md shows: structured metadata, and no label."""
    (tmp_path / "pod.log").write_text(f"traceID={TRACE}\n")
    with http_sink() as loki:
        text = (
            f'import.file "lines" {{\n\tfilename = "{MODULES / "trace_ids.alloy"}"\n}}\n\n'
            'lines.trace_ids "default" {\n\tforward_to = [loki.write.default.receiver]\n}\n\n'
            f'loki.write "default" {{\n\tendpoint {{\n\t\turl = "{loki.url}/push"\n\t}}\n}}\n'
        )
        path = f'{{"__path__" = "{tmp_path}/pod.log"}}'
        text += SOURCE % (path, "lines.trace_ids.default.receiver")
        with collector(text, tmp_path):
            wait_for(lambda: bool(loki.requests), tmp_path / "alloy.log")
        [request] = loki.requests

    # A push request: the labels of the stream, then its entries with their structured metadata.
    labels, _, entry = request.body.partition(b"}")
    assert b"trace" not in labels
    assert b"trace_id" in entry.partition(f"traceID={TRACE}".encode())[2]
    assert TRACE.encode() in entry.partition(f"traceID={TRACE}".encode())[2]


def pod(name: str, namespace: str, node: str = "n1", **labels: str) -> dict[str, Any]:
    """Return a running pod as the API server lists it."""
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "resourceVersion": "1",
            "labels": labels,
        },
        "spec": {"nodeName": node, "containers": [{"name": "web", "image": "i"}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.9",
            "hostIP": "10.0.0.1",
            "containerStatuses": [{"name": "web", "state": {"running": {}}, "ready": True}],
        },
    }


class Api(BaseHTTPRequestHandler):
    """As much of Kubernetes' API as the collector asks for."""

    pods: ClassVar[list[dict[str, Any]]] = [
        pod("cart-0", "shop"),
        pod("other-0", "elsewhere"),
        pod("alloy-logs-x", "shop", **{"app.kubernetes.io/instance": "alloy-logs"}),
    ]
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path, _, query = self.path.partition("?")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if path.endswith("/log"):
            now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            self.wfile.write(f"{now} paid trace_id={TRACE}\n".encode())
            self.wfile.flush()
            time.sleep(20)
        elif path == "/version":
            self.wfile.write(
                json.dumps({"major": "1", "minor": "33", "gitVersion": "v1.33.0"}).encode()
            )
        elif path.endswith("/pods/cart-0"):
            one = {"kind": "Pod", "apiVersion": "v1", **self.pods[0]}
            self.wfile.write(json.dumps(one).encode())
        elif "watch=" in query:
            # Newer clients list by watching.
            first = self.pods if "sendInitialEvents=true" in query else []
            ended = {"annotations": {"k8s.io/initial-events-end": "true"}, "resourceVersion": "1"}
            kind = {"kind": "Pod", "apiVersion": "v1"}
            for event in (
                *({"type": "ADDED", "object": {**kind, **each}} for each in first),
                {"type": "BOOKMARK", "object": {**kind, "metadata": ended}},
            ):
                self.wfile.write(json.dumps(event).encode() + b"\n")
            self.wfile.flush()
            time.sleep(20)
        else:
            listed = {"kind": "PodList", "apiVersion": "v1", "items": self.pods}
            self.wfile.write(json.dumps({**listed, "metadata": {"resourceVersion": "1"}}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@needs_alloy
def test_logs_of_the_nodes_pods_are_read_through_the_api_server(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api = f'api_server = "http://127.0.0.1:{server.server_port}"'
    with http_sink() as loki:
        logs = LOGS.model_copy(update={"otlp_url": f"{loki.url}/otlp"})
        its = PodLogsSettings(excluded_namespaces=["else*"])
        text = config(arguments(logs=logs, settings=its))
        # Outside of a cluster, each component is told where the API server is.
        text = text.replace('role = "pod"\n', f'role = "pod"\n\t\t{api}\n', 1)
        text = text.replace(
            "forward_to = argument.forward_to.value\n\t}\n}",
            f"forward_to = argument.forward_to.value\n\t\tclient {{\n\t\t\t{api}\n\t\t}}\n\t}}\n}}",
            1,
        )
        text = text.replace("wait_for_metadata = false", "passthrough = true")
        with collector(text, tmp_path, K8S_NODE_NAME="n1"):
            wait_for(lambda: bool(log_records(loki.requests)), tmp_path / "alloy.log")
        server.shutdown()
        [(resource, record)] = log_records(loki.requests)

    assert plain(record.body) == f"paid trace_id={TRACE}"
    assert ids(record) == (TRACE, None)
    assert resource["k8s.pod.name"] == "cart-0"
    assert resource["k8s.pod.uid"] == "uid-cart-0"
    assert resource["k8s.container.name"] == "web"
    # Only this node's pods are asked for, and only one of them is read.
    assert any("fieldSelector=spec.nodeName%3Dn1" in path for path in Api.asked)
    assert {path.partition("?")[0] for path in Api.asked if "/log" in path} == {
        "/api/v1/namespaces/shop/pods/cart-0/log"
    }
