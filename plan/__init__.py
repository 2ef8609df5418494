"""The program of `pulumi up`, run in process and written down: no CLI, no cloud, no cluster."""
