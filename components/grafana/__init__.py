"""What Grafana needs to lead from a trace to its logs, metrics and profiles and back."""
