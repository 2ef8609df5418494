"""Tenants in a real Tempo, with the configuration that the chart renders."""

import json
import secrets
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from components.tempo.config import tenant_overrides
from components.tempo.settings import TempoMode
from plan.rehearse.programs import HOST, wait_for
from plan.rehearse.sinks import http_sink
from plan.rehearse.tempo import moved, ready, tempo
from tests.tempo.cases import METRICS, arguments
from tests.tempo.rendering import needs_charts, render, tempo_config
from tests.tempo.running import needs_tempo, s3_stand_in, span

pytestmark = [needs_charts, needs_tempo]


def ask(url: str, tenant: str | None, data: bytes | None = None) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if tenant:
        headers["X-Scope-OrgID"] = tenant
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - a fixed scheme
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


# The generator writes series every 15 seconds.
@pytest.mark.slow
def test_each_tenant_reads_its_own_traces_and_one_datasource_reads_all(tmp_path: Path) -> None:
    with s3_stand_in(tmp_path, arguments(TempoMode.MONOLITHIC).bucket) as s3, http_sink() as sink:
        args = arguments(
            TempoMode.MONOLITHIC,
            size="xs",
            storage_endpoint=s3,
            metrics=METRICS.model_copy(update={"remote_write_url": f"{sink.url}/push"}),
            tenants={"pay": {"global": {"max_bytes_per_trace": 500}}, "shared": {}},
        )
        local, ports = moved(tempo_config(render(args, tmp_path)), tmp_path)
        overrides = Path(local["overrides"]["per_tenant_override_config"])
        overrides.write_text(yaml.safe_dump({"overrides": tenant_overrides(args)}))
        with tempo(local, tmp_path):
            ready(ports)
            ingest = f"http://{HOST}:{ports['otlp_http']}/v1/traces"
            query = f"http://{HOST}:{ports['http']}/api/v2/traces"
            traces = {tenant: secrets.token_hex(16) for tenant in ("pay", "shared")}
            for tenant, trace in traces.items():
                wait_for("ring", lambda t=tenant, i=trace: ask(ingest, t, span(i))[0] == 200)
            assert ask(ingest, None, span(traces["pay"]))[0] >= 400

            def found(trace: str, tenant: str | None) -> bool:
                status, body = ask(f"{query}/{trace}", tenant)
                return status == 200 and bool(json.loads(body).get("trace"))

            for trace in traces.values():
                wait_for("trace", lambda t=trace: found(t, "pay|shared"))
            assert found(traces["pay"], "pay")
            assert not found(traces["pay"], "shared")
            assert not found(traces["shared"], "pay")
            assert ask(f"{query}/{traces['pay']}", None)[0] == 401
            query_range = f"http://{HOST}:{ports['http']}/api/metrics/query_range?q=%7B%7D%7Crate()"
            assert ask(query_range, "pay|shared")[0] == 200

            def tenants() -> set[str]:
                name = "traces_spanmetrics_calls_total"
                return {s["tenant"] for s in sink.series() if s["__name__"] == name}

            wait_for("series", lambda: tenants() == {"pay", "shared"})
    assert not any("x-scope-orgid" in request.headers for request in sink.requests)
