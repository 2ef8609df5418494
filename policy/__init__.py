"""Policies: restrictions of a stack that no stack file can change."""
