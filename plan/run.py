"""Runs `__main__.py` in process for one stack."""

import dataclasses
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.checks import Problem, SettingsError
from components.settings import TracingSettings
from config.loader import PROJECT
from plan.recorder import Recording, record
from plan.stackfile import read, unread_imports

_PROGRAM = Path(__file__).parent.parent / "__main__.py"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `pulumi up` would create from a stack file."""

    stack: str
    settings: TracingSettings
    recording: Recording


def run(stack: str, root: Path) -> Plan:
    """Return the plan of a stack, whose file is in the folder of Pulumi.yaml.

    Raises:
        SettingsError: the stack file is invalid; nothing was registered.
    """
    config = read(root, stack)
    variables: dict[str, Any] = {}

    def program() -> None:
        variables.update(runpy.run_path(str(_PROGRAM), run_name="__main__"))

    try:
        recording = record(
            program,
            project=PROJECT,
            stack=stack,
            config=config.values,
            secret_keys=config.secret_keys,
        )
    except SettingsError as error:
        if not config.imports:
            raise
        unread = Problem(key="environment", message=unread_imports(stack))
        raise SettingsError(f"Pulumi.{stack}.yaml", [*error.problems, unread]) from None
    if config.imports:
        warnings = [*recording.warnings, f"{unread_imports(stack)}."]
        recording = dataclasses.replace(recording, warnings=warnings)
    return Plan(stack=stack, settings=variables["config"].settings, recording=recording)
