"""Compares the Kubernetes objects that Helm renders; needs helm and the charts."""

import concurrent.futures
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import yaml

from plan.diff import markdown
from plan.diff.environment import Environment
from plan.diff.kinds import RELEASE
from plan.diff.presenting import Part
from plan.diff.trees import Planned
from plan.dumping import LOADER, MASK, dump

#: Kubernetes version that charts are rendered for. A helm built from its sources assumes an old
#: one, which the charts refuse.
KUBERNETES: Final = "1.34.0"
#: Additional APIs of the cluster: charts test for them before they use them.
_API_VERSIONS: Final = "monitoring.coreos.com/v1"
#: Timeout in seconds to download one chart.
_PULL_SECONDS: Final = 60

#: Objects by kind, name and namespace.
Objects = dict[tuple[str, str, str], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Release:
    """One Helm release of a plan.

    Attributes:
        chart: name of the chart, or its whole `oci://` address.
        repository: URL of the chart's repository; empty for `oci://`.
        values: its values as YAML.
    """

    name: str
    namespace: str
    chart: str
    repository: str
    version: str
    values: str

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> "Release":
        """Return the release with the inputs of a plan."""
        return cls(
            name=inputs["name"],
            namespace=inputs["namespace"],
            chart=inputs["chart"],
            repository=inputs.get("repositoryOpts", {}).get("repo", ""),
            version=inputs["version"],
            values=dump(inputs["values"]),
        )

    @property
    def file(self) -> str:
        """Name of the packaged chart."""
        return f"{self.chart.rsplit('/', 1)[-1]}-{self.version}.tgz"


def rendered(
    environments: Sequence[Environment], charts: Path | None
) -> tuple[list[Environment], list[str]]:
    """Add the changes in the rendered objects to each environment.

    The charts are in a folder, or are downloaded. The second result has a sentence for each reason
    why objects could not be rendered.
    """
    helm = shutil.which("helm")
    if helm is None:
        return list(environments), ["Objects are not rendered: helm is not on PATH."]
    jobs = [(e.stack, *both) for e in environments for both in releases(e)]
    notes: dict[str, None] = {}
    parts: dict[str, list[Part]] = {}
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor() as pool:
        sides = {side for _, *both in jobs for side in both if side}
        files = _files(helm, sides, charts, Path(name))
        objects = {
            side: pool.submit(_objects, helm, side, found)
            for side in sides
            if isinstance(found := files[side.file], Path)
        }
        for stack, before, after in jobs:
            reasons = [str(files[s.file]) for s in (before, after) if s and s not in objects]
            if reasons:
                notes |= dict.fromkeys(f"Objects are not rendered: {r}." for r in reasons)
                continue
            both = [objects[s].result() if s else Objects() for s in (before, after)]
            parts.setdefault(stack, []).extend(_parts(before or after, *both))
    return [replace(e, rendered=parts.get(e.stack, ())) for e in environments], list(notes)


def releases(environment: Environment) -> Iterator[tuple[Release | None, Release | None]]:
    """Yield both sides of each release that differs."""
    if environment.is_compared and environment.before and environment.after:
        old, new = _by_name(environment.before), _by_name(environment.after)
        for name in dict.fromkeys([*old, *new]):
            if old.get(name) != new.get(name):
                yield old.get(name), new.get(name)


def _by_name(planned: Planned) -> dict[str, Release]:
    every = [r["inputs"] for r in planned.resources.values() if r["type"] == RELEASE]
    return {inputs["name"]: Release.of(inputs) for inputs in every}


def objects_of(inputs: Mapping[str, Any], charts: Path | None) -> Objects | str:
    """Return the objects of one release of a plan, or why they can't be rendered; needs helm.

    The chart is in a folder, or is downloaded.
    """
    release = Release.of(inputs)
    with tempfile.TemporaryDirectory() as name:
        chart = _files("helm", [release], charts, Path(name))[release.file]
        return chart if isinstance(chart, str) else _objects("helm", release, chart)


def _files(
    helm: str, sides: Iterable[Release], charts: Path | None, folder: Path
) -> dict[str, Path | str]:
    """Return the packaged charts by name, or why one is missing."""
    found: dict[str, Path | str] = {}
    for release in sides:
        if release.file in found:
            continue
        path = (charts or folder) / release.file
        reason = f"{release.file} is not in {charts}" if charts else _pull(helm, release, folder)
        found[release.file] = path if path.is_file() else reason
    return found


def _pull(helm: str, release: Release, folder: Path) -> str:
    """Download a chart from its repository; return what failed."""
    where = ["--repo", release.repository] if release.repository else []
    command = [helm, "pull", release.chart, *where, "--version", release.version]
    try:
        done = subprocess.run(  # noqa: S603 - the stack's own chart
            [*command, "--destination", str(folder)],
            capture_output=True,
            text=True,
            timeout=_PULL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"{release.file} was not downloaded within {_PULL_SECONDS} seconds"
    return f"{release.file} can't be downloaded ({_last(done.stderr)})"


def _objects(helm: str, release: Release, chart: Path) -> Objects | str:
    """Return the objects of a release, or the chart's error message."""
    done = subprocess.run(  # noqa: S603 - the stack's own chart
        [
            *(helm, "template", release.name, str(chart), "--namespace", release.namespace),
            *("--kube-version", KUBERNETES, "--api-versions", _API_VERSIONS, "--values", "-"),
        ],
        input=release.values,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        return _last(done.stderr)
    documents: list[Any] = list(yaml.load_all(done.stdout, LOADER))
    found: Objects = {}
    for document in (cast(dict[str, Any], d) for d in documents if d):
        metadata = document["metadata"]
        namespace = metadata.get("namespace", release.namespace)
        found[document["kind"], metadata["name"], namespace] = document
    return found


def _last(text: str) -> str:
    """Return the last line of a program's output."""
    lines = text.strip().splitlines()
    return lines[-1].removeprefix("Error: ") if lines else "no message"


def _parts(release: Release | None, before: Objects | str, after: Objects | str) -> Iterator[Part]:
    """Yield the differences in the objects of one release."""
    name = release.name if release else ""
    for side in (before, after):
        if isinstance(side, str):
            yield Part(
                title=f"The chart of {name} refuses its values", body=markdown.fence(side, "text")
            )
            return
    if isinstance(before, str) or isinstance(after, str):
        return
    for key in sorted({*before, *after}):
        kind, own, namespace = key
        old, new = _texts(before.get(key), after.get(key))
        if old != new:
            how = "new" if not old else "gone" if not new else "changed"
            title = f"Rendered {kind} {own} in {namespace}, {how}"
            yield Part(title=title, body=markdown.diff(old, new))


def _texts(before: dict[str, Any] | None, after: dict[str, Any] | None) -> tuple[str, str]:
    """Return two versions of an object as YAML, the content of a Secret masked."""
    sides = [dict(side) if side else {} for side in (before, after)]
    if any(side.get("kind") == "Secret" for side in sides):
        for field in ("data", "stringData"):
            same = sides[0].get(field) == sides[1].get(field)
            for side, mask in zip(sides, (MASK, MASK if same else f"{MASK}, another"), strict=True):
                if field in side:
                    side[field] = mask
    old, new = (dump(side) if side else "" for side in sides)
    return old, new
