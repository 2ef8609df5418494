"""Options of the CLI that let `pulumi preview` and `pulumi up` ask the policies."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plan.policies import resources
from policy.rules.retention import DEPLOYED_HOURS, SHORTENED, retention_hours

PACK = Path("policy")
#: Is there once the pack's own virtual environment is complete (`make policy/venv/.policy`).
INSTALLED = PACK / "venv" / ".policy"
CONFIG = Path("build", "policy")


def options(cli: str, stack: str, env: Mapping[str, str]) -> list[str]:
    """Return the options, or none where the pack is not installed.

    The engine tells a policy what a resource will be, not what it is. So what a policy must know of
    the deployed stack is read from its state here, and handed over as the pack's configuration.

    Args:
        cli: path of the Pulumi CLI.
        stack: name of the stack.
        env: environment of the CLI.
    """
    if not INSTALLED.exists():
        return []
    given = ["--policy-pack", str(PACK)]
    hours = _deployed_retention(cli, stack, env)
    if hours is None:
        return given
    CONFIG.mkdir(parents=True, exist_ok=True)
    config = CONFIG / f"{stack}.json"
    config.write_text(json.dumps({SHORTENED: {DEPLOYED_HOURS: hours}}) + "\n", encoding="utf-8")
    return [*given, "--policy-pack-config", str(config)]


def _deployed_retention(cli: str, stack: str, env: Mapping[str, str]) -> float | None:
    """Return the retention in the stack's state; None for a stack that is not there yet."""
    done = subprocess.run(  # noqa: S603 - the CLI that runs next
        [cli, "stack", "export", "--stack", stack], env=env, capture_output=True, text=True
    )
    if done.returncode != 0:
        return None
    state: list[dict[str, Any]] = json.loads(done.stdout)["deployment"].get("resources") or []
    return retention_hours(resources(state))
