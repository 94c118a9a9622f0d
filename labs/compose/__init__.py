"""Compose files run as processes of this machine: what ``docker compose`` does where there is no container engine.

Of the images that the course uses: ``registry:2`` is pyregistry, ``nginx`` is nginx itself.
"""
