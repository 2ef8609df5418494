"""Grafana Tempo, the trace backend."""
