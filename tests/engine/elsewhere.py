"""What the examples of reuse need beside the lab: a copy to run, the plugin, parts of a cloud."""

import base64
import contextlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from concurrent import futures
from importlib import metadata
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import boto3  # pyright: ignore[reportMissingTypeStubs]
import grpc
import yaml
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from tests.engine import lab as engine
from tests.engine.lab import Lab
from tests.package.wheel import ROOT, closure, link

EXAMPLES = ROOT / "examples"
#: In front of a copied program: charts come from the lab, whoever asks for them.
_CHARTS = """
import pulumi as _lab

def _charts(args):
    if args.type_ != "kubernetes:helm.sh/v3:Release":
        return None
    props = {{**args.props, "repositoryOpts": {{"repo": "{charts}"}}}}
    return _lab.ResourceTransformResult(props, args.opts)

_lab.runtime.register_resource_transform(_charts)
"""


def adopt(lab: Lab, example: str, stack: str, python: Path | None = None, /, **config: str) -> None:
    """Make the lab's project a copy of an example, with a stack.

    Args:
        lab: the lab.
        example: the example's folder.
        stack: name of the stack, which has a file.
        python: Python of an environment with the wheel, for an example in Python.
        config: values to set in the stack's file.
    """
    lab.project = lab.folder / example
    shutil.copytree(EXAMPLES / example, lab.project, ignore=shutil.ignore_patterns("venv", "sdks"))
    if python:
        (lab.project / "venv").symlink_to(python.parents[1])
        program = lab.project / "__main__.py"
        text = _CHARTS.format(charts=lab.charts) + program.read_text()
        program.write_text(text)
    document = lab.read(stack)
    project = yaml.safe_load((lab.project / "Pulumi.yaml").read_text())["name"]
    document["config"] |= {f"{project}:{key}": value for key, value in config.items()}
    lab.write(stack, document)
    lab.pulumi("stack", "init", stack)


def comes_up_and_goes(lab: Lab, stack: str) -> dict[str, Any]:
    """Run a stack's life: up, no changes, down. Return the outputs that it had."""
    try:
        lab.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
        changes = lab.changes(stack)
        # Spelt out: pytest shows the values of assertions in tests alone.
        assert changes == {}, changes
        return json.loads(lab.pulumi("stack", "output", "--json", "--stack", stack).stdout)
    finally:
        goes(lab, stack)


def goes(lab: Lab, stack: str) -> None:
    """Take a stack down. Its bucket is protected, as it should be: what stays of it goes here."""
    state = json.loads(lab.pulumi("stack", "export", "--stack", stack).stdout)
    down = ("destroy", "--yes", "--skip-preview", "--exclude-protected", "--stack", stack)
    lab.pulumi(*down)
    s3: Any = cast(Any, boto3).client(
        "s3",
        endpoint_url=os.environ["LAB_AWS_ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    for resource in state["deployment"].get("resources", []):
        if resource["type"] == "aws:s3/bucket:Bucket" and resource.get("protect"):
            s3.delete_bucket(Bucket=resource["id"])


def plugin(folder: Path) -> Path:
    """Make a copy of the package, in a repository of its own; return its folder.

    Its environment is there already, with everything linked from where the tests run: Pulumi then
    finds all that it would install.
    """
    for part in ("components", "package"):
        ignored = shutil.ignore_patterns("venv", "__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    shutil.copy(ROOT / "requirements.txt", folder)
    package, links = folder / "package", folder / "links"
    links.mkdir()
    requirements = (ROOT / "requirements.in").read_text().splitlines()
    for name in closure([line for line in requirements if line and not line.startswith("#")]):
        link(metadata.distribution(name), links)
    subprocess.run([sys.executable, "-m", "venv", package / "venv"], check=True)
    [site] = package.glob("venv/lib/python*/site-packages")
    (site / "links.pth").write_text(f"{links}\n")
    return package


def install_providers(lab: Lab) -> None:
    """Let Pulumi find the providers that the package names, at the versions of their SDKs.

    The one for AWS is never started: the lab's stands in for it.
    """
    kubernetes = shutil.which("pulumi-resource-kubernetes") or ""
    for name, program in (("aws", shutil.which("false") or ""), ("kubernetes", kubernetes)):
        version = metadata.version(f"pulumi-{name}")
        folder = Path(lab.env["PULUMI_HOME"], "plugins", f"resource-{name}-v{version}")
        folder.mkdir(parents=True)
        (folder / f"pulumi-resource-{name}").symlink_to(program)


@contextlib.contextmanager
def load_balancers(namespace: str, service: str) -> Generator[None]:
    """Be the controller of load balancers: give a Service an address once it is there."""
    status = {"status": {"loadBalancer": {"ingress": [{"hostname": "balancer.example.com"}]}}}
    patch = ("patch", "service", service, "--subresource=status", "--type=merge", "-p")
    done = threading.Event()

    def work() -> None:
        while not done.wait(1):
            with contextlib.suppress(subprocess.CalledProcessError):
                engine.kubectl("-n", namespace, *patch, json.dumps(status))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()


@contextlib.contextmanager
def clusters(lab: Lab) -> Generator[None]:
    """Be AWS where it makes a cluster: each is the lab's own, and `aws` gives a token for it."""
    kubeconfig = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    server = kubeconfig["clusters"][0]["cluster"]["server"]
    _write_token_command(lab, kubeconfig["users"][0]["user"]["token"])
    port = os.environ["PULUMI_DEBUG_PROVIDERS"].partition("aws:")[2].partition(",")[0]
    providers = lab.env["PULUMI_DEBUG_PROVIDERS"]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        provider = grpc.server(futures.ThreadPoolExecutor(16))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(
            cast(Any, _with_clusters(provider_pb2_grpc.ResourceProviderStub(channel), server)),
            provider,
        )
        lab.env["PULUMI_DEBUG_PROVIDERS"] = f"aws:{provider.add_insecure_port('127.0.0.1:0')}"
        provider.start()
        try:
            yield
        finally:
            provider.stop(None)
            lab.env["PULUMI_DEBUG_PROVIDERS"] = providers


def _write_token_command(lab: Lab, token: str) -> None:
    programs = lab.folder / "programs"
    programs.mkdir()
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "kind": "ExecCredential",
        "status": {"token": token},
    }
    aws = programs / "aws"
    aws.write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    aws.chmod(0o755)
    lab.env["PATH"] = f"{programs}:{lab.env['PATH']}"


def _with_clusters(aws: Any, server: str) -> object:
    """Return a provider that asks another one, and knows where clusters are."""

    class Provider(provider_pb2_grpc.ResourceProviderServicer):
        def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
            if "aws:iam/rolePolicyAttachment:" in request.urn:
                # AWS's own policies, which are there without being made.
                return provider_pb2.CreateResponse(id="attached", properties=request.properties)
            answer = aws.Create(request)
            if "aws:eks/cluster:Cluster" in request.urn and not request.preview:
                answer.properties.update(_address(server))
            return answer

    def forward(name: str) -> Any:
        def call(self: Provider, request: Any, context: grpc.ServicerContext) -> Any:
            try:
                return getattr(aws, name)(request)
            except grpc.RpcError as error:
                known = cast(Any, error)
                context.abort(known.code(), known.details())

        return call

    for name in _calls():
        setattr(Provider, name, forward(name))
    return Provider()


def _calls() -> Iterator[str]:
    for name in vars(provider_pb2_grpc.ResourceProviderServicer):
        if name[0].isupper() and name not in ("Create", "StreamInvoke"):
            yield name


def _address(server: str) -> dict[str, Any]:
    at = urlsplit(server)
    certificate = ssl.get_server_certificate((at.hostname or "", at.port or 443))
    data = base64.b64encode(certificate.encode()).decode()
    return {"endpoint": server, "certificateAuthority": {"data": data}}
