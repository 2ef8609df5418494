"""What the systems stand on: environment, cluster, namespaces, charts, and the names they share."""
