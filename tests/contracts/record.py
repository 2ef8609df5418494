"""Record what the pinned charts and programs accept, one JSON file for each version.

Every file is named ``<program>-<version>.json``. Those of a chart and of Tempo's configuration are
in the system's folder under components/, where checks and policies read them too; the others are
beside this script. To record:

* Charts: unpack the chart (``helm pull --untar``), then
  ``python tests/contracts/record.py chart FOLDER > components/SYSTEM/CHART-VERSION.json``. It lists

  - ``keys``: every path of values.yaml with its kind; ``open`` is an empty map or list, which
    takes anything;
  - ``on``: switches of containers (``enabled`` or ``replicas`` beside ``resources``) that are on
    by default;
  - ``template_only``: paths that the templates read though values.yaml does not list them;
  - ``verbatim``: paths that the templates copy whole, so that keys below them are not the
    chart's but Kubernetes' or the program's.

* ``tempo-config``: start Tempo with ``-target=all`` and a configuration of nothing but a local
  storage path, then ``python tests/contracts/record.py tempo http://localhost:3200``, into
  ``components/tempo/tempo-config-VERSION.json``. ``keys`` is
  what ``/status/config?mode=defaults`` lists. That page leaves out a field that is empty and
  marked ``omitempty``, so ``omitted`` adds those of the sections that this stack writes; they
  stand in OMITTED below, read from Tempo's source.

* ``beyla-config``: ``docs/config-schema.json`` of the Beyla repository at the tag of the chart's
  ``appVersion``, as it is there.

* ``opentelemetry-operator-agents``: ``versions.txt`` of the operator's repository at the tag of the
  chart's ``appVersion``, the lines that begin with ``autoinstrumentation-``, by language.

* ``grafana-operator``: ``python tests/contracts/record.py grafana-operator FOLDER`` with the
  repository of the Grafana operator at a release. The stack doesn't install it.

* ``alloy-components``: from a program that links Alloy's component registry at the chart's
  ``appVersion`` and walks the ``alloy`` tags of each component's argument and export types. That
  program is not kept here; the reference pages of that version list the same arguments.
  `otelcol.auth.sigv4` is from its Go type at v1.18.1 (internal/component/otelcol/auth/sigv4).
"""

import json
import re
import sys
import urllib.request
from pathlib import Path
from typing import Any, cast

import yaml

#: A template that names a value, and one that copies a value whole.
_READ = re.compile(r"\.Values\.([A-Za-z0-9_.]+)")
_COPIED = re.compile(r"toYaml +\(?\$?\.Values\.([A-Za-z0-9_.]+)")
_COPIED_IN_WITH = re.compile(r"with ([^}]*)\}\}[^{}]*\{\{-? *toYaml \. ")

#: Processors of the metrics-generator in overrides (modules/overrides/config.go).
_PROCESSORS: dict[str, str] = {
    "host_info": "map",
    "host_info.host_identifiers": "open",
    "host_info.metric_name": "str",
    "local_blocks": "map",
    "local_blocks.complete_block_timeout": "str",
    "local_blocks.flush_check_period": "str",
    "local_blocks.max_block_bytes": "int",
    "local_blocks.max_block_duration": "str",
    "local_blocks.max_live_traces": "int",
    "local_blocks.trace_idle_period": "str",
    "service_graphs": "map",
    "service_graphs.dimensions": "open",
    "service_graphs.enable_client_server_prefix": "bool",
    "service_graphs.enable_messaging_system_latency_histogram": "bool",
    "service_graphs.enable_virtual_node_label": "bool",
    "service_graphs.histogram_buckets": "open",
    "service_graphs.peer_attributes": "open",
    "span_metrics": "map",
    "span_metrics.dimension_mappings": "open",
    "span_metrics.dimensions": "open",
    "span_metrics.enable_instance_label": "bool",
    "span_metrics.enable_target_info": "bool",
    "span_metrics.filter_policies": "open",
    "span_metrics.histogram_buckets": "open",
    "span_metrics.intrinsic_dimensions": "open",
    "span_metrics.target_info_excluded_dimensions": "open",
}
#: Fields that Tempo 2.10.8 leaves out of /status/config while they are empty
#: (cmd/tempo/app/config.go, modules/overrides/config.go and config.go of compactor, distributor,
#: frontend and generator/{registry,storage} under modules/), and its receivers
#: (modules/distributor/receiver/shim.go), whose keys are the OpenTelemetry collector's.
#: An open path takes anything below it.
OMITTED: dict[str, str] = {
    "auth_enabled": "bool",
    "compactor.disabled": "bool",
    "distributor.artificial_delay": "str",
    "distributor.receivers.jaeger": "open",
    "distributor.receivers.kafka": "open",
    "distributor.receivers.otlp": "open",
    "distributor.receivers.zipkin": "open",
    "enable_go_runtime_metrics": "bool",
    "metrics_generator.registry.external_labels": "open",
    "metrics_generator.registry.inject_tenant_id_as": "str",
    "metrics_generator.storage.remote_write": "open",
    "multitenancy_enabled": "bool",
    "overrides.defaults.compaction": "map",
    "overrides.defaults.compaction.block_retention": "str",
    "overrides.defaults.compaction.compaction_disabled": "bool",
    "overrides.defaults.compaction.compaction_window": "str",
    "overrides.defaults.cost_attribution": "map",
    "overrides.defaults.cost_attribution.dimensions": "open",
    "overrides.defaults.cost_attribution.max_cardinality": "int",
    "overrides.defaults.forwarders": "open",
    "overrides.defaults.ingestion.artificial_delay": "str",
    "overrides.defaults.ingestion.max_attribute_bytes": "int",
    "overrides.defaults.ingestion.max_global_traces_per_user": "int",
    "overrides.defaults.ingestion.tenant_shard_size": "int",
    "overrides.defaults.metrics_generator.collection_interval": "str",
    "overrides.defaults.metrics_generator.disable_collection": "bool",
    "overrides.defaults.metrics_generator.forwarder": "map",
    "overrides.defaults.metrics_generator.forwarder.queue_size": "int",
    "overrides.defaults.metrics_generator.forwarder.workers": "int",
    "overrides.defaults.metrics_generator.max_active_entities": "int",
    "overrides.defaults.metrics_generator.max_active_series": "int",
    "overrides.defaults.metrics_generator.processor": "map",
    "overrides.defaults.metrics_generator.processors": "list",
    "overrides.defaults.metrics_generator.remote_write_headers": "open",
    "overrides.defaults.metrics_generator.ring_size": "int",
    "overrides.defaults.metrics_generator.trace_id_label_name": "str",
    "overrides.defaults.read.max_blocks_per_tag_values_query": "int",
    "overrides.defaults.read.max_metrics_duration": "str",
    "overrides.defaults.read.max_search_duration": "str",
    "overrides.defaults.read.unsafe_query_hints": "bool",
    "overrides.defaults.storage": "map",
    "overrides.defaults.storage.parquet_dedicated_columns": "open",
    "partition_ring_live_store": "bool",
    "query_frontend.metrics.duration_slo": "str",
    "query_frontend.metrics.throughput_bytes_slo": "float",
    "query_frontend.search.duration_slo": "str",
    "query_frontend.search.throughput_bytes_slo": "float",
    "query_frontend.trace_by_id.duration_slo": "str",
    "query_frontend.trace_by_id.throughput_bytes_slo": "float",
    "shutdown_delay": "str",
    "stream_over_http_enabled": "bool",
    "target": "str",
    **{
        f"overrides.defaults.metrics_generator.processor.{key}": kind
        for key, kind in _PROCESSORS.items()
    },
}


#: The same of Tempo 3.0.3, whose ingester, compactor and local blocks are gone.
OMITTED_3: dict[str, str] = {
    **{
        key: kind
        for key, kind in OMITTED.items()
        if key not in ("compactor.disabled", "partition_ring_live_store")
        and ".local_blocks" not in key
    },
    **{
        f"overrides.defaults.metrics_generator.{key}": kind
        for key, kind in {
            "max_cardinality_per_label": "int",
            "native_histogram_bucket_factor": "float",
            "native_histogram_max_bucket_number": "int",
            "native_histogram_min_reset_duration": "str",
            "span_name_sanitization": "str",
            "processor.service_graphs.enable_tracestate_span_multiplier": "bool",
            "processor.service_graphs.filter_policies": "open",
            "processor.service_graphs.span_multiplier_key": "str",
            "processor.span_metrics.enable_tracestate_span_multiplier": "bool",
            "processor.span_metrics.span_multiplier_key": "str",
        }.items()
    },
    "overrides.defaults.read.left_pad_trace_ids": "bool",
    "overrides.defaults.read.max_condition_groups_per_tag_query": "int",
    "overrides.defaults.read.metrics_spanonly_fetch": "bool",
    "query_frontend.search.metadata_slo": "open",
}


def paths(node: object, path: str = "") -> dict[str, str]:
    """Return every path of a YAML document with its kind."""
    if isinstance(node, dict):
        found = {path: "map" if node else "open"}
        for key, value in cast("dict[Any, Any]", node).items():
            found |= paths(value, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(node, list):
        return {path: "list" if node else "open"}
    return {path: "null" if node is None else type(node).__name__}


def _on(node: object, path: str = "") -> list[str]:
    """Return the switches that are on beside `resources`."""
    if not isinstance(node, dict):
        return []
    mapping = cast("dict[str, Any]", node)
    prefix = f"{path}." if path else ""
    own = [k for k in ("enabled", "replicas") if "resources" in mapping and mapping.get(k)]
    below = [on for key, value in mapping.items() for on in _on(value, f"{prefix}{key}")]
    return [f"{prefix}{key}" for key in own] + below


def _values_named(pattern: re.Pattern[str], text: str) -> set[str]:
    return {match.rstrip(".") for match in pattern.findall(text)}


def chart(folder: Path) -> dict[str, Any]:
    """Return the contract of an unpacked chart."""
    about = yaml.safe_load((folder / "Chart.yaml").read_text())
    values_text = (folder / "values.yaml").read_text()
    values = yaml.safe_load(values_text)
    keys = paths(values)
    del keys[""]
    templates = "\n".join(f.read_text() for f in sorted((folder / "templates").rglob("*.*")))
    # values.yaml too: Tempo's configuration is a template among the values.
    texts = templates + "\n" + values_text
    copied = _values_named(_COPIED, texts)
    for condition in _COPIED_IN_WITH.findall(texts):
        copied |= _values_named(_READ, condition)

    def listed(path: str) -> bool:
        above = (path[:i] for i, c in enumerate(path) if c == ".")
        return path in keys or any(keys.get(p) == "open" for p in above)

    return {
        "chart": about["name"],
        "version": about["version"],
        "appVersion": about["appVersion"],
        "keys": keys,
        "on": sorted(_on(values)),
        "template_only": sorted(p for p in _values_named(_READ, templates) if not listed(p)),
        "verbatim": sorted(copied),
    }


def tempo(url: str) -> dict[str, Any]:
    """Return the contract of a running Tempo's configuration."""
    with urllib.request.urlopen(f"{url}/status/config?mode=defaults") as answer:  # noqa: S310
        # The answer begins with the request.
        keys = paths(yaml.safe_load(answer.read().decode().partition("---\n")[2]))
    del keys[""]
    with urllib.request.urlopen(f"{url}/api/status/buildinfo") as answer:  # noqa: S310
        version = json.load(answer)["version"]
    omitted = OMITTED if version.startswith("2.") else OMITTED_3
    return {"program": "tempo-config", "version": version, "keys": keys, "omitted": omitted}


def grafana_operator(folder: Path) -> dict[str, Any]:
    """Return the contract of the Grafana operator: JSON schemas of the specs that we write."""
    kinds: dict[str, Any] = {}
    for name in ("dashboards", "datasources", "folders"):
        file = folder / f"config/crd/bases/grafana.integreatly.org_grafana{name}.yaml"
        definition = yaml.safe_load(file.read_text())["spec"]
        [version] = definition["versions"]
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        kinds[definition["names"]["kind"]] = _closed(spec)
    about = yaml.safe_load((folder / "deploy/helm/grafana-operator/Chart.yaml").read_text())
    return {"program": "grafana-operator", "version": about["version"], "kinds": kinds}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that refuses keys without a type, which the API server would drop."""
    kept = {k: v for k, v in schema.items() if k in ("type", "required", "pattern", "maxLength")}
    if properties := schema.get("properties"):
        kept["properties"] = {key: _closed(below) for key, below in properties.items()}
        kept["additionalProperties"] = False
    if "items" in schema:
        kept["items"] = _closed(schema["items"])
    return kept


def main(kind: str, source: str) -> None:
    """Print one contract."""
    recorders = {"chart": chart, "grafana-operator": grafana_operator}
    contract = recorders[kind](Path(source)) if kind in recorders else tempo(source)
    print(json.dumps(contract, indent=1, sort_keys=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
