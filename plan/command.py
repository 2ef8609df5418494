"""Helpers of all commands: checks of stack names, and messages instead of tracebacks.

Imports no package, because some commands run where none is installed.
"""

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable

_STACK = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class CommandError(Exception):
    """A command failed; the text is the message."""


def stack_name_problem(name: str) -> str | None:
    """Return why a stack can't have a name, or None. Pulumi allows the same names."""
    if _STACK.fullmatch(name):
        return None
    shown = name if len(name) <= 100 else f"{name[:100]}..."
    return (
        f"{shown!a} is not a stack name: use the part between `Pulumi.` and `.yaml` of the stack "
        "file, 1 to 100 letters, digits, `_`, `.` or `-`, for example `dev`"
    )


def check_stack_name(name: str) -> None:
    """Refuse a name that no stack can have, before it becomes part of a path.

    Raises:
        CommandError: the name is wrong.
    """
    if wrong := stack_name_problem(name):
        raise CommandError(wrong)


def reporting(*expected: type[Exception]) -> Callable[[Callable[[], int]], Callable[[], int]]:
    """Decorate a command so that an error ends it with a message and status 1, not a traceback.

    The text of an expected error is the message. Errors of files and programs are worded here.
    """

    def decorate(command: Callable[[], int]) -> Callable[[], int]:
        @functools.wraps(command)
        def run() -> int:
            try:
                return command()
            except BrokenPipeError:
                # The reader, for example `head`, closed the pipe. Python would fail again when it
                # flushes.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 1
            except (CommandError, *expected) as error:
                message = str(error)
            except subprocess.CalledProcessError as error:
                said = str(error.stderr or "").strip()
                message = f"{error.cmd[0]} ended with status {error.returncode}. {said}".strip()
            except OSError as error:
                about = f"{error.filename}: " if error.filename else ""
                message = f"{about}{error.strerror or error}"
            except KeyboardInterrupt:
                print("interrupted", file=sys.stderr)
                return 130
            print(f"error: {message}", file=sys.stderr)
            return 1

        return run

    return decorate
