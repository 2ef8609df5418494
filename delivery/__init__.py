"""What workflows run besides the plan: looks at environments, and words on GitHub."""
