"""Content-addressed meaning over a driver: blobs, manifests, tags, uploads. Plain synchronous code on streams.

A feature (proxy, immutability, quota, read-only) is a store that wraps a store, never an ``if`` in a handler.
"""
