"""The load that is expected; nothing in the cluster follows from it."""
