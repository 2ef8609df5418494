"""A GitHub in memory that answers as its REST API does, as far as the workflows ask it."""

import contextlib
import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from delivery.github import BOT, GitHub

REPOSITORY = "acme/tracing"
TOKEN = "a-token"


@dataclass
class Api:
    """What GitHub has, and what it was told."""

    url: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    issues: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    comments: dict[int, list[dict[str, Any]]] = field(
        default_factory=dict[int, list[dict[str, Any]]]
    )
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    refuse: int = 0

    @property
    def github(self) -> GitHub:
        """The client of it."""
        return GitHub(repository=REPOSITORY, token=TOKEN, api=self.url)

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
        """Return the answer to a call; None where there is no such thing."""
        self.calls.append((method, path))
        match path.split("/"):
            case ["pulls"]:
                return self._page(
                    [
                        p
                        for p in self.pulls
                        if p["state"] == query["state"] and p["head"]["label"] == query["head"]
                    ],
                    query,
                )
            case ["issues"] if method == "GET":
                return self._page(
                    [
                        i
                        for i in self.issues
                        if i["state"] == query["state"] and i["user"]["login"] == query["creator"]
                    ],
                    query,
                )
            case ["issues"]:
                self.issue(len(self.issues) + 1, body["body"])
                self.issues[-1]["title"] = body["title"]
                return self.issues[-1]
            case ["issues", "comments", id_]:
                [found] = [c for cs in self.comments.values() for c in cs if c["id"] == int(id_)]
                return found.update(body) or found
            case ["issues", number, "comments"] if method == "GET":
                return self._page(self.comments.get(int(number), []), query)
            case ["issues", number, "comments"]:
                self.comment(int(number), body["body"])
                return self.comments[int(number)][-1]
            case ["issues", number]:
                [found] = [i for i in self.issues if i["number"] == int(number)]
                return found.update(body) or found
            case _:
                return None

    @staticmethod
    def _page(items: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
        size, page = int(query["per_page"]), int(query["page"])
        return items[(page - 1) * size : page * size]


@contextlib.contextmanager
def serving() -> Generator[Api]:
    """Serve one."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def handle_call(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            prefix = f"/repos/{REPOSITORY}/"
            assert parts.path.startswith(prefix)
            allowed = self.headers["Authorization"] == f"Bearer {TOKEN}" and not api.refuse
            path = parts.path.removeprefix(prefix)
            answer = api.answer(self.command, path, query, body) if allowed else None
            status = 200 if answer is not None else api.refuse or 404
            self.send_response(status)
            self.end_headers()
            said = answer if answer is not None else {"message": "No, not you"}
            self.wfile.write(json.dumps(said).encode())

        do_GET = do_POST = do_PATCH = handle_call  # noqa: N815 - the names that the server calls

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api.url = f"http://127.0.0.1:{server.server_port}"
        yield api
        server.shutdown()
