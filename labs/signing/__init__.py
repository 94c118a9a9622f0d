"""Signatures of images as cosign makes them: keys, payloads, envelopes, bundles, and the proof of each.

Pure but for ``remote`` (a registry) and the command line (``cli`` and ``commands``): formats are between bytes and
values, and what decides on trust (``verification``) takes bytes, so that the grader proves with what the command proves
with.
"""
