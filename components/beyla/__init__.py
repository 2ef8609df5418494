"""Grafana Beyla, the eBPF agent that sees services without instrumentation."""
