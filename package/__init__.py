"""The components as a Pulumi package, for stacks in any of Pulumi's languages."""
