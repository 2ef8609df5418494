"""The collector of pod logs: a line in, the id of its trace out."""

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from components.alloy.pipeline import MODULES
from components.alloy.pod_logs.component import AlloyPodLogsArgs
from components.alloy.pod_logs.pipeline import config
from components.alloy.pod_logs.values import values
from components.alloy.text import parse
from tests.alloy.cases import LOGS
from tests.alloy.gateway import ALLOY, free_ports, needs_alloy, wait_for
from tests.alloy.pod_logs_cases import arguments, variants
from tests.alloy.sinks import http_sink
from tests.alloy.test_clean import plain, values_of

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
    for key in ("forward_to", "forward_to", "logs", "logs", "logs"):
        path.append(used[path[-1]][key].strip("[ ]").partition(".")[0])
    assert path[1:] == ["trace_ids", "convert_logs", "enrich", "clean", "send_to_loki"]
    assert used["send_to_loki"]["waits"] == "true"


def test_it_runs_on_each_node_without_its_files_or_rights_of_root() -> None:
    made = values(arguments())

    assert made["controller"]["type"] == "daemonset"
    assert made["controller"]["tolerations"] == [{"operator": "Exists"}]
    assert "hostPath" not in json.dumps(made)
    assert made["alloy"]["securityContext"]["runAsNonRoot"] is True
    [role, _] = made["extraObjects"]
    assert {r for rule in role["rules"] for r in rule["resources"]} == {"pods", "pods/log"}


def run(text: str, folder: Path) -> Any:
    """Start Alloy with a configuration; return the process."""
    (folder / "config.alloy").write_text(text)
    [own] = free_ports(1)
    with (folder / "alloy.log").open("wb") as log:
        return subprocess.Popen(
            [
                *(ALLOY or "alloy", "run", folder / "config.alloy", "--disable-reporting"),
                *("--storage.path", folder / "data", f"--server.http.listen-addr=127.0.0.1:{own}"),
            ],
            stdout=log,
            stderr=log,
        )


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


def records(requests: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the log records that arrived, each with the attributes of its resource."""
    return [
        (values_of(part["resource"]["attributes"]), record)
        for request in requests
        for part in MessageToDict(ExportLogsServiceRequest.FromString(request.body))["resourceLogs"]
        for scope in part["scopeLogs"]
        for record in scope["logRecords"]
    ]


def ids(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the ids of a log record; the library writes bytes in base64."""
    found = [record.get(key) for key in ("traceId", "spanId")]
    trace, span = (base64.b64decode(one).hex() if one else None for one in found)
    return trace, span


@needs_alloy
def test_a_line_arrives_with_the_ids_of_its_trace_and_without_secrets(tmp_path: Path) -> None:
    lines = [line for line, _ in LINES] + ["password=hunter2"]
    (tmp_path / "pod.log").write_text("\n".join(lines) + "\n")
    target = {"namespace": "shop", "pod": "cart-0", "uid": "u-1", "container": "web"}
    labels = ", ".join(f'"{key}" = "{value}"' for key, value in target.items())
    with http_sink() as loki:
        text = config(arguments(logs=LOGS.model_copy(update={"otlp_url": f"{loki.url}/otlp"})))
        # Neither the API server nor its pods are there.
        text = text[: text.index("\npod_logs ")] + text[text.index("\ntrace_ids ") :]
        text = text.replace((MODULES / "pod_logs.alloy").read_text(), "")
        text = text.replace("wait_for_metadata = false", "passthrough = true")
        path = f'{{"__path__" = "{tmp_path}/pod.log", {labels}}}'
        process = run(text + SOURCE % (path, "trace_ids.default.receiver"), tmp_path)
        try:
            wait_for(lambda: len(records(loki.requests)) == len(lines), tmp_path / "alloy.log")
        finally:
            process.kill()
            process.wait()
        found = records(loki.requests)

    by_line = {plain(record["body"]): (resource, record) for resource, record in found}
    assert {line: ids(by_line[line][1]) for line, _ in LINES} == dict(LINES)
    assert "password=REDACTED" in by_line
    resource, record = by_line["plain"]
    assert resource["k8s.namespace.name"] == resource["service.namespace"] == "shop"
    assert resource["k8s.pod.name"] == "cart-0"
    assert resource["k8s.container.name"] == "web"
    assert resource["k8s.cluster.name"] == "dev-1"
    # The file's own attributes are those of the test's source.
    kept = {key for key in values_of(record.get("attributes", [])) if "file" not in key}
    assert kept == set()


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
        process = run(text + SOURCE % (path, "lines.trace_ids.default.receiver"), tmp_path)
        try:
            wait_for(lambda: bool(loki.requests), tmp_path / "alloy.log")
        finally:
            process.kill()
            process.wait()
        [request] = loki.requests

    # A push request: the labels of the stream, then its entries with their structured metadata.
    labels, _, entry = request.body.partition(b"}")
    assert b"trace" not in labels
    assert b"trace_id" in entry.partition(f"traceID={TRACE}".encode())[2]
    assert TRACE.encode() in entry.partition(f"traceID={TRACE}".encode())[2]
