"""Alerts on the tracing system itself, and the delivery of all rules."""
