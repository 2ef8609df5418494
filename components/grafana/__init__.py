"""Grafana: datasources that link traces, logs, metrics and profiles, and dashboards."""
