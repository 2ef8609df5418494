"""From plain mappings, as a stack file holds them, to settings, with messages for people."""
