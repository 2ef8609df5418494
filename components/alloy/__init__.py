"""Grafana Alloy, the OTLP gateway that every sender talks to."""
