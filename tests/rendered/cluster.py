"""A cluster to try objects on: the one that KUBECONFIG names, and only if it is there for that.

A personal `~/.kube/config` is never used, nor a KUBECONFIG whose current context is anything but
`lab` or one of kind's: tests make namespaces and roles, and remove them again.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

KUBECONFIG = os.environ.get("KUBECONFIG", "")
KUBECTL = shutil.which("kubectl")


def missing() -> str | None:
    """Return what this machine lacks to try objects on a cluster, or None."""
    if not KUBECTL:
        return "kubectl is not on PATH"
    if not Path(KUBECONFIG).is_file():
        return "KUBECONFIG names no file"
    context = yaml.safe_load(Path(KUBECONFIG).read_text()).get("current-context", "")
    if context != "lab" and not context.startswith("kind-"):
        return f"the current context of KUBECONFIG is {context!r}, not lab or kind-*"
    return None


def kubectl(
    *words: str, objects: Sequence[dict[str, Any]] = (), ok: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run kubectl, with objects on its input; where it must succeed, fail with what it printed."""
    done = subprocess.run(
        [KUBECTL or "kubectl", "--kubeconfig", KUBECONFIG, *words],
        input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not ok, done.stderr
    return done
