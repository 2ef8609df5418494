"""Shared by all systems: environment, cluster, namespaces, charts, names and the registry."""
