"""Whether real agents and SDKs do with the environment what the document says."""

from pathlib import Path
from typing import Any

import pytest

from components.onboarding.env import otlp_env
from components.onboarding.settings import Language, OtlpSettings
from tests.alloy.gateway import wait_for
from tests.onboarding.pods import FIELDS, environment
from tests.onboarding.receiver import Receiver, Span, receiving
from tests.onboarding.services import SERVICES, get, missing, running

each = pytest.mark.parametrize(
    "language",
    [
        pytest.param(
            language,
            marks=pytest.mark.skipif(missing(language) is not None, reason=str(missing(language))),
        )
        for language in SERVICES
    ],
)
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def settings(language: Language, **given: Any) -> OtlpSettings:
    return OtlpSettings(
        language=language,
        service_name="cart",
        service_version="1.4.2",
        attributes={"team": "a, b=c"},
        **given,
    )


def arrived(receiver: Receiver, log: Path, **wanted: str) -> Span:
    """Wait for the first span with some values."""

    def found() -> list[Span]:
        return [s for s in receiver.spans if wanted.items() <= vars(s).items()]

    wait_for(lambda: bool(found()), log)
    return found()[0]


@each
def test_spans_say_who_sent_them_and_belong_to_their_caller(
    language: Language, tmp_path: Path
) -> None:
    """With a ratio of 0: only what a caller asks for is kept."""
    with receiving() as receiver:
        entries = otlp_env(receiver.http, settings(language, sample_ratio=0), container="app")
        with running(language, environment(entries), tmp_path) as url:
            assert get(url) == "15"
            assert get(url, traceparent=f"00-{TRACE}-{CALLER}-01") == "15"
            span = arrived(receiver, tmp_path / "log", name="price")
            request = arrived(receiver, tmp_path / "log", id=span.parent)

    assert span.attributes["cart.items"] == 3
    assert (request.trace, request.parent) == (TRACE, CALLER)
    assert {s.trace for s in receiver.spans} == {TRACE}
    wanted = {
        "service.name": "cart",
        "service.version": "1.4.2",
        "team": "a, b=c",
        "k8s.container.name": "app",
        "k8s.pod.name": FIELDS["metadata.name"],
        "k8s.pod.uid": FIELDS["metadata.uid"],
        "k8s.node.name": FIELDS["spec.nodeName"],
        "k8s.namespace.name": FIELDS["metadata.namespace"],
    }
    assert wanted.items() <= span.resource.items()
    # No metrics, no logs.
    assert receiver.paths == {"/v1/traces"}


@pytest.mark.skipif(missing(Language.PYTHON) is not None, reason=str(missing(Language.PYTHON)))
def test_grpc_is_taken_where_it_is_asked_for(tmp_path: Path) -> None:
    with receiving() as receiver:
        said = settings(Language.PYTHON, protocol="grpc")
        with running(Language.PYTHON, environment(otlp_env(receiver.grpc, said)), tmp_path) as url:
            get(url)
            span = arrived(receiver, tmp_path / "log", name="price")

    assert span.resource["service.name"] == "cart"
    assert receiver.paths == {"grpc"}
