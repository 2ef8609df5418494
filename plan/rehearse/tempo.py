"""Tempo as a stack's plan renders it, on free ports of this machine."""

import contextlib
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from components.backends.credentials import password_file, password_key
from plan.rehearse.programs import HOST, Program, free_ports, get, process, wait_for

#: Keys for S3, as the chart's pods get them with an emulator.
KEYS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
#: Password of the metrics backend, with all that YAML would trip over.
PASSWORD: Final = "a: 'b' \"#{$c"  # noqa: S105 - of no backend


def moved(config: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Return a configuration with its paths in a folder and its ports free ones.

    Nothing else changes, but for the addresses that the rings would look up on a pod's interface.
    """
    names = ["http", "grpc", "otlp_grpc", "otlp_http", "gossip"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    text = yaml.safe_dump(config)
    credentials = Path(password_file("metrics")).parent
    for path in ("/var/tempo", "/conf", "/runtime-config", str(credentials)):
        text = text.replace(path, str(folder / path.strip("/").replace("/", "-")))
    for port in ("grpc", "http"):
        number = {"grpc": 4317, "http": 4318}[port]
        text = text.replace(f"0.0.0.0:{number}", f"{HOST}:{ports[f'otlp_{port}']}")
    new: dict[str, Any] = yaml.safe_load(text)
    overrides = Path(new["overrides"]["per_tenant_override_config"])
    overrides.parent.mkdir(exist_ok=True)
    overrides.write_text("overrides: {}\n")
    mounted = folder / str(credentials).strip("/").replace("/", "-")
    mounted.mkdir(exist_ok=True)
    (mounted / password_key("metrics")).write_text(PASSWORD)
    listen = {"http_listen_address": HOST, "grpc_listen_address": HOST}
    new["server"] |= listen
    new["server"] |= {"http_listen_port": ports["http"], "grpc_listen_port": ports["grpc"]}
    gossip = {"bind_addr": [HOST], "bind_port": ports["gossip"], "join_members": []}
    new["memberlist"] = new.get("memberlist", {}) | gossip
    name = folder.name
    ring = {"instance_addr": HOST, "instance_port": ports["grpc"], "instance_id": name}
    rings = ("distributor", "compactor", "metrics_generator", "live_store", "backend_worker")
    for section in rings:
        if section in new:
            new[section].setdefault("ring", {}).update(ring)
    if "ingester" in new:
        lifecycler = {"address": HOST, "port": ports["grpc"], "id": name}
        new["ingester"].setdefault("lifecycler", {}).update(lifecycler)
    if store := new.get("live_store"):
        # Defaults of Tempo 3 on the volume (modules/livestore/config.go).
        store.setdefault("wal", {})["path"] = str(folder / "live-store")
        store["shutdown_marker_dir"] = str(folder / "live-store-marker")
    if builder := new.get("block_builder"):
        # The number in a pod's name is that of its partition.
        builder["instance_id"] = name
        builder.setdefault("wal", {})["path"] = str(folder / "block-builder")
    return new, ports


def write(config: Mapping[str, Any], folder: Path) -> Path:
    """Write a configuration for Tempo to read."""
    file = folder / "tempo.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


@contextlib.contextmanager
def tempo(
    config: Mapping[str, Any], folder: Path, target: str = "all", program: str = "tempo"
) -> Generator[Program]:
    """Run Tempo with a configuration that has been moved."""
    program = shutil.which(program) or program
    command = [program, f"-target={target}", f"-config.file={write(config, folder)}"]
    with process(command, folder / "tempo.log", **KEYS) as running:
        yield running


def ready(ports: Mapping[str, int]) -> None:
    """Wait until a Tempo is ready."""
    wait_for("Tempo", lambda: get(f"http://{HOST}:{ports['http']}/ready"), 120)
