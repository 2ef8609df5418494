"""What becomes of entries of ``env``: the environment that a process finds, values of outputs."""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any

import pulumi

#: The fields of the downward API that are asked for, as one pod has them.
FIELDS = {
    "metadata.name": "cart-7d9f-x2",
    "metadata.uid": "0d2e6a8c-1111-4222-8333-944445555666",
    "metadata.namespace": "shop",
    "spec.nodeName": "ip-10-0-1-7",
}


def environment(entries: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the environment of a container; only variables before an entry are expanded in it."""
    found: dict[str, str] = {}
    for entry in entries:
        if "valueFrom" in entry:
            found[entry["name"]] = FIELDS[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        else:
            found[entry["name"]] = _expanded(entry["value"], found)
    return found


def _expanded(text: str, known: dict[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else known.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)", one, text)


def later(made: Callable[[], pulumi.Input[str]]) -> str | None:
    """Return what becomes of an output, or raise what its making raises."""

    async def value() -> str | None:
        return await pulumi.Output.from_input(made()).future()

    return asyncio.run(value())
