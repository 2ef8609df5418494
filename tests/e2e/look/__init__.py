"""A real Grafana with the planned dashboards, looked at in a real browser."""
