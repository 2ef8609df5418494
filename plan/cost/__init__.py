"""Estimates the cost of a stack and checks its sizes against its load."""
