"""Runs the program of `pulumi up` in process and writes the plan: no CLI, cloud or cluster."""
