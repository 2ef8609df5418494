"""The trace and the log that `make verify` sends, as OTLP JSON."""

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

#: Services of the trace.
FRONT, BACK = "tracing-verify", "tracing-verify-backend"
#: Spans of the trace.
SPANS = 3
_INTERNAL, _SERVER, _CLIENT = 1, 2, 3
_ERROR = {"code": 2, "message": "planted by make verify"}
_MS = 1_000_000


@dataclass(frozen=True)
class Sent:
    """One trace and its log.

    A root calls a backend: client and root fail, and the server doesn't, so that SLOs of every
    service count no failed request.
    """

    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))
    at: int = field(default_factory=time.time_ns)

    def traces(self) -> bytes:
        """Return the body for `/v1/traces`."""
        root, client, server = (f"{self.trace_id[:15]}{n}" for n in range(SPANS))
        start = self.at - 100 * _MS

        def span(name: str, its: str, parent: str, kind: int) -> dict[str, Any]:
            return {
                "traceId": self.trace_id,
                "spanId": its,
                **({"parentSpanId": parent} if parent else {}),
                "name": name,
                "kind": kind,
                "startTimeUnixNano": str(start),
                "endTimeUnixNano": str(self.at),
                "status": {} if kind == _SERVER else _ERROR,
            }

        front = [span("verify", root, "", _INTERNAL), span("call", client, root, _CLIENT)]
        back = [span("answer", server, client, _SERVER)]
        spans = [
            {"resource": _resource(service), "scopeSpans": [{"spans": own}]}
            for service, own in ((FRONT, front), (BACK, back))
        ]
        return json.dumps({"resourceSpans": spans}).encode()

    def logs(self) -> bytes:
        """Return the body for `/v1/logs`; the line and the record both have the trace id."""
        record = {
            "timeUnixNano": str(self.at),
            "observedTimeUnixNano": str(self.at),
            "severityNumber": 17,
            "severityText": "ERROR",
            "body": {"stringValue": f"planted by make verify trace_id={self.trace_id}"},
            "traceId": self.trace_id,
            "spanId": f"{self.trace_id[:15]}0",
        }
        logs = {"resource": _resource(FRONT), "scopeLogs": [{"logRecords": [record]}]}
        return json.dumps({"resourceLogs": [logs]}).encode()


def _resource(service: str) -> dict[str, Any]:
    return {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
