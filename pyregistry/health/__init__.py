"""Whether the registry can do its work: what ``health`` names is looked at again and again, in threads.

What follows from it is elsewhere: the API refuses every request, the debug server tells the causes.
"""

from pyregistry.health.state import Check, Health
from pyregistry.health.watching import Watcher

__all__ = ["Check", "Health", "Watcher"]
