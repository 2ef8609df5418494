"""Ways to sign in to a backend, with the keys of a stack file."""

from typing import Any

SIGN_INS: dict[str, dict[str, Any]] = {
    "none": {},
    "basic": {"username": "writer"},
    "bearer": {"auth": "bearer"},
    "existing Secret": {
        "username": "writer",
        "existingSecret": {"name": "from-vault", "key": "password"},
    },
    "tenant": {"tenant": "team-a"},
    "authority in a ConfigMap": {"ca": {"configMap": "company-ca"}},
    "all": {
        "auth": "bearer",
        "tenant": "team-a",
        "existingSecret": {"name": "from-vault", "key": "token"},
        "ca": {"secret": "company-ca", "key": "root.pem"},
    },
}
