"""An in-memory GitHub with the part of its REST API that the workflows call."""

import json
from dataclasses import dataclass, field
from typing import Any

from delivery.github import BOT

REPOSITORY = "acme/tracing"


@dataclass
class Api:
    """The content of GitHub, and the calls to it."""

    pulls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    issues: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    comments: dict[int, list[dict[str, Any]]] = field(
        default_factory=dict[int, list[dict[str, Any]]]
    )
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def gh(self, path: str, *options: str, body: str | None = None) -> str:
        """Answer as `gh api` does."""
        method = options[options.index("--method") + 1]
        query = dict(option.split("=", 1) for option in options if "=" in option)
        answer = self.answer(method, path, query, json.loads(body or "{}"))
        return "\n".join(map(json.dumps, answer)) if method == "GET" else json.dumps(answer)

    def pull(self, number: int, *, head: str, sha: str, state: str = "open") -> None:
        """Let there be a pull request from `owner:branch`."""
        self.pulls.append({"number": number, "state": state, "head": {"label": head, "sha": sha}})

    def issue(self, number: int, body: str, *, user: str = BOT) -> None:
        """Let there be an open issue."""
        item = {"number": number, "state": "open", "body": body, "user": {"login": user}}
        self.issues.append(item)

    def comment(self, number: int, body: str, *, user: str = BOT) -> None:
        """Let there be a comment."""
        made = {"id": 1000 + len(self.comments.get(number, [])), "body": body}
        self.comments.setdefault(number, []).append({**made, "user": {"login": user}})

    def bodies(self, number: int) -> list[str]:
        """Return the comments of an issue or a pull request."""
        return [comment["body"] for comment in self.comments.get(number, [])]

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Any:
        """Return the answer to a call."""
        self.calls.append((method, path))
        match path.split("/"):
            case ["pulls"]:
                return [
                    p
                    for p in self.pulls
                    if p["state"] == query["state"] and p["head"]["label"] == query["head"]
                ]
            case ["issues"] if method == "GET":
                return [
                    i
                    for i in self.issues
                    if i["state"] == query["state"] and i["user"]["login"] == query["creator"]
                ]
            case ["issues"]:
                self.issue(len(self.issues) + 1, body["body"])
                self.issues[-1]["title"] = body["title"]
                return self.issues[-1]
            case ["issues", "comments", id_]:
                [found] = [c for cs in self.comments.values() for c in cs if c["id"] == int(id_)]
                return found.update(body) or found
            case ["issues", number, "comments"] if method == "GET":
                return self.comments.get(int(number), [])
            case ["issues", number, "comments"]:
                self.comment(int(number), body["body"])
                return self.comments[int(number)][-1]
            case ["issues", number]:
                [found] = [i for i in self.issues if i["number"] == int(number)]
                return found.update(body) or found
            case _:
                raise NotImplementedError(path)
