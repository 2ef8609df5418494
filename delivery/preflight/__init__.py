"""`make preflight`: checks what a stack needs in its cluster and account before the first `up`."""
