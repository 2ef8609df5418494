"""The few calls of GitHub's REST API that the workflows need."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

#: Author of what a workflow writes with its own token.
BOT = "github-actions[bot]"
#: Longest body of a comment or an issue that GitHub takes, in characters.
BODY_LIMIT = 65_536
_PER_PAGE = 100


class GitHubError(Exception):
    """GitHub refused a call, or could not be reached."""


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """One repository on GitHub.

    Attributes:
        repository: `owner/name`.
        token: token of the workflow.
        api: URL of the API.
    """

    repository: str
    token: str = field(repr=False)
    api: str = "https://api.github.com"

    def list(self, path: str, **parameters: str) -> Iterator[dict[str, Any]]:
        """Yield all items of a list, page by page."""
        page = 1
        while True:
            query = urllib.parse.urlencode({**parameters, "per_page": _PER_PAGE, "page": page})
            items = self.call("GET", f"{path}?{query}")
            yield from items
            if len(items) < _PER_PAGE:
                return
            page += 1

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Call the API below the repository and return its answer.

        Raises:
            GitHubError: the answer is no success; with what GitHub says.
        """
        request = urllib.request.Request(  # noqa: S310
            f"{self.api}/repos/{self.repository}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read(1000).decode(errors="replace")
            raise GitHubError(f"{method} {path}: GitHub answers {error.code}: {said}") from None
        except (OSError, ValueError) as error:
            raise GitHubError(f"{method} {path}: {error}") from None


def from_environment() -> GitHub:
    """Return the repository that a workflow runs in; its variables name it."""
    return GitHub(
        repository=variable("GITHUB_REPOSITORY"),
        token=variable("GITHUB_TOKEN"),
        api=variable("GITHUB_API_URL"),
    )


def variable(name: str) -> str:
    """Return an environment variable that a workflow sets.

    Raises:
        GitHubError: it is not set.
    """
    try:
        return os.environ[name]
    except KeyError:
        raise GitHubError(f"{name} is not set: a GitHub workflow runs this command") from None


def is_own(item: dict[str, Any], marker: str) -> bool:
    """Return whether a workflow wrote a comment or an issue, and marked it so.

    The author counts too: anybody can write a marker.
    """
    return item["user"]["login"] == BOT and str(item.get("body") or "").startswith(marker)


def fitting(body: str, rest: str) -> str:
    """Return a body within GitHub's limit; a cut one ends with where the rest is."""
    if len(body) <= BODY_LIMIT:
        return body
    end = f"\n\n... {rest}\n"
    return body[: BODY_LIMIT - len(end)] + end
