"""Compares the plans of two commits and explains what the change does to each environment."""

#: First line of the report, by which a workflow finds its earlier comment.
MARKER = "<!-- tracing-plan-diff -->"
