"""Runs the rendered collectors of a stack on this machine and replays traffic through them."""
