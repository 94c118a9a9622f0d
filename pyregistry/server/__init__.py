"""The processes that serve. Granian speaks HTTP, ``api`` answers; here they are put together, started and ended."""

from pyregistry.server.serving import serve

__all__ = ["serve"]
