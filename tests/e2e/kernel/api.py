"""As much of Kubernetes' API as Beyla asks for: pods, nodes and services, listed and watched."""

import json
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]
#: Kind by the resource's name in a path.
_KINDS = {"pods": "Pod", "nodes": "Node", "services": "Service"}


@dataclass
class Api:
    """A running API server.

    Attributes:
        objects: what it has, by resource.
        asked: resources that it was asked for, each with the verb.
        kubeconfig: file for its clients.
    """

    objects: Mapping[str, Sequence[Object]]
    kubeconfig: Path
    asked: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])


@contextmanager
def api(host: str, objects: Mapping[str, Sequence[Object]], folder: Path) -> Generator[Api]:
    """Run an API server on an address of this machine."""
    its = Api(objects, folder / "kubeconfig")
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            resource = parts.path.rpartition("/")[2]
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            watches = query.get("watch") in ("1", "true")
            its.asked.add((resource, "watch" if watches else "list"))
            kind = _KINDS.get(resource)
            if kind is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            head = {"kind": kind, "apiVersion": "v1"}
            found = [{**head, **each} for each in its.objects.get(resource, ())]
            if not watches:
                meta = {"resourceVersion": "1"}
                self._write({**head, "kind": f"{kind}List", "metadata": meta, "items": found})
                return
            if query.get("sendInitialEvents") == "true":
                for each in found:
                    self._write({"type": "ADDED", "object": each})
                end = {"annotations": {"k8s.io/initial-events-end": "true"}, "resourceVersion": "1"}
                self._write({"type": "BOOKMARK", "object": {**head, "metadata": end}})
            ended.wait()

        def _write(self, document: Object) -> None:
            self.wfile.write(json.dumps(document).encode() + b"\n")
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    its.kubeconfig.write_text(
        json.dumps(
            {
                "kind": "Config",
                "apiVersion": "v1",
                "clusters": [
                    {"name": "c", "cluster": {"server": f"http://{host}:{server.server_port}"}}
                ],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "current-context": "c",
            }
        )
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield its
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
