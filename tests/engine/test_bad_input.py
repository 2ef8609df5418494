"""What a user does wrong, and what is secret, on the real engine."""

import base64
import json
import subprocess

import pytest

from components.checks import SettingsError
from plan.run import run
from tests.engine import lab as engine
from tests.engine.lab import Lab

REASON = engine.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")
PASSWORD = "hunter2: $with #marks"


def test_a_preview_says_what_the_plan_says_and_makes_nothing(lab: Lab) -> None:
    lab.adopt("dev", tempo={"sise": "m", "mode": "distributed"}, identity={"mode": "irsa"})
    with pytest.raises(SettingsError) as raised:
        run("dev", lab.project)

    done = lab.pulumi("preview", "--stack", "dev", ok=False)

    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert " ".join(str(raised.value).split()) in said
    assert "Traceback" not in said
    state = json.loads(lab.pulumi("stack", "export", "--stack", "dev").stdout)
    assert not state["deployment"].get("resources")


def test_passwords_stand_in_no_plain_text(lab: Lab) -> None:
    lab.adopt("dev")
    document = lab.read("dev")
    for backend in ("metrics", "logs"):
        login = {"username": "tempo", "url": "http://backend.example.com", "createDatasource": True}
        document["config"]["tracing:backends"][backend] |= login
    lab.write("dev", document)
    for key in ("metricsPassword", "logsPassword"):
        subprocess.run(
            ["pulumi", "config", "set", "--secret", f"tracing:{key}", "--stack", "dev"],
            cwd=lab.project,
            env=lab.env,
            input=PASSWORD,
            text=True,
            check=True,
        )
    previewed = lab.pulumi("preview", "--json", "--stack", "dev").stdout

    up = lab.pulumi("up", "--yes", "--skip-preview", "--stack", "dev").stdout
    assert lab.changes("dev") == {}

    state = lab.pulumi("stack", "export", "--stack", "dev").stdout
    assert "tracing-datasources-logs" in state
    for text in (previewed, up, state, lab.file("dev").read_text()):
        assert "hunter2" not in text
    secret = json.loads(
        engine.kubectl(
            "get", "secret", "-n", "tracing", "tracing-backend-credentials", "-o", "json"
        )
    )
    assert {k: base64.b64decode(v).decode() for k, v in secret["data"].items()} == {
        "METRICS_PASSWORD": PASSWORD,
        "LOGS_PASSWORD": PASSWORD,
    }
