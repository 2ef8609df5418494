"""Arguments that the tests of the collector of pod logs start from."""

from typing import Any

from components.alloy.pod_logs.component import AlloyPodLogsArgs
from components.alloy.pod_logs.settings import PodLogsSettings
from components.backends.settings import LogsSettings
from tests.alloy.cases import HOSTILE, LOGS
from tests.backends.sign_ins import SIGN_INS


def arguments(**changed: Any) -> AlloyPodLogsArgs:
    """Return the arguments of a plain collector."""
    plain: dict[str, Any] = {
        "logs": LOGS,
        "namespace": "tracing",
        "environment": "dev",
        "cluster_name": "dev-1",
    }
    return AlloyPodLogsArgs(**{**plain, **changed})


def variants() -> dict[str, AlloyPodLogsArgs]:
    """Return arguments that together use every module and every branch."""
    return {
        "plain": arguments(),
        "some namespaces": arguments(
            settings=PodLogsSettings(namespaces=["shop-*", "web"], excluded_namespaces=["shop-x"])
        ),
        "hostile": arguments(environment="".join(HOSTILE), cluster_name="".join(HOSTILE)),
        **{
            name: arguments(
                logs=LogsSettings.model_validate(LOGS.model_dump(exclude_unset=True) | keys),
                credentials_secret="credentials",
            )
            for name, keys in SIGN_INS.items()
            if keys.get("auth") != "sigv4"
        },
    }
