"""A docker-compatible command line that needs no daemon: references, image store, builder, transport.

Imports ``pyregistry.spec`` and ``labs.home``, nothing else of the house: what it learns about a registry it learns
over HTTP, as Docker's own command does.
"""
