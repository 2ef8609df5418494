"""Values of charts, and configuration of programs, that a stack file sets by their own keys."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from pydantic import BeforeValidator

from .base import explained
from .contracts import Contract, of_chart, prefixes
from .problem import Problem, SettingsError, looks_secret, nearest_name, problem, shown

if TYPE_CHECKING:
    from .helm import Chart

Tree = Mapping[str, Any]

#: Reasons why the stack owns keys of charts.
NAMES = "addresses, network policies and alerts follow from the names of its objects"
POLICIES = "its network policies follow from it"
IDENTITY = "AWS credentials and permissions are bound to its service account"
#: How long pods take to be replaced: a release whose timeout is shorter would be rolled back.
_PACE = re.compile(
    r"\b(terminationGracePeriodSeconds|minReadySeconds|rollingUpdate|readinessProbe\.initialDelaySeconds)\b"
)
_PACE_OWNER = "the timeout of the release follows from it"
#: Owners of the keys of charts' ServiceMonitors.
MONITOR, MONITOR_LABELS = "grafana.serviceMonitor.enabled", "grafana.serviceMonitor.labels"

_MOST_LEVELS = 30
#: Largest integer that Pulumi's engine keeps exactly: it has floats only.
_MOST = 2**53
#: Keys that look secret, but whose values are a path, a time, or the name of a Secret.
_NO_SECRET = re.compile(
    r"(secret_?(name|ref|provider_?class)|existing_?secret|file|path|expiration|seconds|ttl)$",
    re.IGNORECASE,
)
#: A number for such a key is a password too.
_PASSWORD = re.compile(r"pass(word|wd|phrase)$", re.IGNORECASE)
_ASSIGNED = re.compile(r"-{0,2}([\w.-]+)=.+", re.DOTALL)
_LOGIN = re.compile(r"//[^/\s]*:[^/\s]*@")


def _plain(value: object, level: int = 0) -> Any:  # noqa: ANN401 - any YAML
    """Return a value as a stack file has it, with integers where Pulumi's engine has floats."""
    if level > _MOST_LEVELS:
        raise explained(f"is nested more than {_MOST_LEVELS} levels deep: make it flatter")
    if isinstance(value, dict):
        tree = cast("dict[object, object]", value)
        if others := [key for key in tree if not isinstance(key, str)]:
            raise explained(f"has the key {shown(others[0])}, which must be a string in quotes")
        return {key: _plain(below, level + 1) for key, below in tree.items()}
    if isinstance(value, list):
        return [_plain(item, level + 1) for item in cast("list[object]", value)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= _MOST:
            raise explained("has a number that Pulumi can't keep exactly: put it in quotes")
        return int(value) if value == int(value) else value
    if value is None or isinstance(value, str | bool):
        return value
    raise explained(
        f"has a value of type {type(value).__name__}: use strings, numbers, booleans, lists and "
        "mappings, for example {retries: 3}"
    )


Overrides = Annotated[dict[str, Any], BeforeValidator(_plain)]
"""Values by the keys of a chart or program."""


def merged(built: Tree, given: Tree) -> dict[str, Any]:
    """Return values with those that a stack file sets.

    Mappings merge. Entries with names are added to a list of such entries. All else replaces.
    """
    result = dict(built)
    for key, value in given.items():
        own = result.get(key)
        entries, added = _named(own), _named(value)
        if isinstance(own, Mapping) and isinstance(value, Mapping):
            result[key] = merged(cast(Tree, own), cast(Tree, value))
        elif entries and added:
            result[key] = [*entries, *(entry for entry in added if entry not in entries)]
        else:
            result[key] = value
    return result


def _named(value: object) -> list[Tree]:
    """Return a list whose entries all have names, such as volumes; empty for anything else."""
    entries = cast("list[object]", value) if isinstance(value, list) else []
    named = [cast(Tree, e) for e in entries if isinstance(e, Mapping) and "name" in e]
    return named if len(named) == len(entries) else []


def leaves(tree: Tree, group: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted key and value of each value that is not a mapping, or an empty one."""
    for key, value in tree.items():
        path = f"{group}.{key}" if group else key
        if isinstance(value, Mapping) and value:
            yield from leaves(cast(Tree, value), path)
        else:
            yield path, value


@dataclass(frozen=True, kw_only=True)
class Check:
    """The overrides of one setting, and what they are checked against.

    Attributes:
        setting: the setting, for example `tempo.values`.
        given: the overrides.
        contract: the accepted keys; None if none are recorded for the version in use.
        owned: keys that the stack owns, each with the setting that sets it, or the reason.
        built: returns the values of the stack itself.
    """

    setting: str
    given: Tree
    contract: Contract | None
    owned: Mapping[str, str]
    built: Callable[[], Tree]

    @classmethod
    def of_values(
        cls,
        system: str,
        given: Tree,
        chart: "Chart",
        *,
        owned: Mapping[str, str],
        built: Callable[[], Tree],
    ) -> Self:
        """Return the check of a system's `values`, by the keys of its chart."""
        contract = of_chart(chart.name, chart.version)
        return cls(
            setting=f"{system}.values", given=given, contract=contract, owned=owned, built=built
        )

    def problems(self) -> Iterator[Problem]:
        """Yield every problem of the overrides."""
        if not self.given:
            return
        unknown = list(self.contract.unknown(self.given)) if self.contract else []
        for path in unknown:
            yield Problem(key=f"{self.setting}.{path}", message=self._unknown(path))
        built = dict(leaves(self.built()))
        for path, value in leaves(self.given):
            if not set(unknown).isdisjoint(prefixes(path)):
                continue
            key = f"{self.setting}.{path}"
            place = _secret_in(path.rpartition(".")[2], value)
            own = next((built[above] for above in prefixes(path) if above in built), None)
            if place is not None:
                yield Problem(
                    key=f"{key}{place}",
                    message="looks like a secret, which the plan and Pulumi's state would show: "
                    "keep it in a Kubernetes Secret, and refer to that by its name",
                )
            elif owner := self._owner(path):
                yield problem(key, value, owner)
            elif wrong := self._wrong_kind(path, value):
                yield problem(key, value, f"must be {wrong}, as in {self._of()}")
            elif clashing := _clashing(own, value):
                yield Problem(
                    key=key,
                    message="has names that entries of the stack have: choose others than "
                    + ", ".join(map(shown, clashing)),
                )
            elif missing := _missing(own, value):
                yield Problem(
                    key=key,
                    message="replaces a list of the stack, and must contain its entries: add "
                    + ", ".join(shown(entry, longest=500) for entry in missing),
                )

    def _of(self) -> str:
        return self.contract.name if self.contract else "the chart"

    def _unknown(self, path: str) -> str:
        group, _, name = path.rpartition(".")
        siblings = self.contract.keys_of(group) if self.contract else []
        if near := nearest_name(name, siblings):
            meant = f"{group}.{near}" if group else near
            if meant == path:
                return "is one key with dots: write a mapping for each part of it"
            return f"is no key of {self._of()}; did you mean {self.setting}.{meant}?"
        return f"is no key of {self._of()}; the keys there are {', '.join(siblings) or 'none'}"

    def _owner(self, path: str) -> str | None:
        above = set(prefixes(path))
        pace = {path: _PACE_OWNER} if _PACE.search(path) else {}
        for key, owner in {**self.owned, **pace}.items():
            if key in above or key.startswith(f"{path}."):
                what = "is" if key in above else f"replaces {key}, which is"
                if " " in owner:
                    return f"{what} the stack's own, because {owner}: remove this key"
                return f"{what} what {owner} sets: set that, and remove this key"
        return None

    def _wrong_kind(self, path: str, value: object) -> str | None:
        kind = self.contract.kind(path) if self.contract and value is not None else None
        if kind == "map" and not isinstance(value, Mapping):
            return "a mapping"
        if kind == "list" and not isinstance(value, list):
            return "a list"
        return "true or false" if kind == "bool" and not isinstance(value, bool) else None


def refuse(source: str, checks: Iterable[Check]) -> None:
    """Refuse the overrides of a component.

    Args:
        source: name of the component, for the message.
        checks: the overrides.

    Raises:
        SettingsError: with every problem.
    """
    if found := [problem for check in checks for problem in check.problems()]:
        raise SettingsError(source, found)


def _clashing(own: object, given: object) -> list[object]:
    """Return the names of other entries that the stack's list has too."""
    entries = _named(own)
    names = [entry["name"] for entry in entries]
    return [e["name"] for e in _named(given) if e not in entries and e["name"] in names]


def _missing(own: object, given: object) -> list[object]:
    """Return the entries of the stack's list that another value in its place leaves out."""
    if _named(own) and _named(given):
        return []
    kept = cast("list[object]", given) if isinstance(given, list) else []
    entries = cast("list[object]", own) if isinstance(own, list) else []
    return [entry for entry in entries if entry not in kept]


def _secret_in(key: str, value: object) -> str | None:
    """Return the place of something secret in a value, to follow its key; None if there is none."""
    if isinstance(value, list):
        below: Iterator[tuple[str, str, object]] = (
            (f"[{number}]", "", item) for number, item in enumerate(cast("list[object]", value))
        )
    elif isinstance(value, Mapping):
        tree = cast(Tree, value)
        # Of an environment variable, the name says what its value is.
        name = str(tree.get("name", ""))
        below = ((f".{k}", name if k == "value" else k, item) for k, item in tree.items())
    else:
        return "" if _is_secret(key, value) else None
    for place, inner, item in below:
        if (found := _secret_in(inner, item)) is not None:
            return f"{place}{found}"
    return None


def _is_secret(key: str, value: object) -> bool:
    if isinstance(value, str) and value:
        assigned = _ASSIGNED.fullmatch(value)
        names = [key, assigned[1] if assigned else ""]
        secret = any(looks_secret(n) and not _NO_SECRET.search(n) for n in names)
        return secret or _LOGIN.search(value) is not None
    return type(value) in (int, float) and _PASSWORD.search(key) is not None
