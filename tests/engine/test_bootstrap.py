"""`make bootstrap` and `make bootstrap-move` with the real CLI, on the AWS emulator."""

# boto3 makes its clients at run time and carries no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml

from tests.engine import lab as engine
from tests.engine.lab import ROOT, Lab

REASON = engine.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")

BUCKET = "tracing-state-dev-111111111111-eu-west-1"
BACKEND = f"s3://{BUCKET}?region=eu-west-1"
ALIAS = "alias/tracing-state-dev"


def client(service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=os.environ["LAB_AWS_ENDPOINT"],
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def add_bootstrap(lab: Lab) -> None:
    """Copy the bootstrap project, which is written to, into the lab."""
    but = shutil.ignore_patterns(".pulumi-state", "__pycache__")
    shutil.copytree(ROOT / "bootstrap", lab.project / "bootstrap", ignore=but)
    for part in ("plan", "policy", "Pulumi.dev.yaml"):
        (lab.project / part).symlink_to(ROOT / part)


@pytest.fixture
def account(lab: Lab) -> Iterator[Lab]:
    """The lab with the bootstrap project, and a key that Pulumi can use.

    The emulator stores keys as declared and creates none.
    """
    add_bootstrap(lab)
    lab.env |= {
        "AWS_ENDPOINT_URL": os.environ["LAB_AWS_ENDPOINT"],
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    client("kms").create_alias(AliasName=ALIAS, TargetKeyId=key)
    yield lab
    down = ("destroy", "--yes", "--skip-preview", "--exclude-protected", "--stack", "dev")
    in_bootstrap(lab, *down, backend=BACKEND)
    # The emulator forgets a policy without deleting it.
    client("iam").delete_policy(PolicyArn="arn:aws:iam::123456789012:policy/tracing-dev-boundary")
    client("kms").delete_alias(AliasName=ALIAS)
    bucket = boto3.resource(
        "s3",
        endpoint_url=os.environ["LAB_AWS_ENDPOINT"],
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    ).Bucket(BUCKET)  # pyright: ignore[reportAttributeAccessIssue]
    bucket.object_versions.delete()
    bucket.delete()


def bootstrap(lab: Lab, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run what the make targets run."""
    return subprocess.run(
        [sys.executable, "-m", "bootstrap.cli", command, "dev", *options],
        cwd=lab.project,
        env=lab.env,
        capture_output=True,
        text=True,
    )


def in_bootstrap(lab: Lab, *arguments: str, backend: str) -> subprocess.CompletedProcess[str]:
    """Run the CLI in the bootstrap project."""
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=lab.project / "bootstrap",
        env={**lab.env, "PULUMI_BACKEND_URL": backend},
        capture_output=True,
        text=True,
    )


UP = ("up", "--yes", "--skip-preview", "--non-interactive")


def test_two_commands_set_an_account_up(account: Lab) -> None:
    early = bootstrap(account, "move")
    assert early.returncode == 1
    assert early.stderr == "error: nothing to move yet; first run: make bootstrap STACK=dev\n"

    made = bootstrap(account, *UP)
    assert made.returncode == 0, made.stderr
    assert BACKEND in made.stdout
    the_bucket_is_guarded()
    # moto serves plain HTTP, which the bucket policy denies.
    client("s3").delete_bucket_policy(Bucket=BUCKET)

    moved = bootstrap(account, "move")
    assert moved.returncode == 0, moved.stderr
    file = account.project / "bootstrap" / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text())
    assert document["secretsprovider"] == f"awskms://{ALIAS}?region=eu-west-1"
    assert document["config"] == {"tracing-bootstrap:repository": "example/tracing"}
    assert "encryptionsalt" not in document
    assert [f.name for f in file.parent.glob("*.bak.*")] == []
    local = (file.parent / ".pulumi-state").as_uri()
    assert json.loads(in_bootstrap(account, "stack", "ls", "--json", backend=local).stdout) == []

    # From now on the state is in the bucket.
    again = bootstrap(account, *UP, "--expect-no-changes")
    assert again.returncode == 0, again.stdout
    assert "32 unchanged" in again.stdout
    assert "already" in bootstrap(account, "move").stdout
    the_tracing_stack_keeps_its_state_there(account)


def the_bucket_is_guarded() -> None:
    s3 = client("s3")
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    access = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(access.values()) == {True}
    rules = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert "SecureTransport" in s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    for purpose in ("preview", "drift", "deploy"):
        named = client("iam").list_role_policies(RoleName=f"tracing-dev-{purpose}")
        assert "read-state" in named["PolicyNames"]


def the_tracing_stack_keeps_its_state_there(lab: Lab) -> None:
    """Create the stack as the second command prints, with a secret, and check the state."""
    (lab.project / "Pulumi.dev.yaml").unlink()
    shutil.copy(ROOT / "Pulumi.dev.yaml", lab.project)
    lab.env["PULUMI_BACKEND_URL"] = BACKEND
    provider = f"awskms://{ALIAS}?region=eu-west-1"
    lab.pulumi("stack", "init", "dev", f"--secrets-provider={provider}")
    lab.pulumi("config", "set", "--secret", "tracing:metricsPassword", "hunter2", "--stack", "dev")
    assert lab.read("dev")["secretsprovider"] == provider
    assert "hunter2" not in lab.file("dev").read_text()
    assert lab.pulumi("config", "get", "tracing:metricsPassword").stdout.strip() == "hunter2"
    listed = client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    names = [item["Key"] for item in listed]
    assert ".pulumi/stacks/tracing/dev.json" in names
    assert ".pulumi/stacks/tracing-bootstrap/dev.json" in names
    assert not any("/locks/" in name for name in names)
    lab.pulumi("stack", "rm", "dev", "--yes", "--preserve-config")
    lab.file("dev").unlink()


def test_errors_of_both_stack_files_are_messages(lab: Lab) -> None:
    add_bootstrap(lab)
    file = lab.project / "bootstrap" / "Pulumi.dev.yaml"
    file.write_text("config:\n  tracing-bootstrap:repositry: example/tracing\n")

    done = bootstrap(lab, *UP)

    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "tracing-bootstrap:repositry" in said
    assert "did you mean repository?" in said
    assert "Traceback" not in said
    file.unlink()
    missing = bootstrap(lab, *UP)
    assert missing.returncode == 1
    assert "does not exist. It must set tracing-bootstrap:repository" in missing.stderr
