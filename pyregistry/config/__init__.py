"""registry:2's ``config.yml`` and ``REGISTRY_*`` → typed settings; what it lacks stands under ``pyregistry:``."""

from pyregistry.config.issues import ConfigurationError, Issue
from pyregistry.config.loading import load
from pyregistry.config.settings import Settings

__all__ = ["ConfigurationError", "Issue", "Settings", "load"]
