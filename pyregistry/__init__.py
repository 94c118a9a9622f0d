"""An OCI registry: HTTP request → match → authenticate → authorize → store → driver.

The rooms and the traffic between them are drawn in ``docs/architecture.md``.
"""

__version__ = "0.1.0"
