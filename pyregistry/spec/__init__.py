"""Pure words of the specs: parse, format, compare. No I/O, no clock, no settings.

Sources: OCI distribution-spec 1.1.1 and its main branch of 2026-07-16, OCI image-spec 1.1.1.
"""
