"""Service level objectives: from settings to recording rules and burn-rate alerts."""
