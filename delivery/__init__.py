"""Commands of the GitHub workflows, and `make smoke`."""

from plan.command import CommandError


class DeliveryError(CommandError):
    """A command failed; the text is the message."""
