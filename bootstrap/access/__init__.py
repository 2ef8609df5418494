"""Who may preview and deploy an environment from GitHub, and what that allows."""
