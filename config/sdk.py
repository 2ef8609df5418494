"""The parts of Pulumi's SDK that are not public, which only this module imports.

A new release of the SDK may change them; tests/config/test_sdk.py then fails. The policy pack runs
in an environment of its own and imports its one name itself.
"""

# These parts have no types.
# pyright: reportUnknownMemberType=false

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import pulumi.runtime
from pulumi.runtime import config as _config
from pulumi.runtime import mocks as _mocks
from pulumi.runtime import resource as _resource
from pulumi.runtime import rpc as _rpc
from pulumi.runtime.proto import engine_pb2 as _engine
from pulumi.runtime.proto import resource_pb2 as _resource_pb2
from pulumi.runtime.proto.source_pb2 import StackTrace as _StackTrace
from pulumi.runtime.settings import set_root_resource as _set_root_resource

Engine = _mocks.MockEngine
Monitor = _mocks.MockMonitor
#: Answers to a resource that is registered, and to one that is read.
Registered = _resource_pb2.RegisterResourceResponse
Read = _resource_pb2.ReadResourceResponse

#: Placeholder for a value that is known only after an update.
UNKNOWN: Final = _rpc.UNKNOWN
#: Severity of a warning in the program's log.
WARNING: Final = _engine.WARNING


def configuration() -> dict[str, str]:
    """Return the current stack's configuration: full keys and text, objects as JSON.

    `pulumi.Config` reads known keys one by one; only the whole shows unknown ones.
    """
    return dict(_config.CONFIG.get())


def is_secret(key: str) -> bool:
    """Return whether a full key of the configuration is encrypted."""
    return _config.is_config_secret(key)


def is_secret_value(value: Mapping[Any, Any]) -> bool:
    """Return whether an object on the wire is a secret, with the plain value under `value`."""
    return value.get(_rpc._special_sig_key) == _rpc._special_secret_sig  # pyright: ignore


def start(
    monitor: Monitor,
    engine: Engine,
    *,
    project: str,
    stack: str,
    preview: bool,
    config: Mapping[str, str],
    secret_keys: Sequence[str],
) -> None:
    """Let the program of the current context register its resources with a monitor.

    From then on, the SDK describes no place in the source to the monitor: reading the call stack
    for each resource takes up to a fifth of the time of a program.

    `config` has full keys and text, objects as JSON.
    """
    pulumi.runtime.configure(
        _mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(cast(Any, monitor).GetDeploymentInfo(None).supportedFeatures),
            engine=engine,
            project=project,
            stack=stack,
            dry_run=preview,
            organization="organization",
            callbacks=None,
            outputs=set(),
            lock=threading.Lock(),
        )
    )
    pulumi.runtime.set_all_config(dict(config), list(secret_keys))
    _set_root_resource(None)  # pyright: ignore[reportArgumentType]
    _resource._get_stack_trace = _StackTrace  # pyright: ignore[reportPrivateUsage]
