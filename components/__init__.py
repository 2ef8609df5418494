"""Component resources of the tracing stack, one folder for each system."""
