"""What a change does to every environment: the plans of two commits, compared and explained."""

#: First line of the report, by which a workflow finds the comment that it has written before.
MARKER = "<!-- tracing-plan-diff -->"
