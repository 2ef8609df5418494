"""Writes a plan as files: the same bytes for the same stack file, so that plans can be compared."""

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from components.core.helm import from_template
from components.grafana.delivery import API_VERSION
from components.grafana.settings import GrafanaDelivery
from components.stack import grafana_files
from plan import policies
from plan.cost import report as cost
from plan.dumping import UNKNOWN_SHOWN, dump, load_yaml
from plan.recorder import UNKNOWN, Recording, Secret
from plan.run import Plan
from plan.stackfile import MASK
from plan.summary import summary
from policy.rules.reading import RELEASE

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
PROMETHEUS_RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
GRAFANA_DATASOURCE = f"kubernetes:{API_VERSION}:GrafanaDatasource"
GRAFANA_DASHBOARD = f"kubernetes:{API_VERSION}:GrafanaDashboard"
GRAFANA_FOLDER = f"kubernetes:{API_VERSION}:GrafanaFolder"
RULE_GROUPS = "tracing:index:RuleGroups"


def as_json(plan: Plan) -> str:
    """Return the plan as JSON: secrets masked, unknown values as `UNKNOWN_SHOWN`."""
    document = {
        "stack": plan.stack,
        "resources": documents(plan.recording),
        "outputs": masked(plan.recording.outputs),
        "warnings": plan.recording.warnings,
    }
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    # The SDK's placeholder is a UUID, which looks like a real value.
    return text.replace(UNKNOWN, UNKNOWN_SHOWN)


def documents(recording: Recording) -> list[dict[str, Any]]:
    """Return the resources as in plan.json, with the SDK's placeholder for unknown values."""
    return [
        {
            "urn": resource.urn,
            "type": resource.type,
            "name": resource.name,
            "parent": resource.parent,
            "inputs": masked(resource.inputs),
            "protect": bool(resource.protect),
            "retainOnDelete": bool(resource.retain_on_delete),
            "dependencies": resource.dependencies,
        }
        for resource in recording.resources
    ]


def masked(value: Any) -> Any:  # noqa: ANN401
    """Return a value without its secrets."""
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, dict):
        return {k: masked(v) for k, v in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [masked(v) for v in cast(list[Any], value)]
    return value


def write(plan: Plan, folder: Path) -> dict[str, str]:
    """Write the plan's files into a folder, replacing it, and return them by their paths.

    Raises:
        OSError: the files cannot be written; the folder is unchanged.
    """
    written = files(plan)
    replace_folder(folder, written)
    return written


def files(plan: Plan) -> dict[str, str]:
    """Return the plan's files by their paths."""
    found = {"plan.json": as_json(plan)}
    for release in plan.recording.of_type(RELEASE):
        values = masked(release.inputs["values"])
        name = release.inputs["name"]
        text = values.get("alloy", {}).get("configMap", {}).get("content")
        if text:
            found[f"alloy/{name}.alloy"] = from_template(text)
        found[f"values/{name}.yaml"] = dump(values)
    for item in plan.recording.of_type(CONFIG_MAP):
        folder = "rules" if item.parent.split("::")[2].endswith(RULE_GROUPS) else "grafana"
        # Provisioning files, for Grafana's sidecar.
        for name, text in masked(item.inputs).get("data", {}).items():
            if name.endswith((".yaml", ".json")):
                found[f"{folder}/{name}"] = text
    for item in plan.recording.of_type(GRAFANA_DATASOURCE):
        spec: dict[str, Any] = item.inputs["spec"]
        found[f"grafana/{item.inputs['metadata']['name']}.yaml"] = dump(spec)
    for item in plan.recording.of_type(GRAFANA_DASHBOARD):
        text = item.inputs["spec"]["json"]
        found[f"grafana/{json.loads(text)['uid']}.json"] = text
    if plan.settings.grafana.delivery is GrafanaDelivery.FILES:
        found |= {f"grafana/{k}": text for k, text in grafana_files(plan.settings).items()}
    found |= {k: _indented(v) for k, v in found.items() if re.match(r"grafana/.*\.json$", k)}
    for item in plan.recording.of_type(PROMETHEUS_RULE):
        found[f"rules/{item.inputs['metadata']['name']}.yaml"] = dump(item.inputs["spec"])
    tier = plan.settings.environment.tier
    violations = policies.ask(documents(plan.recording), tier)
    found["policy.json"] = policies.as_json(violations, tier)
    found["cost.json"] = cost.as_json(plan.settings)
    found["summary.md"] = summary(plan, _counts(found), violations)
    return found


def _indented(dashboard: str) -> str:
    """Return the JSON of a dashboard for readers: in the object it is one line."""
    return json.dumps(json.loads(dashboard), indent=1)


def _counts(files: Mapping[str, str]) -> dict[str, int]:
    """Count the datasources, dashboards, panels, rules and alerts in the plan's files.

    A datasource with a password is in no file and is not counted.
    """
    kinds = ("datasources", "dashboards", "panels", "recording rules", "alerts")
    found: dict[str, int] = dict.fromkeys(kinds, 0)
    for name, text in files.items():
        if name.startswith(("grafana/tracing-datasource", "grafana/datasources/")):
            found["datasources"] += 1
        elif name.startswith("grafana/"):
            found["dashboards"] += 1
            found["panels"] += _panels(json.loads(text))
        elif name.startswith("rules/"):
            for group in load_yaml(text)["groups"]:
                for rule in group["rules"]:
                    found["alerts" if "alert" in rule else "recording rules"] += 1
    return found


def _panels(dashboard: dict[str, Any]) -> int:
    """Return the number of panels, those in rows included and rows not."""
    panels: list[dict[str, Any]] = dashboard.get("panels", [])
    return sum(_panels(p) if p["type"] == "row" else 1 for p in panels)


def replace_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Replace a folder by one with these files only.

    The files are written next to it first, so that an error leaves the old folder unchanged.

    Raises:
        OSError: something cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        new, old = Path(name, "new"), Path(name, "old")
        new.mkdir()
        for path, text in files.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text, encoding="utf-8")
        if folder.is_dir() and not folder.is_symlink():
            folder.rename(old)
        else:
            folder.unlink(missing_ok=True)
        new.rename(folder)
