"""GitHub's REST API, through the `gh` CLI of GitHub's runners."""

import json
import os
import subprocess
from typing import Any

from delivery import DeliveryError

#: Author of what a workflow writes with its own token.
BOT = "github-actions[bot]"
#: Maximum length in characters of a comment or an issue on GitHub.
BODY_LIMIT = 65_536


def items(path: str, **parameters: str) -> list[dict[str, Any]]:
    """Return all items of a list of the repository, from all pages."""
    query = [option for key, value in parameters.items() for option in ("-f", f"{key}={value}")]
    lines = _gh(path, "--method", "GET", "--paginate", "--jq", ".[]", *query)
    return [json.loads(line) for line in lines.split("\n") if line]


def write(method: str, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401
    """Create or change something in the repository and return GitHub's answer."""
    return json.loads(_gh(path, "--method", method, "--input", "-", body=json.dumps(body)))


def _gh(path: str, *options: str, body: str | None = None) -> str:
    command = ["gh", "api", f"repos/{variable('GITHUB_REPOSITORY')}/{path}", *options]
    done = subprocess.run(command, input=body, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        raise DeliveryError(f"{path}: {done.stderr.strip()}")
    return done.stdout


def variable(name: str) -> str:
    """Return an environment variable that a workflow sets."""
    try:
        return os.environ[name]
    except KeyError:
        raise DeliveryError(f"{name} is not set: run this command in a GitHub workflow") from None


def own(items: list[dict[str, Any]], marker: str) -> dict[str, Any] | None:
    """Return the first comment or issue that a workflow wrote with a marker.

    The author counts too: anyone can write a marker.
    """
    for item in items:
        if item["user"]["login"] == BOT and str(item.get("body") or "").startswith(marker):
            return item
    return None


def fitting(body: str, rest: str) -> str:
    """Return a body cut to GitHub's limit; `rest` replaces what was cut."""
    if len(body) <= BODY_LIMIT:
        return body
    end = f"\n\n... {rest}\n"
    return body[: BODY_LIMIT - len(end)] + end
