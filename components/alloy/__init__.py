"""Grafana Alloy, the OTLP gateway for all senders."""
