"""One-time AWS account setup: the backend for Pulumi's state, and roles for GitHub's jobs."""
