"""The real CLI on a state bucket with IAM enforcement, with the credentials of both roles.

The bucket is moto's. It is not encrypted, because moto can't judge permissions on the state's key.
"""

# boto3 and moto's server make their clients at run time and carry no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from tests.bootstrap.programs import policies, recorded

NEEDED = ("pulumi", "pulumi-language-yaml")
pytestmark = pytest.mark.skipif(
    not all(shutil.which(program) for program in NEEDED), reason=f"needs {', '.join(NEEDED)}"
)
#: A project of the same name as the tracing stack's, which makes nothing.
PROJECT = "name: tracing\nruntime: yaml\noutputs:\n  one: 1\n"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def moto() -> Iterator[int]:
    """Run a separate server, since enforcement applies to all of it; yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = cast(int, free.getsockname()[1])
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert server.poll() is None, "moto did not start"
            time.sleep(0.1)
        yield port
        server.terminate()


def enforce(port: int) -> None:
    """Let moto enforce IAM from the next call on."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/moto-api/reset-auth", body="0")
    assert connection.getresponse().status == 200
    connection.close()


@pytest.fixture
def pulumi(tmp_path: Path, moto: int) -> Run:
    """Run the CLI as one of the roles, or as the administrator who made the bucket."""
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    url = f"http://127.0.0.1:{moto}"
    administrator = {"AccessKeyId": "test", "SecretAccessKey": "test"}
    credentials: dict[str, dict[str, str]] = {"administrator": administrator}
    clients: dict[str, Any] = {
        service: boto3.client(
            service,
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for service in ("s3", "iam", "sts")
    }
    backend = recorded("dev").outputs["backendUrl"]
    clients["s3"].create_bucket(
        Bucket=backend.removeprefix("s3://").partition("?")[0],
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    for purpose in ("preview", "deploy"):
        role = clients["iam"].create_role(RoleName=purpose, AssumeRolePolicyDocument="{}")["Role"]
        for name, policy in policies("dev", purpose).items():
            clients["iam"].put_role_policy(RoleName=purpose, PolicyName=name, PolicyDocument=policy)
        session = clients["sts"].assume_role(RoleArn=role["Arn"], RoleSessionName="job")
        credentials[purpose] = session["Credentials"]

    def run(role: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        its = credentials[role]
        env = {
            **os.environ,
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": its["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": its["SecretAccessKey"],
            "AWS_SESSION_TOKEN": its.get("SessionToken", ""),
            "PULUMI_BACKEND_URL": backend,
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
        )

    assert run("administrator", "stack", "init", "dev").returncode == 0
    enforce(moto)
    return run


UP = ("up", "--yes", "--skip-preview", "--stack", "dev")


def test_preview_reads_and_can_not_write(pulumi: Run) -> None:
    for reads in (
        ("preview", "--stack", "dev"),
        ("refresh", "--preview-only", "--stack", "dev"),
        ("stack", "output", "--stack", "dev"),
    ):
        done = pulumi("preview", *reads)
        assert done.returncode == 0, done.stderr
    for writes in (UP, ("refresh", "--yes", "--stack", "dev"), ("stack", "init", "other")):
        done = pulumi("preview", *writes)
        assert done.returncode != 0
        assert "AccessDenied" in done.stdout + done.stderr


def test_deployment_writes_what_a_preview_then_finds(pulumi: Run) -> None:
    done = pulumi("deploy", *UP)
    assert done.returncode == 0, done.stderr
    assert pulumi("preview", "stack", "output", "one", "--stack", "dev").stdout.strip() == "1"
    assert pulumi("preview", "preview", "--expect-no-changes", "--stack", "dev").returncode == 0


def test_deployment_takes_and_gives_back_the_lock(pulumi: Run) -> None:
    assert pulumi("deploy", *UP).returncode == 0
    assert pulumi("deploy", *UP).returncode == 0
    assert pulumi("deploy", "cancel", "--yes", "--stack", "dev").returncode == 0
