"""Whether a real API server takes every object of a stack, and its pods where they are to run.

Nothing of a stack is made: all are dry runs, in namespaces with the plan's pod-security labels that
exist for the test only, with the service accounts that pods must find there.
"""

import copy
import uuid
from collections.abc import Generator

import pytest

from tests.rendered import cluster
from tests.rendered.cluster import kubectl
from tests.rendered.objects import Object, needs_charts, objects_of, of_kind, pods
from tests.stack.variants import PLATFORMS, PROGRAMS

REASON = cluster.missing()
pytestmark = [needs_charts, pytest.mark.skipif(REASON is not None, reason=str(REASON))]
DRY_RUN = ("apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-")


class Place:
    """Namespaces that stand in for those of one stack."""

    def __init__(self, objects: list[Object]) -> None:
        mark = uuid.uuid4().hex[:8]
        names = {o["metadata"]["namespace"] for o in objects if "namespace" in o["metadata"]}
        self._stand_ins = {name: f"tracing-test-{mark}-{i}" for i, name in enumerate(sorted(names))}
        self.objects = [self.moved(o) for o in objects]
        self.names = list(self._stand_ins.values())

    def moved(self, o: Object) -> Object:
        """Return an object as it is in the namespace that stands in for its own."""
        o = copy.deepcopy(o)
        meta = o["metadata"]
        key = "name" if o["kind"] == "Namespace" else "namespace"
        if key in meta:
            meta[key] = self._stand_ins[meta[key]]
        pod = o.get("spec", {}).get("template", {}).get("spec", {})
        if not pod.get("priorityClassName", "system-").startswith("system-"):
            # One of the platform, for one that every cluster has.
            pod["priorityClassName"] = "system-cluster-critical"
        return o

    def make(self) -> None:
        """Make the namespaces and the service accounts.

        Namespaces that exist without the stack have the level that is enough for it:
        docs/install.md.
        """
        made = {o["metadata"]["name"] for o in of_kind(self.objects, "Namespace")}
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        existing = [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": labels},
            }
            for name in self.names
            if name not in made
        ]
        own = of_kind(self.objects, "Namespace", "ServiceAccount")
        kubectl("apply", "--server-side", "-f", "-", objects=[*existing, *own])

    def remove(self) -> None:
        """Remove the namespaces with what is in them."""
        kubectl("delete", "namespace", "--wait=false", *self.names)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(p, marks=pytest.mark.xdist_group(f"api-{p}")) for p in (*PROGRAMS, *PLATFORMS)
    ],
)
def place(request: pytest.FixtureRequest) -> Generator[Place, None, None]:
    made = Place(objects_of(request.param))
    try:
        made.make()
        yield made
    finally:
        made.remove()


def test_every_object_is_accepted(place: Place) -> None:
    done = kubectl(*DRY_RUN, objects=place.objects)

    assert len(done.stdout.splitlines()) == len(place.objects)


def test_every_pod_is_admitted_where_it_is_to_run(place: Place) -> None:
    wanted = pods(place.objects)
    done = kubectl(*DRY_RUN, objects=wanted)

    assert len(done.stdout.splitlines()) == len(wanted)
    assert "PodSecurity" not in done.stderr


def test_pod_security_is_at_work(place: Place) -> None:
    """Where the test above passes, it could have failed."""
    [alloy] = [pod for pod in pods(place.objects) if pod["metadata"]["name"] == "alloy"]
    on_the_host = {**alloy, "spec": {**alloy["spec"], "hostPID": True}}
    done = kubectl(*DRY_RUN, objects=[on_the_host], ok=False)

    assert done.returncode != 0
    assert 'violates PodSecurity "restricted' in done.stderr
