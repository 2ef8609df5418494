"""What a stack's Tempo stores of the spans that reach it: bytes in blocks, and refused spans."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from plan.diff import rendered
from plan.rehearse import metrics
from plan.rehearse.programs import HOST, get, steady, wait_for
from plan.rehearse.replay import Replay
from plan.rehearse.tempo import moved, ready, tempo

#: Longest time in seconds until everything is in blocks.
_PATIENCE_SECONDS = 180
#: Seconds with the same bytes after which all blocks are written.
_SAME_SECONDS = 3
#: Seconds after which all series have been written: an edge to a database waits for its other side
#: (10 s), then come collection and the deadline of a batch (5 s).
_WRITE_SECONDS = 22
#: Bytes, and bytes per second, that no replay reaches.
_NO_LIMIT: Final = 1 << 40
_DISCARDED: Final = "tempo_discarded_spans_total"
_RECEIVED: Final = "tempo_distributor_spans_received_total"


@dataclass(frozen=True, kw_only=True)
class Tempo:
    """A stack's Tempo.

    Attributes:
        config: its configuration as its chart renders it.
    """

    config: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What Tempo stored.

    Attributes:
        spans: spans that it received.
        discarded: spans that it refused, by its reason.
        block_bytes: bytes of the blocks of one copy.
    """

    spans: int
    discarded: Mapping[str, int]
    block_bytes: int

    @property
    def bytes_per_span(self) -> float:
        """Bytes of a span in its block; 0 without spans."""
        kept = self.spans - sum(self.discarded.values())
        return self.block_bytes / kept if kept > 0 else 0


def of_plan(release: Mapping[str, Any] | None, charts: Path | None) -> Tempo | str:
    """Return the Tempo of a plan, or why it can't run.

    Args:
        release: inputs of its release.
        charts: folder of packaged charts; by default they are downloaded.
    """
    missing = [name for name in ("tempo", "helm") if not shutil.which(name)]
    if release is None:
        return "the stack has no Tempo"
    if missing:
        return f"Tempo did not run: {' and '.join(missing)} must be on PATH"
    objects = rendered.objects_of(release, charts)
    if isinstance(objects, str):
        return f"Tempo did not run: {objects}"
    for (kind, _, _), item in objects.items():
        if kind == "ConfigMap" and "tempo.yaml" in item["data"]:
            return Tempo(config=yaml.safe_load(item["data"]["tempo.yaml"]))
    return "Tempo did not run: its chart renders no tempo.yaml"


def store(its: Tempo, requests: Sequence[bytes], folder: Path, remote_write: str) -> Stored:
    """Send spans to Tempo and return what it stores.

    Raises:
        ProgramError: it does not start, or does not write its blocks.
    """
    own = folder / "tempo"
    own.mkdir()
    config, ports = moved(_alone(its.config, own, remote_write), own)
    worker = config.setdefault("querier", {}).setdefault("frontend_worker", {})
    worker["frontend_address"] = f"{HOST}:{ports['grpc']}"
    with tempo(config, own):
        ready(ports)
        url = f"http://{HOST}:{ports['http']}"
        replay = Replay(f"{HOST}:{ports['otlp_grpc']}", patience=60)
        replay.resend(requests)
        get(f"{url}/flush")
        written = steady(lambda: _block_bytes(own / "blocks"), _SAME_SECONDS)
        blocks = wait_for("blocks", written, _PATIENCE_SECONDS)
        if config.get("metrics_generator", {}).get("storage", {}).get("remote_write"):
            time.sleep(_WRITE_SECONDS)
        exposed = (get(f"{url}/metrics") or b"").decode()
    discarded: dict[str, int] = {}
    for labels, value in metrics.samples(exposed, _DISCARDED):
        discarded[labels["reason"]] = discarded.get(labels["reason"], 0) + round(value)
    return Stored(
        spans=round(metrics.total(exposed, _RECEIVED)), discarded=discarded, block_bytes=blocks
    )


def _alone(config: Mapping[str, Any], folder: Path, remote_write: str) -> dict[str, Any]:
    """Return a configuration for one process with blocks in a folder and one copy of a span."""
    new: dict[str, Any] = json.loads(json.dumps(config))
    new["storage"]["trace"] |= {"backend": "local", "local": {"path": str(folder / "blocks")}}
    new["storage"]["trace"]["blocklist_poll"] = "5s"
    new.pop("cache", None)
    # The replay is faster than the traffic that the limit is for.
    limits = new.setdefault("overrides", {}).setdefault("defaults", {}).setdefault("ingestion", {})
    limits |= dict.fromkeys(("rate_limit_bytes", "burst_size_bytes"), _NO_LIMIT)
    ring = new["ingester"].setdefault("lifecycler", {}).setdefault("ring", {})
    ring |= {"replication_factor": 1, "kvstore": {"store": "inmemory"}}
    generator = new.get("metrics_generator")
    if generator:
        # What it would write besides its metrics is a second copy, for TraceQL metrics.
        generator.setdefault("processor", {}).setdefault("local_blocks", {})
        generator["processor"]["local_blocks"]["flush_to_storage"] = False
        generator.setdefault("registry", {})["collection_interval"] = "2s"
        for target in generator.get("storage", {}).get("remote_write", []):
            target["url"] = f"{remote_write}/api/v1/write"
            target.pop("sigv4", None)
    return new


def _block_bytes(folder: Path) -> int:
    """Return the bytes of the complete blocks in a folder."""
    metas = list(folder.rglob("meta.json"))
    return sum(f.stat().st_size for m in metas for f in m.parent.iterdir() if f.is_file())
