"""Grafana's dashboards, built from the names that the pipeline emits."""
