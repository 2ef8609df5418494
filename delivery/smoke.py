"""Sends a trace to a deployed stack and waits for it in Tempo: python -m delivery.smoke STACK."""

import argparse
import contextlib
import http.client
import json
import re
import secrets
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi

from delivery import DeliveryError
from delivery.reach import kubectl
from plan.command import reporting
from plan.run import Plan, run

SERVICE = "smoke-check"
#: Seconds until Tempo must have the trace. Alloy and Tempo each batch spans.
WAIT_SECONDS = 60
_PAUSE_SECONDS = 1
_FORWARDING = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) -> ")


def check(*, send_to: str, query: str, tenant: str | None = None) -> Mapping[str, str]:
    """Send a trace and return the attributes of its resource once Tempo has it.

    Args:
        send_to: URL of an OTLP/HTTP receiver, without `/v1/traces`.
        query: URL of Tempo's API.
        tenant: tenant to read as; the receiver writes as its tenant.

    Raises:
        DeliveryError: the receiver refused the trace, or Tempo does not have it in time.
    """
    trace_id = secrets.token_hex(16)
    body = json.dumps(_trace(trace_id)).encode()
    status, said = _ask(f"{send_to}/v1/traces", {"Content-Type": "application/json"}, body)
    if status != 200:
        raise DeliveryError(f"the trace was refused: {status or 'no answer'} {said}".strip())
    headers = {"Accept": "application/json"} | ({"X-Scope-OrgID": tenant} if tenant else {})
    end = time.monotonic() + WAIT_SECONDS
    while True:
        status, said = _ask(f"{query}/api/traces/{trace_id}", headers)
        if status == 200 and (found := _attributes(said)):
            return found
        if time.monotonic() > end:
            raise DeliveryError(
                f"trace {trace_id} was accepted but not found within {WAIT_SECONDS} s; "
                f"Tempo answers: {status or 'no answer'} {said}".rstrip()
            )
        time.sleep(_PAUSE_SECONDS)


def _trace(trace_id: str) -> dict[str, Any]:
    """Return a trace with one span that ends now, as OTLP JSON."""
    now = time.time_ns()
    times = {"startTimeUnixNano": str(now - 1_000_000), "endTimeUnixNano": str(now)}
    span = {"traceId": trace_id, "spanId": trace_id[:16], "name": "smoke", "kind": 1, **times}
    service = {"key": "service.name", "value": {"stringValue": SERVICE}}
    scope = {"spans": [span]}
    return {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [scope]}]}


def _ask(url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, str]:
    """Return status and text of an answer; status 0 and the error without one."""
    try:
        request = urllib.request.Request(url, body, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(500).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error) or type(error).__name__


def _attributes(answer: str) -> dict[str, str]:
    """Return the string attributes of the trace's resource; empty if it is not there."""
    try:
        batches: list[Any] = json.loads(answer).get("batches", [])
        for batch in batches:
            attributes = {
                attribute["key"]: str(attribute["value"].get("stringValue", ""))
                for attribute in batch["resource"].get("attributes", [])
            }
            if attributes.get("service.name") == SERVICE:
                return attributes
    except (ValueError, KeyError, TypeError, AttributeError):
        # The answer is not Tempo's. The caller shows it.
        return {}
    return {}


@contextlib.contextmanager
def forwarded(url: str, kubectl: Sequence[str]) -> Generator[str]:
    """Forward a local port to the Service of a URL in the cluster; yield the local URL.

    Raises:
        DeliveryError: kubectl is missing or can't forward.
    """
    parts = urlsplit(url)
    service, namespace = (parts.hostname or "").split(".")[:2]
    command = [*kubectl, "port-forward", f"service/{service}", f":{parts.port}", "-n", namespace]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    except OSError as error:
        raise DeliveryError(f"can't run kubectl: {error}") from None
    with process:
        try:
            output = process.stdout or ()
            found = next(filter(None, map(_FORWARDING.match, output)), None)
            if found is None:
                raise DeliveryError(f"kubectl can't forward a port to {url}")
            # kubectl prints a line for each connection and would block if nobody read them.
            threading.Thread(target=list, args=(output,), daemon=True).start()
            yield f"http://{found[1]}"
        finally:
            process.terminate()


def smoke(plan: Plan) -> Mapping[str, str]:
    """Send a trace to the deployed stack of a plan; return its resource's attributes in Tempo.

    Raises:
        DeliveryError: the cluster can't be reached, the trace was refused or not found, or another
            stack received it.
    """
    outputs = plan.recording.outputs
    settings = plan.settings
    with (
        kubectl(plan.stack, settings.cluster) as command,
        forwarded(outputs["otlpHttpEndpoint"], command) as send_to,
        forwarded(outputs["tempoQueryUrl"], command) as query,
    ):
        found = check(send_to=send_to, query=query, tenant=settings.tempo.tenant)
    # Alloy sets these attributes.
    expected = {
        "k8s.cluster.name": settings.cluster.name,
        "deployment.environment.name": settings.environment.name,
    }
    wrong = [
        f"{name} is {json.dumps(found[name]) if name in found else 'not set'}, "
        f"not {json.dumps(value)}"
        for name, value in expected.items()
        if found.get(name) != value
    ]
    if wrong:
        raise DeliveryError(
            f"the trace was received by another stack: {'; '.join(wrong)}. Check tracing:cluster "
            "and tracing:environment in the stack file; if they changed, run `make up`"
        )
    return found


@reporting(pulumi.RunError)
def main() -> int:
    """Check one stack; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.smoke", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    found = smoke(run(parser.parse_args().stack, Path.cwd()))
    print("Tempo has the trace, with these attributes of its resource:")
    for key, value in sorted(found.items()):
        print(f"  {key} = {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
