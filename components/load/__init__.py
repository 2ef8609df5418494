"""The expected load, which changes nothing in the cluster."""
