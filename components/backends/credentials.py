"""The Secret with the backends' passwords: its keys, and how pods mount it.

Programs read a password from a file: an environment variable or an argument of a module would show
it in Alloy's web interface, and a changed password reaches the pod without a restart.
"""

from collections.abc import Iterable
from typing import Any

#: Keys of the Secret, and names of the mounted files.
METRICS_PASSWORD = "METRICS_PASSWORD"  # noqa: S105 - a name
LOGS_PASSWORD = "LOGS_PASSWORD"  # noqa: S105 - a name

_PATH = "/etc/backend-credentials"
_VOLUME = "backend-credentials"


def password_file(key: str) -> str:
    """Return the path of the mounted file with a password."""
    return f"{_PATH}/{key}"


def volumes(secret: str | None, keys: Iterable[str]) -> list[dict[str, Any]]:
    """Return the pod's volume with some keys of the Secret; none without keys."""
    items = [{"key": key, "path": key} for key in keys]
    return [{"name": _VOLUME, "secret": {"secretName": secret, "items": items}}] if items else []


def mounts(keys: Iterable[str]) -> list[dict[str, Any]]:
    """Return where a container mounts that volume."""
    mount = {"name": _VOLUME, "mountPath": _PATH, "readOnly": True}
    return [mount] if list(keys) else []
