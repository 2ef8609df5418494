"""Where Pulumi keeps an environment's state: a bucket and a key."""
