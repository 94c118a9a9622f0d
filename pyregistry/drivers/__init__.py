"""Bytes under keys. A key is a relative POSIX path such as ``blobs/sha256/ab/abcd…/data``; no meaning lives here."""
