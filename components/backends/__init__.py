"""The backends for metrics, logs and profiles: where they are and how to sign in there."""
