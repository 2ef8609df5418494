"""The backends for metrics, logs and profiles: their addresses and credentials."""
