"""Names of metrics and labels, the PromQL written from them, and what dashboards and rules read."""
