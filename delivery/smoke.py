"""Sends one trace to a stack that is up and finds it again: python -m delivery.smoke STACK."""

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

from delivery.reach import ReachError, kubectl
from plan.command import reporting
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
        if status == 200 and (found := _attributes(said)):
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
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(500).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error) or type(error).__name__


def foreign(attributes: Mapping[str, str], expected: Mapping[str, str]) -> str | None:
    """Return how a trace shows that another stack received it; None if it is this stack's.

    Args:
        attributes: attributes of the resource as Tempo has it.
        expected: attributes that the stack's Alloy sets, by their names.
    """
    wrong = [
        f"{name} is {json.dumps(attributes[name]) if name in attributes else 'not set'}, "
        f"not {json.dumps(value)}"
        for name, value in expected.items()
        if attributes.get(name) != value
    ]
    if not wrong:
        return None
    return (
        f"the trace was received by another stack: {'; '.join(wrong)}. "
        "Check tracing:cluster and tracing:environment in the stack file; if they changed, run "
        "`make up`"
    )


def _attributes(answer: str) -> dict[str, str]:
    """Return the text attributes of the resource whose span was sent; empty if it is not there."""
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
        # What answers is not Tempo; the caller shows the answer.
        return {}
    return {}


@contextlib.contextmanager
def forwarded(url: str, kubectl: Sequence[str]) -> Generator[str]:
    """Forward a port of this machine to a service in the cluster; yield its URL.

    Args:
        url: URL of the service within the cluster.
        kubectl: kubectl with the options that select the stack's cluster.

    Raises:
        SmokeError: kubectl is missing or forwards nothing.
    """
    parts = urlsplit(url)
    service, namespace = (parts.hostname or "").split(".")[:2]
    command = [*kubectl, "port-forward", f"service/{service}", f":{parts.port}", "-n", namespace]
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
        ReachError: there is no way to its cluster.
        SmokeError: the trace is refused or not found, or another stack received it.
    """
    outputs = plan.recording.outputs
    settings = plan.settings
    with (
        kubectl(plan.stack, settings.cluster) as command,
        forwarded(outputs["otlpHttpEndpoint"], command) as send_to,
        forwarded(outputs["tempoQueryUrl"], command) as query,
    ):
        found = check(send_to=send_to, query=query, tenant=settings.tempo.tenant)
    expected = {
        "k8s.cluster.name": settings.cluster.name,
        "deployment.environment.name": settings.environment.name,
    }
    if wrong := foreign(found, expected):
        raise SmokeError(wrong)
    return found


@reporting(ReachError, SmokeError, pulumi.RunError)
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
