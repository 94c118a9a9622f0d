"""How a command ends."""

DONE, FAILED = 0, 1


class CommandError(Exception):
    """A command cannot do what it was asked; the message is for the person who asked."""
