"""What docs/recovery.md and docs/state.md say to do, done with the real CLI after real damage."""

import base64
import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest

from tests.engine import aws_reads
from tests.engine import lab as engine
from tests.engine.lab import Lab

REASON = engine.missing() or (None if shutil.which("helm") else "helm is not on PATH")
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no real engine: {REASON}")

UP = ("up", "--yes", "--skip-preview", "--stack", "dev")
BUCKET = "traces-dev-111111111111-eu-west-1"
TEMPO = (
    "urn:pulumi:dev::tracing::tracing:index:TracingStack$tracing:index:Tempo"
    "$kubernetes:helm.sh/v3:Release::tracing-tempo-release"
)


def said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def client() -> Any:
    return cast(Any, boto3).client(
        "s3",
        endpoint_url=os.environ["LAB_AWS_ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def helm(*arguments: str) -> str:
    command = ["helm", "--namespace", "tracing", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def checkpoint(lab: Lab) -> Path:
    return lab.folder / "state/.pulumi/stacks/tracing/dev.json"


def deployment(lab: Lab) -> dict[str, Any]:
    """Return what the state holds now, also while an `up` writes it."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return json.loads(checkpoint(lab).read_text())["checkpoint"]["latest"] or {}
    return {}


def interrupt(lab: Lab) -> None:
    """Start an `up`, and kill all of it in the middle of Tempo's release, as a lost machine would.

    The pods must not become ready by themselves. All else is done by then: what is cut off between
    the cluster and the state would be in the way of the next `up`.
    """
    with subprocess.Popen(
        ["pulumi", *UP, "--non-interactive"],
        cwd=lab.project,
        env=lab.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as up:
        while not (pending(lab) == {TEMPO} and "tempo" in helm("list", "--all", "--short")):
            assert up.poll() is None, "the up ended before it could be interrupted"
        engine.kill(up.pid)


def pending(lab: Lab) -> set[str]:
    """Return the URNs of what was begun and not ended, as far as the state knows."""
    operations: list[dict[str, Any]] = deployment(lab).get("pending_operations") or []
    return {operation["resource"]["urn"] for operation in operations}


def test_an_up_that_was_interrupted_goes_on(lab: Lab) -> None:
    # A volume of this class is never there, and Helm waits for it.
    lab.adopt("dev", tempo={"storageClass": "none-such"})
    interrupt(lab)

    locked = lab.pulumi(*UP, ok=False)
    assert "the stack is currently locked by 1 lock(s)" in said(locked)
    lab.pulumi("cancel", "--yes", "--stack", "dev")

    # What was done before is known; the release is there, and Pulumi does not know it.
    again = lab.pulumi(*UP, ok=False)
    assert again.returncode != 0
    assert "cannot re-use a name that is still in use" in said(again)
    assert "pending operations from previous deployment" in said(again)
    assert TEMPO in said(again)
    helm("uninstall", "tempo")
    lab.pulumi("refresh", "--clear-pending-creates", "--yes", "--skip-preview", "--stack", "dev")
    assert pending(lab) == set()
    # Helm leaves the volume, if it came that far.
    gone = ("--ignore-not-found", "--namespace", "tracing")
    engine.kubectl("delete", "pvc", "storage-tempo-0", *gone)
    document = lab.read("dev")
    del document["config"]["tracing:tempo"]["storageClass"]
    lab.write("dev", document)
    lab.pulumi(*UP)
    assert lab.changes("dev") == {}


def stuck(release: str) -> None:
    """Leave behind what a killed upgrade leaves: a newest revision that is `pending-upgrade`."""
    last = json.loads(helm("history", release, "--output", "json"))[-1]["revision"]
    name = f"sh.helm.release.v1.{release}.v{last}"
    secret = json.loads(
        engine.kubectl("get", "secret", "--namespace", "tracing", name, "--output", "json")
    )
    # Helm packs a release as JSON, gzip, base64; Kubernetes does base64 once more.
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    kept = json.loads(gzip.decompress(packed))
    kept["version"] = last + 1
    kept["info"]["status"] = "pending-upgrade"
    again = base64.b64encode(gzip.compress(json.dumps(kept).encode()))
    secret["data"]["release"] = base64.b64encode(again).decode()
    labels = secret["metadata"]["labels"] | {
        "status": "pending-upgrade",
        "version": str(last + 1),
    }
    secret["metadata"] = {
        "name": f"sh.helm.release.v1.{release}.v{last + 1}",
        "namespace": "tracing",
        "labels": labels,
    }
    engine.kubectl("create", "--filename", "-", text=json.dumps(secret))


def test_a_release_that_is_stuck_goes_on(lab: Lab) -> None:
    lab.adopt("dev")
    lab.pulumi(*UP)
    stuck("tempo")
    document = lab.read("dev")
    document["config"]["tracing:tempo"]["retentionHours"] = 96
    lab.write("dev", document)

    refused = lab.pulumi(*UP, ok=False)
    assert refused.returncode != 0
    assert "another operation (install/upgrade/rollback) is in progress" in said(refused)

    statuses = [item["status"] for item in json.loads(helm("history", "tempo", "-o", "json"))]
    assert statuses == ["deployed", "pending-upgrade"]
    helm("rollback", "tempo", "1")
    lab.pulumi(*UP)
    assert lab.changes("dev") == {}
    assert "96h" in helm("get", "values", "tempo", "--all")


def test_a_damaged_state_is_brought_back(lab: Lab) -> None:
    lab.adopt("dev")
    lab.pulumi(*UP)
    good = lab.folder / "good.json"
    lab.pulumi("stack", "export", "--stack", "dev", "--file", str(good))

    # A file that is no state any more, as after a disk that was full.
    checkpoint(lab).write_text(checkpoint(lab).read_text()[:5000])
    broken = lab.pulumi("preview", "--stack", "dev", ok=False)
    assert broken.returncode != 0
    newest = max((lab.folder / "state/.pulumi/backups/tracing/dev").glob("dev.*.json"))
    shutil.copy(newest, checkpoint(lab))
    assert lab.changes("dev") == {}

    # A state whose resources contradict each other, as after an edit by hand.
    edited = json.loads(good.read_text())
    resources = edited["deployment"]["resources"]
    edited["deployment"]["resources"] = resources[::-1]
    contradicting = lab.folder / "contradicting.json"
    contradicting.write_text(json.dumps(edited))
    lab.pulumi("stack", "import", "--force", "--stack", "dev", "--file", str(contradicting))
    refused = lab.pulumi("preview", "--stack", "dev", ok=False)
    assert "pulumi state repair" in said(refused)
    lab.pulumi("state", "repair", "--yes", "--stack", "dev")
    assert lab.changes("dev") == {}

    # A state that is good, from before.
    lab.pulumi("stack", "import", "--stack", "dev", "--file", str(good))
    assert lab.changes("dev") == {}
    forgotten_resources_are_taken_up(lab)
    moved_to_another_backend(lab)


def forgotten_resources_are_taken_up(lab: Lab) -> None:
    """Import a release and a ConfigMap that the state knows no more."""
    ids = {
        "tracing-beyla-release": "tracing-beyla/beyla",
        "tracing-datasources-tempo": "monitoring/tracing-datasource-tempo",
    }
    for resource in deployment(lab)["resources"]:
        if resource["urn"].rsplit("::", 1)[1] in ids:
            assert resource["id"] == ids[resource["urn"].rsplit("::", 1)[1]]
            lab.pulumi("state", "delete", resource["urn"], "--yes", "--stack", "dev")
    assert lab.changes("dev") == dict.fromkeys(ids, "create")
    file = lab.folder / "import.json"
    lab.pulumi("preview", "--stack", "dev", "--import-file", str(file))
    listed = json.loads(file.read_text())
    for item in listed["resources"]:
        item["id"] = ids[item["name"]]
    file.write_text(json.dumps(listed))
    how = ("--generate-code=false", "--yes", "--skip-preview")
    lab.pulumi("import", "--stack", "dev", "--file", str(file), *how)
    assert set(lab.changes("dev").values()) <= {"update"}
    lab.pulumi(*UP)
    assert lab.changes("dev") == {}


def moved_to_another_backend(lab: Lab) -> None:
    """Move the state, and its secrets to another passphrase."""
    old = lab.env["PULUMI_BACKEND_URL"]
    new = lab.folder / "new"
    new.mkdir()
    lab.env["PULUMI_BACKEND_URL"] = new.as_uri()
    lab.pulumi("stack", "migrate", old, "dev", "--yes", "--secrets-provider", "passphrase")
    assert lab.changes("dev") == {}
    assert "tracing-tempo-release" in lab.pulumi("stack", "--show-urns", "--stack", "dev").stdout


def bucket_is_protected(lab: Lab) -> bool:
    [bucket] = [r for r in deployment(lab)["resources"] if r["type"] == "aws:s3/bucket:Bucket"]
    return bool(bucket.get("protect")) and bool(bucket.get("retainOnDelete"))


def test_a_bucket_that_lost_its_protection_gets_it_back(lab: Lab) -> None:
    lab.adopt("dev", storage={"protect": True})
    lab.pulumi(*UP)
    assert bucket_is_protected(lab)

    lab.pulumi("state", "unprotect", "--all", "--yes", "--stack", "dev")
    assert not bucket_is_protected(lab)
    lab.pulumi(*UP)
    assert bucket_is_protected(lab)
    refused = lab.pulumi("destroy", "--yes", "--stack", "dev", ok=False)
    assert "protected" in said(refused)

    # Lifted by the stack file, the bucket goes.
    document = lab.read("dev")
    document["config"]["tracing:storage"]["protect"] = False
    lab.write("dev", document)
    lab.pulumi(*UP)
    assert not bucket_is_protected(lab)


def test_a_bucket_that_is_gone_is_made_anew(lab: Lab) -> None:
    lab.adopt("dev")
    lab.pulumi(*UP)
    s3 = client()
    s3.delete_bucket(Bucket=BUCKET)
    # Only a refresh asks AWS.
    assert lab.changes("dev") == {}

    lab.pulumi("refresh", "--yes", "--skip-preview", "--stack", "dev")
    assert lab.changes("dev") == {"tracing-storage-bucket": "create"}
    lab.pulumi(*UP)
    assert BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


@pytest.fixture
def reading(lab: Lab) -> Generator[Lab]:
    """The lab with a provider that imports can read by."""
    with aws_reads.providers() as named:
        lab.env["PULUMI_DEBUG_PROVIDERS"] = named
        yield lab
    lab.env["PULUMI_DEBUG_PROVIDERS"] = os.environ["PULUMI_DEBUG_PROVIDERS"]


def test_a_bucket_that_stayed_is_taken_over(reading: Lab) -> None:
    lab = reading
    s3 = client()
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="single-tenant/b/meta.json", Body=b"{}")
    lab.adopt("dev")
    for part in ("plan", "policy"):
        (lab.project / part).symlink_to(engine.ROOT / part)
    adopt(lab)

    guards = {"public-access-block", "ownership", "encryption", "tls-only", "lifecycle"}
    planned = {k: v for k, v in lab.changes("dev").items() if k.startswith("tracing-storage")}
    assert planned == {
        "tracing-storage-bucket": "update",
        **{f"tracing-storage-{guard}": "update" for guard in guards},
    }
    lab.pulumi(*UP)
    assert lab.changes("dev") == {}
    assert s3.get_public_access_block(Bucket=BUCKET)
    # moto speaks plain HTTP, which the bucket's policy denies.
    s3.delete_bucket_policy(Bucket=BUCKET)
    assert s3.get_object(Bucket=BUCKET, Key="single-tenant/b/meta.json")["Body"].read() == b"{}"
    s3.delete_object(Bucket=BUCKET, Key="single-tenant/b/meta.json")
    again = adopt(lab, ok=False)
    assert again == "error: the stack has its bucket already\n"


def adopt(lab: Lab, *, ok: bool = True) -> str:
    """Run what the make target runs; return what it said of an error."""
    done = subprocess.run(
        [sys.executable, "-m", "plan.adopt", "dev", "--yes", "--skip-preview", "--non-interactive"],
        cwd=lab.project,
        env=lab.env,
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) is ok, said(done)
    return done.stderr
