"""Talking to registries: ``wire`` sends, ``client`` authenticates, ``push`` and ``pull`` move images.

push, pull → client (Registry: ping, challenges, tokens, redirects) → wire (routes, TLS) → urllib3
faults (what can go wrong, in Docker's words)   origins (which repository holds a blob already)
"""
