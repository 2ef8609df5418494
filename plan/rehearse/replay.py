"""Sends traces to a collector by OTLP over gRPC, as SDKs do: in batches, retried for a while."""

# gRPC carries no types of its own.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import grpc

from plan.rehearse.otlp import Shift, Trace, span_count, windows
from plan.rehearse.sinks import EXPORT, UNLIMITED

#: Seconds after which a sender drops a batch (OTEL_EXPORTER_OTLP_TIMEOUT of the SDKs).
SENDER_SECONDS: Final = 10
#: Requests on their way at the same time: those of several senders.
_SENDERS = 4
_RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
_PAUSES = (0.1, 0.2, 0.5, 1.0)


@dataclass
class Sent:
    """What became of the spans that senders sent.

    Attributes:
        spans: spans that they sent.
        accepted: spans that the collector accepted.
        retries: requests that were sent again.
        seconds: time from the first request to the last answer.
        reasons: why spans were not accepted, with their number.
    """

    spans: int = 0
    accepted: int = 0
    retries: int = 0
    seconds: float = 0
    reasons: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def lost(self) -> int:
        """Spans that the senders dropped."""
        return self.spans - self.accepted


class Replay:
    """Senders that are connected to one collector."""

    def __init__(self, endpoint: str, patience: float = SENDER_SECONDS) -> None:
        """Connect to host and port; senders drop a batch after so many seconds."""
        self.sent = Sent()
        self._patience = patience
        self._closing, self._lock = threading.Event(), threading.Lock()
        self._channel = grpc.insecure_channel(endpoint, options=UNLIMITED)
        self._export = self._channel.unary_unary(EXPORT)

    def close(self) -> None:
        """End `run` early."""
        self._closing.set()

    def run(self, traces: Iterable[Trace], per_second: float) -> Sent:
        """Send traces at a rate of spans per second; their times end when they are sent.

        A collector that is slower makes the senders slower.
        """
        start, shift = time.monotonic(), Shift()
        windows_per_second = 5
        size = max(1, round(per_second / windows_per_second))
        with ThreadPoolExecutor(_SENDERS) as pool:
            for number, window in enumerate(windows(traces, size)):
                due = start + number * size / per_second
                if self._closing.wait(max(0, due - time.monotonic())):
                    break
                waiting: list[Future[None]] = []
                for request in shift.requests(window, time.time_ns()):
                    waiting.append(pool.submit(self._send, request))
                # At most one window waits, so that a slow collector fills no memory here.
                for each in waiting:
                    each.result()
        self.sent.seconds += time.monotonic() - start
        return self.sent

    def resend(self, requests: Iterable[bytes]) -> Sent:
        """Send requests again as they are, as fast as they are accepted."""
        with ThreadPoolExecutor(_SENDERS) as pool:
            for each in [pool.submit(self._send, request) for request in requests]:
                each.result()
        return self.sent

    def _send(self, request: bytes) -> None:
        spans, end = span_count(request), time.monotonic() + self._patience
        accepted, tries, reason = 0, 0, ""
        while True:
            try:
                self._export(request, timeout=self._patience)
                accepted = spans
                break
            except grpc.RpcError as error:
                # A call that failed has these too (grpc.Call).
                code, reason = error.code(), f"{error.code().name}: {error.details()}"  # pyright: ignore
            pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
            if code not in _RETRIED or time.monotonic() + pause > end or self._closing.is_set():
                break
            tries += 1
            time.sleep(pause)
        with self._lock:
            self.sent.spans += spans
            self.sent.accepted += accepted
            self.sent.retries += tries
            if not accepted:
                self.sent.reasons[reason] = self.sent.reasons.get(reason, 0) + spans
