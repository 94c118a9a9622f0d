"""The image ``nginx``: nginx itself, as an ordinary process, with the student's own files."""

from labs.compose.nginx.planning import plan

__all__ = ["plan"]
