"""Passwords, tokens and certificate authorities of the backends, as files in pods.

Programs read a password from a file: an environment variable or an argument of a module would show
it in Alloy's web interface, and a changed password reaches the pod without a restart.
"""

import re
from collections.abc import Iterator
from typing import Any

from . import amazon
from .settings import Auth, Writers, WriterSettings

#: Header with the tenant, of Mimir, Loki, Tempo and Pyroscope.
TENANT_HEADER = "X-Scope-OrgID"
_PATH = "/etc/backend-credentials"
_VOLUME = "backend-credentials"


def password_key(writer: str) -> str:
    """Return the key in the stack's own Secret of a backend's password or token."""
    return _file(writer, "PASSWORD")


def password_file(writer: str) -> str:
    """Return the path of the mounted file with the password or token of a backend."""
    return f"{_PATH}/{password_key(writer)}"


def ca_file(writer: str) -> str:
    """Return the path of the mounted file with the certificate authority of a backend."""
    return f"{_PATH}/{_file(writer, 'CA')}"


def _file(writer: str, what: str) -> str:
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', writer).strip('_')}_{what}".upper()


def volumes(own_secret: str | None, writers: Writers) -> list[dict[str, Any]]:
    """Return the pod's volume with the files of some backends; none if they need none.

    Args:
        own_secret: name of the stack's own Secret.
        writers: the backends.

    Raises:
        ValueError: a password is in the stack's own Secret, and there is none.
    """
    sources = [one for name, (_, its) in writers.items() for one in _sources(name, its, own_secret)]
    return [{"name": _VOLUME, "projected": {"sources": sources}}] if sources else []


def mounts(writers: Writers) -> list[dict[str, Any]]:
    """Return where a container mounts that volume."""
    mount = {"name": _VOLUME, "mountPath": _PATH, "readOnly": True}
    return [mount] if any(its.has_password or its.ca for _, its in writers.values()) else []


def _sources(writer: str, its: WriterSettings, own_secret: str | None) -> Iterator[dict[str, Any]]:
    """Yield the sources of a backend's files, with their keys and names."""
    if its.has_password:
        file = password_key(writer)
        given = its.existing_secret
        name, key = (given.name, given.key) if given else (own_secret, file)
        if name is None:
            raise ValueError(f"{writer} needs credentials_secret, which holds its password")
        yield {"secret": {"name": name, "items": [{"key": key, "path": file}]}}
    if its.ca:
        kind, name = (
            ("secret", its.ca.secret) if its.ca.secret else ("configMap", its.ca.config_map)
        )
        items = [{"key": its.ca.key, "path": _file(writer, "CA")}]
        yield {kind: {"name": name, "items": items}}


def headers(its: WriterSettings) -> dict[str, str]:
    """Return the headers of each request."""
    return {TENANT_HEADER: its.tenant} if its.tenant else {}


def remote_write(writer: str, url: str, its: WriterSettings) -> dict[str, Any]:
    """Return an endpoint of Prometheus' remote write, with the keys that Tempo and Alloy share."""
    endpoint: dict[str, Any] = {"url": url, "send_exemplars": True}
    if given := headers(its):
        endpoint["headers"] = given
    match its.sign_in:
        case Auth.BASIC:
            endpoint["basic_auth"] = {
                "username": its.username,
                "password_file": password_file(writer),
            }
        case Auth.BEARER:
            endpoint["authorization"] = {
                "type": "Bearer",
                "credentials_file": password_file(writer),
            }
        case Auth.SIGV4:
            signed = {
                "region": amazon.region(url, its),
                "service_name": None if its.sigv4.service == amazon.SERVICE else its.sigv4.service,
                "role_arn": its.sigv4.role_arn,
            }
            endpoint["sigv4"] = {key: value for key, value in signed.items() if value}
        case Auth.NONE:
            pass
    if its.ca:
        endpoint["tls_config"] = {"ca_file": ca_file(writer)}
    return endpoint
