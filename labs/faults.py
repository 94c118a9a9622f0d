"""What goes wrong with a person's lab: a message id and its parameters, turned into words where somebody reads them."""


class LabError(Exception):
    """Something cannot be done. Carries a message id of ``labs.messages`` and its parameters, not a text."""

    def __init__(self, message: str, **parameters: object) -> None:
        super().__init__(message, parameters)
        self.message = message
        self.parameters = parameters

    def __str__(self) -> str:
        """For logs and tracebacks; people are shown the message in their language."""
        return f"{self.message} {self.parameters}"
