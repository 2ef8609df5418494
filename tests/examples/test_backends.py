"""Each example of a backend is planned, and the README lists it."""

from pathlib import Path
from typing import Any

import yaml

from components.checks.validate import parse_settings
from components.stack import TracingStack, TracingStackArgs
from plan.recorder import record
from tests.checks.test_rules import stack_file
from tests.sweep import sweep

FOLDER = Path(__file__).parents[2] / "examples/backends"
FILES = sorted(FOLDER.glob("*.yaml"))


@sweep("file", FILES, ids=lambda file: file.stem)
def test_an_example_is_planned(file: Path) -> None:
    backends: dict[str, Any] = yaml.safe_load(file.read_text())["tracing:backends"]
    settings = parse_settings(stack_file(backends=backends, grafana={"dashboards": False}))
    metrics, logs = settings.backends.metrics, settings.backends.logs
    args = TracingStackArgs(
        settings=settings,
        metrics_password="hunter2" if metrics and metrics.has_password else None,
        logs_password="hunter2" if logs and logs.has_password else None,
    )
    made = record(lambda: TracingStack("tracing", args), preview=True)

    values = {r.name: r.inputs["values"] for r in made.resources if r.name.endswith("-release")}
    config = values["tracing-alloy-release"]["alloy"]["configMap"]["content"]
    written = values["tracing-tempo-release"]["tempo"]["metricsGenerator"]["storage"]
    for url, _ in settings.backends.writers.values():
        assert url in config
    urls = [target["url"] for target in written["remote_write"]]
    assert urls == [url for name, (url, _) in settings.backends.writers.items() if name != "logs"]


def test_the_readme_lists_every_example() -> None:
    text = (FOLDER / "README.md").read_text()
    assert len(FILES) >= 5
    assert all(f"[{file.stem}]({file.name})" in text for file in FILES)
