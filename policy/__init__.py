"""Policies: what a stack must not do, whatever its stack file says."""
