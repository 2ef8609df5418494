"""Grafana Beyla, the eBPF agent for services without instrumentation."""
