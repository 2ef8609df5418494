"""Prints the account and cluster of a stack for GITHUB_OUTPUT: python -m delivery.reach STACK."""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pulumi

from components.core.settings import ClusterSettings
from delivery import DeliveryError
from plan.cli import prepare
from plan.command import reporting
from plan.run import run


@contextlib.contextmanager
def kubectl(stack: str, cluster: ClusterSettings) -> Generator[list[str]]:
    """Yield kubectl with the options that select a stack's cluster.

    It never uses the current context, which may belong to another environment.

    Raises:
        DeliveryError: the stack that owns the cluster has no readable kubeconfig.
    """
    if cluster.stack_reference is None:
        kubeconfig = Path(cluster.kubeconfig).expanduser()
        context = [f"--context={cluster.kube_context}"] if cluster.kube_context else []
        yield ["kubectl", f"--kubeconfig={kubeconfig}", *context]
        return
    text = _kubeconfig(stack, cluster.stack_reference)
    # Only its owner can read a temporary file: a kubeconfig may hold credentials.
    with tempfile.NamedTemporaryFile("w", suffix=".kubeconfig", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield ["kubectl", f"--kubeconfig={file.name}"]


def _kubeconfig(stack: str, reference: str) -> str:
    """Return the output `kubeconfig` of the stack that owns the cluster."""
    cli = prepare(stack)
    command = [cli.program, "stack", "output", "kubeconfig", "--stack", reference]
    done = subprocess.run(  # noqa: S603 - the CLI, and a stack's name from the checked settings
        [*command, "--json", "--show-secrets"], env=cli.env, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise DeliveryError(
            f"can't read the kubeconfig of {reference} (tracing:cluster.stackReference): "
            f"{done.stderr.strip()}"
        )
    try:
        value: object = json.loads(done.stdout)
    except ValueError:
        raise DeliveryError(f"the output kubeconfig of {reference} is not JSON") from None
    return value if isinstance(value, str) else json.dumps(value)


@reporting(pulumi.RunError)
def main() -> int:
    """Print one `name=value` a line; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.reach", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    cluster = run(parser.parse_args().stack, Path.cwd()).settings.cluster
    for name, value in {
        "region": cluster.region,
        "account-id": cluster.account_id,
        "cluster": cluster.name,
        # Empty if another stack owns the cluster and its kubeconfig.
        "kube-context": cluster.kube_context or "",
        "kubeconfig": str(Path(cluster.kubeconfig).expanduser()),
    }.items():
        # GitHub would read a second line as a second output.
        print(f"{name}={' '.join(value.splitlines())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
