"""Sends one trace to a stack that is up and finds it again: python -m delivery.smoke STACK."""

import argparse
import contextlib
import json
import re
import secrets
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi

from components.settings import TracingSettings
from plan.run import Plan, run

SERVICE = "smoke-check"
#: Seconds until a trace must be found; Alloy and Tempo each collect spans before they pass them on.
WAIT_SECONDS = 60
_PAUSE_SECONDS = 1
_FORWARDING = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) -> ")


class SmokeError(Exception):
    """A trace was refused or not found; the message is what to tell."""


def span(trace_id: str) -> dict[str, Any]:
    """Return a trace of one span that ends now, in OTLP's JSON."""
    now = time.time_ns()
    attribute = {"key": "service.name", "value": {"stringValue": SERVICE}}
    one = {
        "traceId": trace_id,
        "spanId": trace_id[:16],
        "name": "smoke",
        "kind": 1,
        "startTimeUnixNano": str(now - 1_000_000),
        "endTimeUnixNano": str(now),
    }
    spans = [{"resource": {"attributes": [attribute]}, "scopeSpans": [{"spans": [one]}]}]
    return {"resourceSpans": spans}


def check(*, send_to: str, query: str, tenant: str | None = None) -> Mapping[str, str]:
    """Send a trace and find it again.

    Args:
        send_to: URL of an OTLP/HTTP receiver, without `/v1/traces`.
        query: URL of Tempo's API.
        tenant: tenant to read as; the receiver writes as its own.

    Returns:
        The attributes of the resource as Tempo has it.

    Raises:
        SmokeError: the receiver refused the trace, or Tempo has not got it in time.
    """
    trace_id = secrets.token_hex(16)
    body = json.dumps(span(trace_id)).encode()
    status, said = _ask(f"{send_to}/v1/traces", {"Content-Type": "application/json"}, body)
    if status != 200:
        raise SmokeError(f"the trace was refused: {status or 'no answer'} {said}".strip())
    headers = {"Accept": "application/json"} | ({"X-Scope-OrgID": tenant} if tenant else {})
    end = time.monotonic() + WAIT_SECONDS
    while True:
        status, said = _ask(f"{query}/api/traces/{trace_id}", headers)
        if status == 200 and (found := _attributes(json.loads(said))):
            return found
        if time.monotonic() > end:
            answer = f"{status or 'no answer'} {said}".strip()
            raise SmokeError(
                f"trace {trace_id} was taken but not found in {WAIT_SECONDS} s; "
                f"Tempo answers: {answer}"
            )
        time.sleep(_PAUSE_SECONDS)


def _ask(url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, str]:
    """Return status and text of an answer; status 0 and the reason where there is none."""
    try:
        request = urllib.request.Request(url, body, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read(500).decode(errors="replace")
    except OSError as error:
        return 0, str(error)


def _attributes(trace: dict[str, Any]) -> dict[str, str]:
    """Return the text attributes of the resource whose span was sent; empty if it is not there."""
    batches: list[Any] = trace.get("batches", [])
    for batch in batches:
        attributes = {
            attribute["key"]: str(attribute["value"].get("stringValue", ""))
            for attribute in batch["resource"].get("attributes", [])
        }
        if attributes.get("service.name") == SERVICE:
            return attributes
    return {}


@contextlib.contextmanager
def forwarded(url: str, settings: TracingSettings) -> Generator[str]:
    """Forward a port of this machine to a service in the cluster; yield its URL.

    Args:
        url: URL of the service within the cluster.
        settings: settings of the stack; without a context, kubectl's current one is taken.

    Raises:
        SmokeError: kubectl is missing or forwards nothing.
    """
    parts = urlsplit(url)
    service, namespace = (parts.hostname or "").split(".")[:2]
    command = ["kubectl", "port-forward", f"service/{service}", f":{parts.port}", "-n", namespace]
    if settings.cluster.kube_context:
        kubeconfig = Path(settings.cluster.kubeconfig).expanduser()
        command += [f"--kubeconfig={kubeconfig}", f"--context={settings.cluster.kube_context}"]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    except OSError as error:
        raise SmokeError(f"kubectl does not run: {error}") from None
    with process:
        try:
            output = process.stdout or ()
            found = next(filter(None, map(_FORWARDING.match, output)), None)
            if found is None:
                raise SmokeError(f"kubectl forwards no port to {url}")
            # It says a line for each connection, and would stand still were they not read.
            threading.Thread(target=list, args=(output,), daemon=True).start()
            yield f"http://{found[1]}"
        finally:
            process.terminate()


def smoke(plan: Plan) -> Mapping[str, str]:
    """Send a trace to the stack of a plan, which is up, and return what Tempo has of it.

    Raises:
        SmokeError: there is no way to it, or the trace is not found.
    """
    outputs = plan.recording.outputs
    settings = plan.settings
    with (
        forwarded(outputs["otlpHttpEndpoint"], settings) as send_to,
        forwarded(outputs["tempoQueryUrl"], settings) as query,
    ):
        return check(send_to=send_to, query=query, tenant=settings.tempo.tenant)


def main() -> int:
    """Check one stack; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.smoke", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    try:
        found = smoke(run(parser.parse_args().stack, Path.cwd()))
    except (SmokeError, pulumi.RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("Tempo has the trace, with these attributes of its resource:")
    for key, value in sorted(found.items()):
        print(f"  {key} = {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
