"""What an account needs once: a place for Pulumi's state, and roles for GitHub's jobs."""
