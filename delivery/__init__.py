"""Commands of the GitHub workflows, `make preflight` and `make verify`."""

from plan.command import CommandError


class DeliveryError(CommandError):
    """A command failed; the text is the message."""
