"""Commands of the GitHub workflows, and `make smoke`."""


class DeliveryError(Exception):
    """A command failed; the text is the message."""
