"""Prints how a workflow reaches the account and cluster of a stack: python -m delivery.reach STACK.

One `name=value` a line, as GITHUB_OUTPUT takes it.
"""

import argparse
import sys
from pathlib import Path

import pulumi

from components.platform.settings import ClusterSettings
from plan.run import run


def outputs(cluster: ClusterSettings) -> dict[str, str]:
    """Return the outputs; without a context, the stack that made the cluster knows the way."""
    return {
        "region": cluster.region,
        "account-id": cluster.account_id,
        "cluster": cluster.name,
        "kube-context": cluster.kube_context or "",
        "kubeconfig": str(Path(cluster.kubeconfig).expanduser()),
    }


def main() -> int:
    """Print the outputs for one stack; return the exit status."""
    parser = argparse.ArgumentParser(prog="delivery.reach", description=__doc__)
    parser.add_argument("stack", help="name of a stack: x for Pulumi.x.yaml")
    try:
        settings = run(parser.parse_args().stack, Path.cwd()).settings
    except pulumi.RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, value in outputs(settings.cluster).items():
        # A value on two lines would be read as two outputs.
        print(f"{name}={' '.join(value.splitlines())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
