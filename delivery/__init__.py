"""Commands of the GitHub workflows, and `make smoke`."""
